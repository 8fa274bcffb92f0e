import fc from "fast-check";
import { expect, test } from "vitest";
import { elementsOf, MAX_NESTING, parseJson } from "../../src/streams/json.ts";

const parse = (text: string) => parseJson(text, "bad-line", "line");

test("reads what JSON.parse reads", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.nat(3), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parse(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("refuses what is nested too deep, in words, whatever follows; brackets in text are no nesting", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  expect(() => parse(nested(MAX_NESTING))).not.toThrow();
  for (const depth of [MAX_NESTING + 1, 4128, 1_000_000]) {
    expect(() => parse(nested(depth))).toThrow(/^line: expected JSON nested at most 32 deep, got "\[/);
    expect(() => parse("[".repeat(depth))).toThrow(/nested at most/);
    expect(() => parse('{"a":'.repeat(depth))).toThrow(/nested at most/);
  }
  for (const text of ["[".repeat(5000), `"${"{".repeat(5000)}\\"${"[".repeat(50)}`, "\\".repeat(101)]) {
    expect(parse(JSON.stringify({ text }))).toEqual({ text });
  }
});

/** The elements as `elementsOf` cuts them, read one by one; undefined when the array is not whole. */
function elements(text: string): unknown[] | undefined {
  const bytes = Buffer.from(text);
  const spans = elementsOf(bytes);
  const found: unknown[] = [];
  for (;;) {
    const { done, value } = spans.next();
    if (done) return value ? found : undefined;
    if (value !== null && typeof value === "object")
      found.push(JSON.parse(bytes.toString("utf8", value[0], value[1])));
  }
}

test("cuts an array into its elements", () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue({ maxDepth: 4 })), fc.nat(2), (array, indent) => {
      const text = JSON.stringify(array, null, indent);
      expect(elements(` ${text}\n`)).toEqual(JSON.parse(text));
    }),
  );
  const long = Array.from({ length: 100_000 }, (_, i) => ({ i, "]": '[",' }));
  expect(elements(JSON.stringify(long))).toEqual(long);
});

test("never takes for an array what JSON.parse would not", () => {
  const pieces = fc.constantFrom("[", "]", "{", "}", ",", ":", '"', "\\", "1", "a", " ", '"b"', "null");
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
      const text = `[${parts.join("")}`;
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        expected = undefined;
      }
      let got: unknown;
      try {
        got = elements(text);
      } catch {
        got = undefined;
      }
      expect(got).toEqual(expected);
    }),
    { numRuns: 5000 },
  );
});
