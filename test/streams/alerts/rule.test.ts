import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { checkRule } from "../../../src/streams/alerts/rule.ts";

const read = (rule: unknown, receivers: readonly string[] = ["ops"]) =>
  checkRule(rule, { subject: "rule", code: "bad-argument", receivers });

const rule = (rest: Record<string, unknown> = {}) => ({
  name: "hot",
  series: "boiler/*",
  when: { reading: "above", limit: 90 },
  ...rest,
});

function refusal(given: unknown): string {
  try {
    read(given);
  } catch (error) {
    if (error instanceof EddyError) return `${error.code} ${error.message}`;
    throw error;
  }
  return "taken";
}

test.each([
  { when: { reading: "outside", limit: [10, 90] }, hold: 3, clear: { limit: [12, 88], hold: "5m" } },
  { when: { reading: "below", limit: 5 }, clear: { limit: 6 } },
  { when: { forecast: "above", limit: 90, within: "1h" }, clear: { probability: 0.4 }, to: ["ops"] },
  { when: { forecast: "outside", limit: [0, 1], probability: 0.5, within: 12 }, group: "series" },
  { when: { reaches: "above", limit: 100, within: "3d" }, clear: { within: "5d", hold: 2 } },
  { when: { surprise: 0.001 }, severity: "critical", labels: { team: "storage" } },
  { when: { silent: "10m" }, clear: { hold: 2 }, summary: "{series} says nothing for {within}" },
  { when: { skill: 0 }, target: "used*", clear: { limit: 0.1 } },
])("a rule of each kind is taken as it is: %j", (rest) => {
  expect(read(rule(rest))).toEqual(rule(rest));
});

describe("what is wrong is named by its field, with what was expected and what came", () => {
  test.each<[unknown, string]>([
    [null, "bad-argument rule: expected an object, got null"],
    [[], "bad-argument rule: expected an object, got []"],
    [
      rule({ name: "__proto__" }),
      'rule: name: expected a name of 1 to 64 letters, digits and . _ -, got "__proto__"',
    ],
    [rule({ name: "../etc" }), "rule: name: expected a name"],
    [rule({ name: "a\u0000" }), "rule: name: expected a name"],
    [rule({ name: "x".repeat(1_000_000) }), "rule: name: expected a name"],
    [rule({ name: "transitions" }), "rule: name: expected a name that is no path of its own"],
    [rule({ series: "" }), "rule: series: expected a pattern of names of series"],
    [rule({ series: "x".repeat(1_000_000) }), "rule: series: expected a pattern"],
    [
      rule({ when: {} }),
      "rule: when: expected one of reading, forecast, reaches, surprise, silent, skill, got {}",
    ],
    [rule({ when: { reading: "above", limit: 1, silent: "5m" } }), "rule: when: expected one of"],
    [
      rule({ when: { reading: "over", limit: 1 } }),
      'rule: when.reading: expected one of above, below, outside, got "over"',
    ],
    [rule({ when: { reading: "above" } }), "rule: when.limit: expected a number"],
    [rule({ when: { reading: "above", limit: [1, 2] } }), "rule: when.limit: expected a number, got [1,2]"],
    [rule({ when: { reading: "outside", limit: 5 } }), "rule: when.limit: expected two numbers"],
    [rule({ when: { reading: "outside", limit: [5, 5] } }), "rule: when.limit: expected two numbers"],
    [rule({ when: { reading: "above", limit: "90" } }), "rule: when.limit: expected a number"],
    [
      JSON.parse('{"name":"a","series":"b","when":{"reading":"above","limit":1e999}}'),
      "rule: when.limit: expected a number",
    ],
    [
      rule({ when: { forecast: "above", limit: 1, within: "soon" } }),
      "rule: when.within: expected a number of steps",
    ],
    [
      rule({ when: { forecast: "above", limit: 1, within: 0 } }),
      "rule: when.within: expected a number of steps",
    ],
    [
      rule({ when: { forecast: "above", limit: 1, within: 5, probability: 80 } }),
      "rule: when.probability: expected a number between 0 and 1, got 80",
    ],
    [
      rule({ when: { reaches: "outside", limit: 1, within: "3d" } }),
      "rule: when.reaches: expected one of above, below",
    ],
    [rule({ when: { reaches: "above", limit: 1, within: 3 } }), "rule: when.within: expected a span of time"],
    [rule({ when: { surprise: 0 } }), "rule: when.surprise: expected a number between 0 and 1, got 0"],
    [rule({ when: { silent: 10 } }), "rule: when.silent: expected a span of time"],
    [rule({ when: { skill: 2 } }), "rule: when.skill: expected a number below 1, got 2"],
    [rule({ when: { skill: 0, limit: 3 } }), "rule: when.limit: expected one of skill"],
    [rule({ hold: 0 }), "rule: hold: expected a number of readings such as 3, or a span of time"],
    [rule({ hold: "-5m" }), "rule: hold: expected a number of readings"],
    [
      rule({ clear: { limit: 95 } }),
      "rule: clear.limit: expected one that is no further out than the limit of when, got 95",
    ],
    [
      rule({ clear: { probability: 0.5 } }),
      "rule: clear.probability: expected only limit, hold for a rule of this kind",
    ],
    [rule({ when: { silent: "5m" }, hold: 3 }), "rule: hold: expected none: silent says how long, got 3"],
    [
      rule({ when: { silent: "5m" }, target: "used" }),
      "rule: target: expected none: a whole series is silent",
    ],
    [rule({ labels: JSON.parse('{"__proto__":"x"}') }), "rule: labels: expected names of letters"],
    [rule({ labels: { team: 3 } }), "rule: labels.team: expected text of at most 256 characters, got 3"],
    [rule({ summary: "{serie} is full" }), "rule: summary: expected only {series}"],
    [
      rule({ to: ["pager"] }),
      "rule: to.0: expected one of ops (receivers are named in the configuration), got",
    ],
    [rule({ webhook: "http://169.254.169.254/" }), "rule: webhook: expected one of name, series"],
    [rule({ severity: "a b" }), 'rule: severity: expected a word such as "warning"'],
  ])("%#", (given, message) => {
    expect(refusal(given)).toContain(message);
    expect(refusal(given).length).toBeLessThan(600);
  });
});
