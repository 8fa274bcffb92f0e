// What is read as a query, what is refused and in which words, and that no expression costs more than its length.
import { describe, expect, test } from "vitest";
import { labelTests } from "../../../src/server/http/prometheus/label-tests.ts";
import { parseQuery, parseSelector, spanOf } from "../../../src/server/http/prometheus/selector.ts";

const matcher = (label: string, operator: string, value: string) => ({ label, operator, value });
const read = (text: string) => {
  const query = parseQuery(text);
  if (!("scalar" in query)) labelTests(query.matchers, "query");
  return query;
};

test.each([
  ["eddy_reading", [matcher("__name__", "=", "eddy_reading")]],
  [" eddy_reading { } # all of it\n", [matcher("__name__", "=", "eddy_reading")]],
  [
    `{"eddy_reading", 'series'!~"a|b", target=\`a\\b\`,}`,
    [
      matcher("__name__", "=", "eddy_reading"),
      matcher("series", "!~", "a|b"),
      matcher("target", "=", "a\\b"),
    ],
  ],
  ['{__name__=~".+",}', [matcher("__name__", "=~", ".+")]],
  ['{series="\\u00e9\\x41\\101\\n\\"\\\\"}', [matcher("series", "=", 'éAA\n"\\')]],
  ['(eddy_reading{a!="b"})', [matcher("__name__", "=", "eddy_reading"), matcher("a", "!=", "b")]],
])("%s is a selector", (text, matchers) => {
  expect(read(text)).toEqual({ matchers, offset: 0 });
});

test("an offset moves the moment looked at, either way", () => {
  expect(parseSelector("eddy_forecast offset 1h30m").offset).toBe(5_400_000);
  expect(parseSelector("eddy_forecast offset -1d").offset).toBe(-86_400_000);
  expect(parseSelector("eddy_forecast offset 90").offset).toBe(90_000);
});

test.each([
  ["1+1", 2],
  ["2 + 3 * 4 - 1", 13],
  ["-2^2", -4],
  ["2^3^2", 512],
  ["(1 + 2) * -3 % 5", -4],
  ["0x10", 16],
  ["inf", Number.POSITIVE_INFINITY],
])("%s is the number %f", (text, number) => {
  expect(read(text)).toEqual({ scalar: number });
});

test.each([
  ["", "got its end"],
  ["rate(eddy_reading[5m])", 'nothing is computed here, got "rate(eddy_reading[5m])" at character 1'],
  ["sum by (series) (eddy_reading)", 'nothing is computed here, got "by (series)'],
  ["eddy_reading[5m]", 'got "[5m]" at character 13'],
  ["eddy_reading > 5", 'got "> 5" at character 14'],
  ["eddy_reading * 2", 'got "* 2" at character 14'],
  ["2 * eddy_reading", 'got "* eddy_reading" at character 3'],
  ["-eddy_reading", "nothing is computed here"],
  ["eddy_reading @ 5", 'got "@ 5"'],
  ["eddy_reading offset soon", "expected a span of time such as 5m"],
  ["eddy_reading{series=boiler}", 'expected a value in quotes, got "boiler}" at character 21'],
  ['eddy_reading{series="boiler}', 'expected the " that closes "\\"boiler}"'],
  ['eddy_reading{series="a" target="b"}', "expected ,"],
  ['eddy_reading{series=="a"}', "expected a value in quotes"],
  ['eddy_reading{a "b"}', "expected one of = != =~ !~"],
  ['{series="\\q"}', "after a \\"],
  ['{series="\\UFFFFFFFF"}', "expected a character of Unicode"],
  ["{}", "expected a matcher that an absent label does not fit"],
  ['{series!="b"}', "expected a matcher that an absent label does not fit"],
  ['{series=~".*"}', "expected a matcher that an absent label does not fit"],
  ['{series=~"a(?=b)"}', "expected a regular expression as RE2 has them"],
  ['{series=~"(a"}', "missing closing )"],
  ['{series=~"x{0,1000}x{0,1000}x{0,1000}"}', "which comes to 27000"],
  [`${"(".repeat(50)}1`, "at most 32 levels"],
  [`${"-".repeat(50)}1`, "at most 32 levels"],
  ["1\u0000", "expected an operator"],
  ["1 2", "expected an operator"],
  ["x".repeat(40_000), "expected at most 32768 characters"],
])("%s is refused in words", (text, words) => {
  expect(() => read(text)).toThrow(
    expect.objectContaining({ code: "bad-argument", message: expect.stringContaining(words) }),
  );
});

describe("what fits", () => {
  const fits = (operator: string, pattern: string, value: string): boolean =>
    labelTests(
      [matcher("series", operator, pattern) as never, { label: "__name__", operator: "=", value: "x" }],
      "q",
    )[0]?.fits(value) === true;

  test.each([
    ["=", "a", "a", true],
    ["=", "a", "ab", false],
    ["!=", "a", "", true],
    ["=~", "a|b", "b", true],
    ["=~", "a|b", "ab", false],
    ["=~", "(boiler\\.1|tank/2)", "boiler.1", true],
    ["=~", "(boiler\\.1|tank/2)", "boilerx1", false],
    ["=~", "boiler.1", "boilerx1", true],
    ["=~", "boiler", "boiler2", false],
    ["=~", "boiler.*", "boiler2", true],
    ["=~", "|a", "", true],
    ["!~", "boiler.*", "tank", true],
    ["!~", "boiler.*", "boiler", false],
    ["=~", "(?i)BOILER", "boiler", true],
    ["=~", "__proto__|constructor", "constructor", true],
    ["=~", "\\p{Greek}+", "αβγ", true],
  ] as const)("%s %s: %s, %s", (operator, pattern, value, expected) => {
    expect(fits(operator, pattern, value)).toBe(expected);
  });

  test("an expression that would take for ever elsewhere is as quick as any", () => {
    // (a+)+$ of 5000 letters takes 2^5000 steps with an expression of JavaScript.
    expect(fits("=~", "(a+)+b", `${"a".repeat(5000)}c`)).toBe(false);
    expect(fits("=~", "(a|a)*(a|a)*(a|a)*b", "a".repeat(5000))).toBe(false);
  });
});

test.each([
  ["15s", 15_000],
  ["1h30m", 5_400_000],
  ["0.5", 500],
  ["1e3", 1_000_000],
  ["250ms", 250],
  ["5", 5000],
  ["", undefined],
  ["-5s", undefined],
  ["5 s", undefined],
  ["1.5h", undefined],
])("the span %s", (text, milliseconds) => {
  expect(spanOf(text)).toBe(milliseconds);
});
