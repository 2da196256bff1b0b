#include "services/dispatcher/cel/cel.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/cel/testing/show.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Repeated(absl::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) absl::StrAppend(&text, part);
  return text;
}

// As Flux compiles a commitStatusExpr.
std::string Context(absl::string_view source) {
  CelOptions options = FluxOptions();
  options.result = CelType(CelType::Kind::kString);
  return Evaluated(source, options, FluxBindings());
}

TEST(CelExpressionTest, MakesTheContextsThatFluxDocuments) {
  EXPECT_EQ(Context("event.involvedObject.kind + '/' + "
                    "event.involvedObject.name + '/' + "
                    "event.metadata.cluster"),
            "\"Kustomization/apps/prod-1\"");
  EXPECT_EQ(Context("(event.involvedObject.kind + '/' + "
                    "event.involvedObject.name).lowerAscii()"),
            "\"kustomization/apps\"");
  EXPECT_EQ(Context("event.?metadata.?tenant.optMap(t, t + '/').orValue('') + "
                    "string(provider.metadata.name)"),
            "\"github-status\"");
}

TEST(CelExpressionTest, RefusesWhatIsNotKnownToBeText) {
  EXPECT_EQ(Context("event.message"),
            "error: 1:1: CEL expression output type mismatch: expected string, "
            "got dyn");
  EXPECT_EQ(Context("event"),
            "error: 1:1: CEL expression output type mismatch: expected string, "
            "got map(string, dyn)");
  EXPECT_THAT(Context("1 + 1"), HasSubstr("got int"));
  EXPECT_THAT(Context("true ? event.message : 'b'"), HasSubstr("got dyn"));
  EXPECT_THAT(Context("[event.message][0]"), HasSubstr("got dyn"));
  EXPECT_EQ(Context("string(event.message)"), "\"msg\"");
  EXPECT_EQ(Context("event.mixed.map(x, 'a')[0]"), "\"a\"");
  EXPECT_EQ(Context("optional.of('x').orValue('y')"), "\"x\"");
}

TEST(CelExpressionTest, SaysWhereTheSyntaxIsWrong) {
  EXPECT_THAT(Evaluated("bad syntax("), StartsWith("error: 1:5: syntax error"));
  EXPECT_EQ(Evaluated(""), "error: 1:1: syntax error: unexpected the end");
  EXPECT_EQ(Evaluated("1 +\n  )"), "error: 2:3: syntax error: unexpected ')'");
  EXPECT_EQ(Evaluated("'é' + #"),
            "error: 1:7: syntax error: unexpected character '#'");
  EXPECT_EQ(Evaluated("'abc"),
            "error: 1:1: syntax error: text without closing '");
  EXPECT_THAT(Evaluated("'\\z'"), HasSubstr("unknown escape sequence"));
  EXPECT_EQ(Evaluated("[1, 2"),
            "error: 1:6: syntax error: expected ']' but found the end");
  EXPECT_EQ(Evaluated("package"), "error: 1:1: reserved identifier: package");
  EXPECT_EQ(Evaluated("9223372036854775808"),
            "error: 1:1: invalid int literal");
  EXPECT_THAT(Evaluated("a.b{c: 1}"), HasSubstr("messages cannot be made"));
  EXPECT_THAT(Evaluated("'\xff'"), HasSubstr("not UTF-8"));
}

TEST(CelExpressionTest, RefusesNamesThatAreNotThere) {
  EXPECT_EQ(Evaluated("unknownvar"),
            "error: 1:1: undeclared reference to 'unknownvar' (in container "
            "'')");
  EXPECT_THAT(Evaluated("'a'.foo()"), HasSubstr("undeclared reference to"));
  EXPECT_THAT(Evaluated("foo(1)"), HasSubstr("undeclared reference to 'foo'"));
  EXPECT_THAT(Evaluated("[1].map(x, y)"), HasSubstr("reference to 'y'"));
  EXPECT_THAT(Evaluated("[1].map(x, x) == x"), HasSubstr("reference to 'x'"));
}

TEST(CelExpressionTest, RefusesTypesThatCannotBeRight) {
  EXPECT_EQ(Evaluated("1 + 'a'"),
            "error: 1:3: found no matching overload for '_+_' applied to "
            "'(int, string)'");
  EXPECT_EQ(Evaluated("'a'.substring('b')"),
            "error: 1:14: found no matching overload for 'substring' applied "
            "to 'string.(string)'");
  EXPECT_THAT(Evaluated("size()"), HasSubstr("applied to '()'"));
  EXPECT_THAT(Evaluated("1 == 'a'"), HasSubstr("no matching overload"));
  EXPECT_THAT(Evaluated("true && 1"),
              HasSubstr("expected type 'bool' but found 'int'"));
  EXPECT_THAT(Evaluated("'a'.b"),
              HasSubstr("type 'string' does not support field selection"));
  EXPECT_THAT(Evaluated("1.map(x, x)"),
              HasSubstr("cannot be range of a comprehension"));
  EXPECT_THAT(Evaluated("[1].map(1, 2)"), HasSubstr("not an identifier"));
  EXPECT_THAT(Evaluated("has(event)"), HasSubstr("invalid argument to has()"));
  EXPECT_THAT(Evaluated("'a'.matches('(')"),
              HasSubstr("1:13: error parsing regexp"));
}

TEST(CelExpressionTest, RefusesLiteralsOfMixedTypesAsFluxDoes) {
  EXPECT_EQ(Evaluated("[1, 'a']"),
            "error: 1:5: expected type 'int' but found 'string'");
  EXPECT_THAT(Evaluated("['a', event.message]"),
              HasSubstr("expected type 'string' but found 'dyn'"));
  EXPECT_THAT(Evaluated("{'a': 1, 'b': true}"), HasSubstr("found 'bool'"));
  EXPECT_EQ(Evaluated("[[], ['a']]"), "[[], [\"a\"]]");
  EXPECT_EQ(Evaluated("'%s %d'.format(['x', 3])"), "\"x 3\"");
  CelOptions options;
  options.mixed_literals = true;
  EXPECT_EQ(Evaluated("[1, 'a']", options, {}), "[1, \"a\"]");
}

TEST(CelExpressionTest, UncheckedIsWrongOnlyWhereItComesToIt) {
  CelOptions options;
  options.check = false;
  EXPECT_EQ(Evaluated("x || true", options, {}), "true");
  EXPECT_EQ(Evaluated("f(1) || true", options, {}), "true");
  EXPECT_EQ(Evaluated("x", options, {}), "error: no such attribute(s): x");
  EXPECT_EQ(Evaluated("1 + 'a'", options, {}), "error: no such overload");
}

TEST(CelExpressionTest, AVariableWithoutAValueIsAnErrorWhereItIsUsed) {
  EXPECT_EQ(Evaluated("true || event.x", FluxOptions(), {}), "true");
  EXPECT_EQ(Evaluated("event.x", FluxOptions(), {}),
            "error: no such attribute(s): event");
}

TEST(CelExpressionTest, BindsOperatorsAsTightlyAsTheyShould) {
  EXPECT_EQ(Evaluated("1 + 2 * 3 - 4 / 2 % 3"), "5");
  EXPECT_EQ(Evaluated("1 + 1 == 2 && !false || 1 / 0 > 0"), "true");
  EXPECT_EQ(Evaluated("false ? 1 : true ? 2 : 3"), "2");
  EXPECT_EQ(Evaluated("10 - 3 - 2"), "5");
  EXPECT_EQ(Evaluated("--1 + - -2"), "3");
  EXPECT_EQ(Evaluated("!!true"), "true");
  EXPECT_EQ(Evaluated("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(Evaluated("1 // all of it\n + 1"), "2");
}

TEST(CelExpressionTest, ErrorsDoNotMatterWhereTheOtherSideDecides) {
  EXPECT_EQ(Evaluated("1 / 0 > 0 || true"), "true");
  EXPECT_EQ(Evaluated("true || 1 / 0 > 0"), "true");
  EXPECT_EQ(Evaluated("1 / 0 > 0 && false"), "false");
  EXPECT_EQ(Evaluated("1 / 0 > 0 || false"), "error: division by zero");
  EXPECT_EQ(Evaluated("dyn(1) || true"), "true");
  EXPECT_EQ(Evaluated("dyn(1) || false"), "error: no such overload");
  EXPECT_EQ(Evaluated("true ? 1 : 1 / 0"), "1");
  EXPECT_EQ(Evaluated("1 / 0 > 0 ? 1 : 2"), "error: division by zero");
}

TEST(CelExpressionTest, MacrosWalkOverListsAndKeys) {
  EXPECT_EQ(Evaluated("[1, 2].all(x, x > 0)"), "true");
  EXPECT_EQ(Evaluated("[0, 1].all(x, 1 / x > 1)"), "false");
  EXPECT_EQ(Evaluated("[0, 1].exists(x, 1 / x == 1)"), "true");
  EXPECT_EQ(Evaluated("[0, 2].exists(x, 1 / x == 1)"),
            "error: division by zero");
  EXPECT_EQ(Evaluated("[1, 2, 2].exists_one(x, x == 2)"), "false");
  EXPECT_EQ(Evaluated("[1, 0].exists_one(x, 1 / x == 1)"),
            "error: division by zero");
  EXPECT_EQ(Evaluated("[1, 2].map(x, [3].map(y, x * y))"), "[[3], [6]]");
  EXPECT_EQ(Evaluated("[1, 2, 3].map(x, x > 1, x * 10)"), "[20, 30]");
  EXPECT_EQ(Evaluated("[1, 2, 3].filter(x, x % 2 == 1)"), "[1, 3]");
  EXPECT_EQ(Evaluated("{'b': 1, 'a': 2}.map(k, k)"), "[\"a\", \"b\"]");
  EXPECT_EQ(Evaluated("[1].map(event, event + 1)"), "[2]");
  EXPECT_EQ(Evaluated("['x'].map(event, .event.message)"), "[\"msg\"]");
}

TEST(CelExpressionTest, FindsWhatIsThereAndNamesWhatIsNot) {
  EXPECT_EQ(Evaluated("event.metadata['cluster']"), "\"prod-1\"");
  EXPECT_EQ(Evaluated("event.metadata.missing"), "error: no such key: missing");
  EXPECT_EQ(Evaluated("event.`metadata`.cluster"), "\"prod-1\"");
  EXPECT_EQ(Evaluated("event.numbers[1]"), "2.5");
  EXPECT_EQ(Evaluated("event.numbers[2]"), "error: index out of bounds: 2");
  EXPECT_EQ(Evaluated("[1][-1]"), "error: index out of bounds: -1");
  EXPECT_EQ(Evaluated("dyn([1, 2])[1.0]"), "2");
  EXPECT_EQ(Evaluated("dyn([1, 2])[0.5]"),
            "error: unsupported index value 0.5 in list");
  EXPECT_EQ(Evaluated("dyn([1])['a']"),
            "error: unsupported index type 'string' in list");
  EXPECT_EQ(Evaluated("dyn({1: 'a'})[1u]"), "\"a\"");
  EXPECT_EQ(Evaluated("event.message.x"), "error: no such key: x");
  EXPECT_EQ(Evaluated("has(event.metadata.x)"), "false");
  EXPECT_EQ(Evaluated("has(event.metadata.cluster)"), "true");
  EXPECT_EQ(Evaluated("has(event.x.y)"), "error: no such key: x");
  EXPECT_EQ(Evaluated("event.timestamp == null"), "true");
  EXPECT_EQ(Evaluated("{'a': 2, 'a': 3}"), "error: repeated key in a map");
}

TEST(CelExpressionTest, OptionalsStandForWhatMayBeMissing) {
  EXPECT_EQ(Evaluated("event.?x"), "optional.none()");
  EXPECT_EQ(Evaluated("event.?metadata.cluster"), "optional.of(\"prod-1\")");
  EXPECT_EQ(Evaluated("event.?x.y.z"), "optional.none()");
  EXPECT_EQ(Evaluated("event.?metadata.x"), "optional.none()");
  EXPECT_EQ(Evaluated("event.numbers[?7].orValue(0.5)"), "0.5");
  EXPECT_EQ(Evaluated("event[?'message'].hasValue()"), "true");
  EXPECT_EQ(Evaluated("optional.of(1).or(optional.of(1 / 0)).value()"), "1");
  EXPECT_EQ(Evaluated("optional.none().value()"),
            "error: optional.none() dereference");
  EXPECT_EQ(Evaluated("optional.of(2).optMap(x, x * 2)"), "optional.of(4)");
  EXPECT_EQ(Evaluated("optional.of({'a': 1}).optFlatMap(x, x.?b)"),
            "optional.none()");
  EXPECT_EQ(Evaluated("optional.ofNonZeroValue('')"), "optional.none()");
  EXPECT_EQ(Evaluated("[?event.?x, ?event.?message]"), "[\"msg\"]");
  EXPECT_EQ(Evaluated("{?'a': event.?x}"), "{}");
  EXPECT_EQ(Evaluated("[1, 2].first()"), "optional.of(1)");
  EXPECT_EQ(Evaluated("[1, 2].last().value()"), "2");
  EXPECT_EQ(Evaluated("[optional.of(1), optional.none()].unwrapOpt()"), "[1]");
  EXPECT_THAT(Evaluated("optional.of(1).orValue('a')"),
              HasSubstr("no matching overload"));
}

TEST(CelExpressionTest, IsNoLongerOrDeeperThanItMayBe) {
  CelOptions options;
  options.max_source_bytes = 10;
  EXPECT_EQ(Evaluated("1234567890", options, {}), "1234567890");
  EXPECT_THAT(Evaluated("1234567890 ", options, {}), HasSubstr("longer than"));
  EXPECT_EQ(Evaluated(Repeated("(", 240) + "1" + Repeated(")", 240)), "1");
  for (const std::string& deep :
       {Repeated("(", 5000), Repeated("[", 5000), Repeated("f(", 5000),
        Repeated("{1:", 5000), "1" + Repeated("+1", 5000),
        "event" + Repeated(".a", 5000), "event" + Repeated("[0]", 5000),
        Repeated("true ? 1 : ", 2000) + "1"}) {
    EXPECT_THAT(Evaluated(deep), HasSubstr("nested deeper than 250"));
  }
  EXPECT_EQ(Evaluated("false" + Repeated(" || true", 2000)), "true");
  EXPECT_EQ(Evaluated(Repeated("!", 10000) + "true"), "true");
}

TEST(CelExpressionTest, StopsWhereItTakesTooManySteps) {
  CelOptions options;
  options.max_steps = 100;
  const std::string source = "[1, 2, 3].map(x, [4, 5, 6].map(y, x * y))";
  EXPECT_THAT(Evaluated(source), StartsWith("[[4"));
  options.max_steps = 20;
  EXPECT_THAT(Evaluated(source, options, {}), HasSubstr("too many steps"));
  // Not even || hides it.
  EXPECT_THAT(Evaluated("size(" + source + ") == 0 || true", options, {}),
              HasSubstr("too many steps"));
  std::string loops = "1";
  for (int i = 0; i < 12; ++i) {
    loops = absl::StrCat("[1,2,3,4,5,6,7,8].map(x", i, ", ", loops, ")");
  }
  EXPECT_THAT(Evaluated(loops), HasSubstr("too many steps"));
}

TEST(CelExpressionTest, StopsWhereItMakesTooMuch) {
  std::string doubled = "optional.of('0123456789')";
  for (int i = 0; i < 60; ++i) absl::StrAppend(&doubled, ".optMap(x, x + x)");
  EXPECT_THAT(Evaluated(doubled), HasSubstr("too much data"));
  std::string lists = "optional.of([1])";
  for (int i = 0; i < 60; ++i) absl::StrAppend(&lists, ".optMap(x, x + x)");
  EXPECT_THAT(Evaluated(lists), HasSubstr("too much data"));
  EXPECT_THAT(Evaluated("'" + Repeated("a", 4000) + "'.split('').map(x, '" +
                        Repeated("b", 4000) + "').join()"),
              HasSubstr("too much data"));
}

// Shared parts make values that are far larger than their memory.
TEST(CelExpressionTest, WalksOverSharedPartsOnlyAsFarAsItMay) {
  std::string shared = "[[1]]";
  for (int i = 0; i < 60; ++i) absl::StrAppend(&shared, ".map(x, [x, x])");
  EXPECT_THAT(Evaluated(shared + " == " + shared), HasSubstr("too many steps"));
  EXPECT_THAT(
      Evaluated("'%s'.format([" + shared + "])"),
      testing::AnyOf(HasSubstr("too many steps"), HasSubstr("too much data")));
  EXPECT_THAT(Evaluated("json.encode(" + shared + ")"),
              HasSubstr("too many steps"));
  EXPECT_EQ(Evaluated("size(" + shared + ")"), "1");
}

TEST(CelExpressionTest, ChecksTypesThatDoubleWithEveryStep) {
  std::string source = "{'a': 1}";
  for (int i = 0; i < 60; ++i) {
    source = absl::StrCat("optional.of(", source, ").optMap(x, {x: x})");
  }
  EXPECT_THAT(Evaluated(source), StartsWith("error: "));
}

}  // namespace
}  // namespace lamplighter::dispatcher
