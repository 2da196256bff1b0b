// What holds for every expression, also for those that nobody would write.

#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "services/dispatcher/cel/cel.h"
#include "services/dispatcher/cel/testing/show.h"

namespace lamplighter::dispatcher {
namespace {

constexpr absl::string_view kTokens[] = {"event",
                                         ".",
                                         "message",
                                         "metadata",
                                         "(",
                                         ")",
                                         "[",
                                         "]",
                                         "{",
                                         "}",
                                         ",",
                                         ":",
                                         "?",
                                         "1",
                                         "2u",
                                         "1.5",
                                         "'a'",
                                         "b'\\xff'",
                                         "'%s'",
                                         "true",
                                         "null",
                                         "+",
                                         "-",
                                         "*",
                                         "/",
                                         "%",
                                         "==",
                                         "!=",
                                         "<",
                                         ">=",
                                         "&&",
                                         "||",
                                         "!",
                                         "in",
                                         ".map(",
                                         ".all(",
                                         ".filter(",
                                         "x",
                                         ".size()",
                                         "size(",
                                         "has(",
                                         "string(",
                                         "int(",
                                         ".split(",
                                         ".join(",
                                         ".format(",
                                         "[?",
                                         ".?",
                                         "optional.of(",
                                         ".orValue(",
                                         ".optMap(",
                                         "timestamp(",
                                         "duration(",
                                         ".matches(",
                                         "'('",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "dyn(",
                                         "`a-b`",
                                         "json.encode(",
                                         ".replace(",
                                         ".substring(",
                                         "\n",
                                         " ",
                                         "//",
                                         "\"\"\"",
                                         "\\",
                                         "\xc3",
                                         "#"};

std::string RandomTokens(std::mt19937& random) {
  std::string source;
  const uint32_t count = 1 + random() % 30;
  for (uint32_t i = 0; i < count; ++i) {
    absl::StrAppend(&source, kTokens[random() % std::size(kTokens)]);
  }
  return source;
}

// More often right than random tokens are: grows by rules.
std::string RandomExpression(std::mt19937& random, int depth) {
  constexpr absl::string_view kLeaves[] = {"1",
                                           "0",
                                           "'a'",
                                           "event.message",
                                           "event.mixed",
                                           "x",
                                           "event",
                                           "1.5",
                                           "true",
                                           "b'\\xff'",
                                           "null",
                                           "event.?x",
                                           "timestamp(0)",
                                           "duration('1s')",
                                           "[1, 2]",
                                           "2u",
                                           "{'a': 1}",
                                           "event.numbers",
                                           "optional.of('a')",
                                           "''"};
  constexpr absl::string_view kShapes[] = {"dyn($) + dyn($)",
                                           "dyn($) == dyn($)",
                                           "$.map(x, $)",
                                           "$.filter(x, $)",
                                           "dyn($)[dyn($)]",
                                           "string(dyn($))",
                                           "'%s %s'.format([dyn($), dyn($)])",
                                           "$ ? $ : $",
                                           "dyn($).replace(dyn($), dyn($))",
                                           "dyn($).split(dyn($))",
                                           "dyn($) && dyn($)",
                                           "[dyn($), dyn($)]",
                                           "{dyn($): dyn($)}",
                                           "dyn($).optMap(x, $)",
                                           "size(dyn($))",
                                           "dyn($) < dyn($)",
                                           "json.encode(dyn($))",
                                           "dyn($) in dyn($)",
                                           "dyn($).substring(dyn($))",
                                           "-dyn($)",
                                           "dyn($) * dyn($)",
                                           "dyn($).exists(x, dyn($))"};
  if (depth == 0) return std::string(kLeaves[random() % std::size(kLeaves)]);
  std::string source;
  for (const char c : kShapes[random() % std::size(kShapes)]) {
    if (c == '$') {
      absl::StrAppend(&source, RandomExpression(random, depth - 1));
    } else {
      source.push_back(c);
    }
  }
  return source;
}

// Fails where an expression ends in anything but a value or a plain error.
void Try(absl::string_view source, const CelOptions& options,
         const CelBindings& bindings, int& evaluated) {
  const auto expression = CelExpression::Compile(source, options);
  if (!expression.ok()) {
    EXPECT_EQ(expression.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_TRUE(absl::StrContains(expression.status().message(), ":"))
        << expression.status();
    return;
  }
  const auto value = (*expression)->Evaluate(bindings);
  if (value.ok()) {
    ++evaluated;
  } else {
    EXPECT_EQ(value.status().code(), absl::StatusCode::kInvalidArgument)
        << source;
  }
}

TEST(CelPropertyTest, AnyTokensGiveAValueOrAnError) {
  std::mt19937 random(20261121);
  CelOptions unchecked = FluxOptions();
  unchecked.check = false;
  const CelBindings bindings = FluxBindings();
  int evaluated = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string source = RandomTokens(random);
    Try(source, FluxOptions(), bindings, evaluated);
    Try(source, unchecked, bindings, evaluated);
  }
  EXPECT_GT(evaluated, 100);
}

TEST(CelPropertyTest, AnyExpressionGivesAValueOrAnError) {
  std::mt19937 random(7);
  CelOptions checked = FluxOptions();
  checked.mixed_literals = true;
  CelOptions unchecked = checked;
  unchecked.check = false;
  const CelBindings bindings = FluxBindings();
  int evaluated = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string source =
        RandomExpression(random, static_cast<int>(1 + random() % 4));
    Try(source, checked, bindings, evaluated);
    Try(source, unchecked, bindings, evaluated);
  }
  EXPECT_GT(evaluated, 300);
}

TEST(CelPropertyTest, AnyBytesAreRead) {
  std::mt19937 random(42);
  int evaluated = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string source;
    for (uint32_t left = random() % 40; left > 0; --left) {
      source.push_back(static_cast<char>(
          random() % 3 == 0 ? random() % 256 : 32 + random() % 95));
    }
    Try(source, FluxOptions(), {}, evaluated);
  }
}

}  // namespace
}  // namespace lamplighter::dispatcher
