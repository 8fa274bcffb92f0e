import fc from "fast-check";
import { expect, test } from "vitest";
import { matchesPattern } from "../../src/streams/pattern.ts";

test.each([
  ["*", "", true],
  ["*", "anything/at all", true],
  ["mote-?/*", "mote-3/humidity", true],
  ["mote-?/*", "mote-13/humidity", false],
  ["*/humidity", "mote-3/humidity", true],
  ["*/humidity", "mote-3/humidity2", false],
  ["a*b*c", "a-b-b-c", true],
  ["a*b*c", "a-c-b", false],
  ["", "", true],
  ["", "a", false],
  ["a.c", "abc", false],
  ["[a-z]", "b", false],
  ["(a+)+$", "(a+)+$", true],
  ["?", "", false],
])("%j against %j: %s", (pattern, name, expected) => {
  expect(matchesPattern(pattern, name)).toBe(expected);
});

test("agrees with the regular expression it stands for", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
  fc.assert(
    fc.property(word, name, (pattern, text) => {
      const regular = new RegExp(`^${pattern.replaceAll("*", ".*").replaceAll("?", ".")}$`);
      expect(matchesPattern(pattern, text)).toBe(regular.test(text));
    }),
    { seed: 7, numRuns: 2000 },
  );
});

test("a pattern made to explode takes its bounded time", () => {
  expect(matchesPattern("*a".repeat(128), "a".repeat(127) + "b".repeat(129))).toBe(false);
});
