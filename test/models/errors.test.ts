import fc from "fast-check";
import { expect, test } from "vitest";
import { printable } from "../../src/models/errors.ts";

test("anything is shown within the limit, in one line of JSON's looks", () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }),
      (value) => {
        const text = printable(value);
        expect(text.length).toBeLessThanOrEqual(61);
      },
    ),
  );
});

test("what is small is shown as JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 2 }), (value) => {
      const json = JSON.stringify(value);
      fc.pre(!json.includes("-0"));
      expect(printable(value, 10_000)).toBe(json);
    }),
  );
});

test("nesting without end, megabytes, cycles and traps neither throw nor take long", () => {
  let deep: unknown = [];
  for (let i = 0; i < 1_000_000; i++) deep = i % 2 === 0 ? [deep] : { a: deep };
  expect(printable(deep)).toBe('{"a":[{"a":[{…}]}]}');
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  expect(printable(cycle).length).toBeLessThanOrEqual(61);
  expect(printable("x".repeat(10_000_000))).toBe(`"${"x".repeat(59)}…`);
  expect(printable(new Array(10_000_000).fill(0)).length).toBe(61);
  const trap = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("trap");
      },
    },
  );
  expect(printable(trap)).toBe("a value that cannot be shown (object)");
  expect(
    printable({
      get a() {
        throw new RangeError("no");
      },
    }),
  ).toContain("cannot be shown");
  expect(printable(() => 1)).toBe("a function");
  expect(printable(Symbol("s"))).toBe("Symbol(s)");
  expect(printable(12n)).toBe("12");
  expect(printable(Number.NaN)).toBe("NaN");
});
