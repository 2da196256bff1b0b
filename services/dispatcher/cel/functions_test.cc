#include "services/dispatcher/cel/functions.h"

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/dispatcher/cel/testing/show.h"

namespace lamplighter::dispatcher {
namespace {

using ::testing::HasSubstr;

struct Example {
  const char* source;
  const char* result;
};

template <size_t kCount>
void ExpectAll(const Example (&examples)[kCount]) {
  for (const Example& example : examples) {
    EXPECT_EQ(Evaluated(example.source), example.result) << example.source;
  }
}

TEST(ArithmeticTest, NeverWrapsAround) {
  ExpectAll({
      {"9223372036854775807 + 1", "error: integer overflow"},
      {"-9223372036854775808 - 1", "error: integer overflow"},
      {"9223372036854775807 * 2", "error: integer overflow"},
      {"-9223372036854775808 / -1", "error: integer overflow"},
      {"-9223372036854775808 % -1", "error: integer overflow"},
      {"-(-9223372036854775808)", "error: integer overflow"},
      {"18446744073709551615u + 1u", "error: unsigned integer overflow"},
      {"0u - 1u", "error: unsigned integer overflow"},
      {"18446744073709551615u * 2u", "error: unsigned integer overflow"},
      {"1 / 0", "error: division by zero"},
      {"1u % 0u", "error: modulus by zero"},
      {"-7 / 2", "-3"},
      {"-7 % 2", "-1"},
      {"1.0 / 0.0", "+Inf"},
  });
}

TEST(ArithmeticTest, AddsWhatCanBeJoined) {
  ExpectAll({
      {"'a' + 'b'", "\"ab\""},
      {"b'a' + b'\\xff'", "b\"a\\377\""},
      {"[1] + [2]", "[1, 2]"},
      {"timestamp(0) + duration('1h')", "timestamp(\"1970-01-01T01:00:00Z\")"},
      {"timestamp(3600) - timestamp(0)", "duration(\"3600s\")"},
      {"duration('1h') - duration('1ns')", "duration(\"3599.999999999s\")"},
      {"timestamp('9999-12-31T23:59:59Z') + duration('1s')",
       "error: timestamp overflow"},
      {"duration('2562047h') + duration('2562047h')",
       "error: duration overflow"},
      {"dyn(1) + dyn('a')", "error: no such overload"},
  });
}

TEST(ComparisonTest, ComparesNumbersByTheirValue) {
  ExpectAll({
      {"1 < 1.5", "true"},
      {"2u > 1", "true"},
      {"-1 < 0u", "true"},
      {"dyn(1) == dyn(1u)", "true"},
      {"dyn(1) == dyn(1.0)", "true"},
      {"dyn(1) == dyn('1')", "false"},
      {"0.0 / 0.0 == 0.0 / 0.0", "false"},
      {"0.0 / 0.0 < 1.0", "error: NaN values cannot be ordered"},
      {"18446744073709551615u > 1.0e19", "true"},
      {"9223372036854775807 < 1.0e19", "true"},
      {"1u > -1.5", "true"},
      {"dyn(1) < dyn('a')", "error: no such overload"},
  });
}

TEST(ComparisonTest, ComparesWhatIsInListsAndMaps) {
  ExpectAll({
      {"[1, 2] == [1, 2]", "true"},
      {"[1, 2] == [2, 1]", "false"},
      {"[[1]] == [[1], [2]]", "false"},
      {"{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"},
      {"{'a': 1} != {'a': 2}", "true"},
      {"dyn({1: 'a'}) == dyn({1u: 'a'})", "true"},
      {"optional.of(1) == optional.of(1)", "true"},
      {"optional.none() == optional.of(1)", "false"},
      {"type(1) == int", "true"},
      {"type(duration('1s')) == google.protobuf.Duration", "true"},
      {"'a' < 'b' && b'a' < b'b' && false < true", "true"},
      {"timestamp(1) > timestamp(0) && duration('1s') >= duration('1s')",
       "true"},
      {"1 in [2, 1]", "true"},
      {"'cluster' in event.metadata", "true"},
      {"dyn([1]) in {'a': dyn(1)}", "false"},
  });
}

TEST(SetTest, TakesListsForSets) {
  ExpectAll({
      {"sets.contains([1, 2], [2, 2])", "true"},
      {"sets.contains([1], [1, 2])", "false"},
      {"sets.equivalent([1, 1], [1])", "true"},
      {"sets.equivalent([1], [1, 2])", "false"},
      {"sets.intersects([1], [2, 1])", "true"},
      {"sets.intersects([1], [])", "false"},
  });
}

TEST(ConversionTest, ConvertsWhatFits) {
  ExpectAll({
      {"int('-5') + int(2.9) + int(3u)", "0"},
      {"int('+5')", "5"},
      {"int(timestamp('1969-12-31T23:59:59.5Z'))", "-1"},
      {"uint('7')", "7u"},
      {"double('1e3')", "1000.0"},
      {"double('-inf')", "-Inf"},
      {"bool('T')", "true"},
      {"string(1.0e6)", "\"1e+06\""},
      {"string(123456.5)", "\"123456.5\""},
      {"string(0.00001)", "\"1e-05\""},
      {"string(true) + string(1u)", "\"true1\""},
      {"string(b'abc')", "\"abc\""},
      {"bytes('\u00e9')", "b\"\\303\\251\""},
      {"string(timestamp('2026-01-02T03:04:05.600Z'))",
       "\"2026-01-02T03:04:05.6Z\""},
      {"string(duration('1h1ns'))", "\"3600.000000001s\""},
      {"type(1)", "int"},
      {"type(type(1))", "type"},
      {"type(null)", "null_type"},
  });
}

TEST(ConversionTest, RefusesWhatDoesNotFit) {
  ExpectAll({
      {"int('x')", "error: type conversion error from 'string' to 'int'"},
      {"int(' 1')", "error: type conversion error from 'string' to 'int'"},
      {"int('9223372036854775808')",
       "error: type conversion error from 'string' to 'int'"},
      {"int(1e19)", "error: integer overflow"},
      {"int(18446744073709551615u)", "error: integer overflow"},
      {"uint(-1)", "error: unsigned integer overflow"},
      {"uint('-1')", "error: type conversion error from 'string' to 'uint'"},
      {"uint(0.0 / 0.0)", "error: unsigned integer overflow"},
      {"double('1e400')",
       "error: type conversion error from 'string' to 'double'"},
      {"bool('yes')", "error: type conversion error from 'string' to 'bool'"},
      {"string(b'\\xff')",
       "error: invalid UTF-8 in bytes, cannot convert to string"},
      {"string(dyn([1]))", "error: no such overload: string(list)"},
  });
}

TEST(TimeTest, ReadsOnlyStrictTimestampsAndGoDurations) {
  for (const char* const bad :
       {"2026-01-02", "2026-01-02T03:04:05", "2026-01-02t03:04:05z",
        "2026-01-02T03:04:60Z", "2026-13-02T03:04:05Z", "0000-01-01T00:00:00Z",
        "2026-01-02T24:00:00Z", "2026-01-02T03:04:05+24:00",
        "2026-01-02T03:04:05.Z", " 2026-01-02T03:04:05Z"}) {
    EXPECT_THAT(Evaluated(absl::StrCat("timestamp('", bad, "')")),
                HasSubstr("error: "))
        << bad;
  }
  for (const char* const bad : {"", "1", "1d", "inf", "1h ", "9223372037s"}) {
    EXPECT_THAT(Evaluated(absl::StrCat("duration('", bad, "')")),
                HasSubstr("error: "))
        << bad;
  }
  ExpectAll({
      {"timestamp('2026-01-02T03:04:05+02:00')",
       "timestamp(\"2026-01-02T01:04:05Z\")"},
      {"timestamp('0001-01-01T00:00:00Z')",
       "timestamp(\"0001-01-01T00:00:00Z\")"},
      {"duration('-1.5h3m')", "duration(\"-5580s\")"},
      {"duration('3\\u00b5s')", "duration(\"0.000003s\")"},
  });
}

TEST(TimeTest, TakesTimesApartInAnyZone) {
  ExpectAll({
      {"timestamp('2026-03-01T23:04:05.678Z').getFullYear()", "2026"},
      {"timestamp('2026-03-01T23:04:05.678Z').getMonth()", "2"},
      {"timestamp('2026-03-01T23:04:05.678Z').getDate()", "1"},
      {"timestamp('2026-03-01T23:04:05.678Z').getDayOfMonth()", "0"},
      {"timestamp('2026-03-01T23:04:05.678Z').getDayOfYear()", "59"},
      {"timestamp('2026-03-01T23:04:05.678Z').getDayOfWeek()", "0"},
      {"timestamp('2026-03-01T23:04:05.678Z').getHours()", "23"},
      {"timestamp('2026-03-01T23:04:05.678Z').getMinutes()", "4"},
      {"timestamp('2026-03-01T23:04:05.678Z').getSeconds()", "5"},
      {"timestamp('2026-03-01T23:04:05.678Z').getMilliseconds()", "678"},
      {"timestamp('2026-03-01T23:04:05Z').getDate('+02:00')", "2"},
      {"timestamp('2026-03-01T23:04:05Z').getMinutes('-01:30')", "34"},
      {"timestamp('2026-03-01T23:04:05Z').getHours('05:30')", "4"},
      {"timestamp('2026-07-01T12:00:00Z').getHours('America/New_York')", "8"},
      {"timestamp(0).getHours('Moon/Crater')",
       "error: unknown time zone Moon/Crater"},
      {"timestamp(0).getHours('../../etc/passwd')",
       "error: unknown time zone ../../etc/passwd"},
      {"timestamp(0).getHours('+99:00')", "error: unknown time zone +99:00"},
      {"duration('90m').getHours()", "1"},
      {"duration('-90m').getMinutes()", "-90"},
      {"duration('123.321456789s').getMilliseconds()", "123321"},
  });
}

TEST(TextTest, CountsCodePoints) {
  ExpectAll({
      {"size('\u00e9\\U0001F600')", "2"},
      {"'a\u00e9b'.charAt(1)", "\"\u00e9\""},
      {"'ab'.charAt(2)", "\"\""},
      {"'ab'.charAt(3)", "error: index out of range: 3"},
      {"'\u00e9b\u00e9b'.indexOf('b')", "1"},
      {"'\u00e9b\u00e9b'.indexOf('b', 2)", "3"},
      {"'abc'.indexOf('', 9)", "3"},
      {"'abc'.indexOf('a', 9)", "-1"},
      {"'abc'.indexOf('a', -1)", "error: index out of range: -1"},
      {"'\u00e9b\u00e9b'.lastIndexOf('b')", "3"},
      {"'\u00e9b\u00e9b'.lastIndexOf('b', 2)", "1"},
      {"'abc'.lastIndexOf('')", "3"},
      {"'a\u00e9bc'.substring(1, 3)", "\"\u00e9b\""},
      {"'abc'.substring(3)", "\"\""},
      {"'abc'.substring(4)", "error: index out of range: 4"},
      {"'abc'.substring(2, 1)",
       "error: invalid substring range. start: 2, end: 1"},
      {"'a\u00e9b'.reverse()", "\"b\u00e9a\""},
  });
}

TEST(TextTest, ReplacesSplitsAndJoins) {
  ExpectAll({
      {"'abab'.replace('a', 'x')", "\"xbxb\""},
      {"'abab'.replace('a', 'x', 1)", "\"xbab\""},
      {"'ab'.replace('', '-')", "\"-a-b-\""},
      {"'abc'.replace('', '-', 2)", "\"-a-bc\""},
      {"''.replace('', '-')", "\"-\""},
      {"'a,b,'.split(',')", "[\"a\", \"b\", \"\"]"},
      {"'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]"},
      {"'a,b'.split(',', 0)", "[]"},
      {"''.split(',')", "[\"\"]"},
      {"'\u00e9b'.split('')", "[\"\u00e9\", \"b\"]"},
      {"''.split('')", "[]"},
      {"['a', 'b'].join()", "\"ab\""},
      {"['a', 'b'].join('-')", "\"a-b\""},
      {"event.mixed.join('-')", "error: join: invalid input of type double"},
      {"' \\t\\u00a0a b\\n'.trim()", "\"a b\""},
      {"'\\u2003'.trim()", "\"\""},
      {"'a\u00c9'.lowerAscii() + 'a\u00e9'.upperAscii()", "\"a\u00c9A\u00e9\""},
      {"strings.quote('a\"\\n')", "\"\\\"a\\\\\\\"\\\\n\\\"\""},
  });
}

TEST(TextTest, MatchesAnywhereUnlessAnchored) {
  ExpectAll({
      {"'main@sha1:0'.matches('^main@')", "true"},
      {"matches('xay', 'a')", "true"},
      {"event.message.matches(event.message)", "true"},
      {"dyn('a').matches('^b')", "false"},
      {"'ab'.contains('b') && 'ab'.startsWith('a') && 'ab'.endsWith('b')",
       "true"},
  });
  EXPECT_THAT(Evaluated("'a'.matches('a' + '(')"),
              HasSubstr("error: error parsing regexp"));
  EXPECT_THAT(Evaluated("'a'.matches('((a{100}){100}){10}')"),
              HasSubstr("error parsing regexp"));
}

TEST(FormatTest, FormatsAsFluxDoes) {
  ExpectAll({
      {"'%s|%s|%s'.format(['a', 1.5, [1u, b'b']])", "\"a|1.5|[1, b]\""},
      {"'%s'.format([{'b': null, 'a': duration('1.5s')}])",
       "\"{a: 1.5s, b: null}\""},
      {"'%d %d %d'.format([1, 2u, 1e6])", "\"1 2 1000000\""},
      {"'%f %.2f %.0e'.format([1.5, 2.345, 1234])", "\"1.500000 2.35 1e+03\""},
      {"'%x %X %x %o %b %b'.format([255, b'\\xab', -16, 8, 5, true])",
       "\"ff AB -10 10 101 1\""},
      {"'100%%'.format([])", "\"100%\""},
      {"'%s'.format([])", "error: index 0 out of range"},
      {"'%'.format([1])", "error: unexpected end of string"},
      {"'%z'.format([1])",
       "error: could not parse formatting clause: unrecognized formatting "
       "clause \"z\""},
      {"'%d'.format(['a'])",
       "error: error during formatting: decimal clause can only be used on "
       "ints, uints, and doubles, was given string"},
      {"'%s'.format([b'\\xff'])", "\"\uFFFD\""},
  });
  EXPECT_THAT(Evaluated("'%.101f'.format([1.0])"), HasSubstr("precision"));
  EXPECT_THAT(Evaluated("'%.'.format([1.0])"), HasSubstr("precision"));
  EXPECT_THAT(Evaluated("'%.100f'.format([1e308])"), HasSubstr("000"));
}

TEST(EncoderTest, EncodesAndDecodes) {
  ExpectAll({
      {"base64.encode(b'hi')", "\"aGk=\""},
      {"base64.decode('aGk=') == base64.decode('aGk')", "true"},
      {"base64.decode('a!')", "error: illegal base64 data at input byte 1"},
      {"json.encode({'b': [1, 9007199254740993], 'a': [2]})",
       "\"{\\\"a\\\":[2],\\\"b\\\":[1,\\\"9007199254740993\\\"]}\""},
      {"json.encode('<\\n')", "\"\\\"\\\\u003c\\\\n\\\"\""},
      {"json.encode(1e21) + json.encode(1e-7) + json.encode(2.0)",
       "\"1e+211e-72\""},
      {"json.encode(event.mixed)",
       "\"[1,\\\"a\\\",true,null,{\\\"k\\\":\\\"v\\\"}]\""},
      {"json.encode(int)", "error: type conversion not supported for 'type'"},
      {"json.encode({1: 2})",
       "error: unsupported type conversion from 'int' to string"},
  });
}

}  // namespace
}  // namespace lamplighter::dispatcher
