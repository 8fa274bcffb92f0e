// Whatever comes in: readings, refusals, or one error of ours; every line accounted for; nothing else.
import fc from "fast-check";
import { expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { isRefused } from "../../../src/streams/formats/reading.ts";
import { openFormatNames } from "../../../src/streams/formats/recognise.ts";
import { read } from "./read.ts";

const pieces = fc.constantFrom(
  "1",
  "-2.5",
  "NaN",
  "",
  " ",
  "a",
  "time",
  "series",
  "value",
  "__proto__",
  "constructor",
  ",",
  ";",
  "\t",
  '"',
  '""',
  "=",
  "\n",
  "\r\n",
  "\u0000",
  "\ufeff",
  "é",
  "\ud800",
  "{",
  "}",
  '{"value":1}',
  '{"__proto__":1}',
  '{"values":{"a":1}}',
  "[",
  "2024-05-01",
  "2024-05-01T12:00:00Z",
  "1e999",
  "1714564800",
  "ts=1",
  'x="y',
  "null",
);
const lines = fc.array(pieces, { maxLength: 60 }).map((parts) => parts.join(""));

test.each(openFormatNames)("%s: text made of what formats are made of", async (format) => {
  await fc.assert(
    fc.asyncProperty(lines, fc.integer({ min: 1, max: 9 }), async (text, size) => {
      try {
        const all = await read(text, {}, format, size);
        // A line may hold many JSON values.
        const most = format === "json" || format === "auto" ? text.length : text.split("\n").length;
        expect(all.length).toBeLessThanOrEqual(most);
        for (const reading of all) {
          if (isRefused(reading)) {
            expect(reading.message).toMatch(/^[^\n]+$/);
            continue;
          }
          const { series, time, values } = reading.observation;
          expect(series.length).toBeGreaterThan(0);
          expect(Number.isFinite(time)).toBe(true);
          for (const value of Object.values(values))
            expect(value === null || Number.isFinite(value)).toBe(true);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(EddyError);
      }
    }),
    { numRuns: 300 },
  );
  expect(({} as Record<string, unknown>)["1"]).toBeUndefined();
});

test("any bytes", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(...openFormatNames),
      async (bytes, format) => {
        try {
          await read(bytes, {}, format);
        } catch (error) {
          expect(error).toBeInstanceOf(EddyError);
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("however the bytes are cut, the readings are the same", async () => {
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom(...openFormatNames), async (text, format) => {
      const outcome = (size: number) => read(text, {}, format, size).catch((error: Error) => error.message);
      expect(await outcome(3)).toEqual(await outcome(1000));
    }),
    { numRuns: 200 },
  );
});

test.each(["ndjson", "json", "auto"] as const)(
  "%s: brackets without end cost their own value",
  async (format) => {
    const deep = `{"time":3,"a":${"[".repeat(10_000)}${"]".repeat(10_000)}}`;
    const text = `{"time":1714564800,"a":1}\n{"time":1714564801,"a":2}\n${deep}\n{"time":1714564802,"a":3}\n`;
    const all = await read(text, {}, format);
    expect(all.map((reading) => (isRefused(reading) ? reading.message.slice(0, 40) : reading.line))).toEqual([
      1,
      2,
      "expected JSON nested at most 32 deep, go",
      4,
    ]);
  },
);

test("a list whose records repeat all that stands around it is bounded", async () => {
  const around = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`f${i}`, i]));
  const value = JSON.stringify({ ...around, list: Array.from({ length: 20_000 }, () => ({ v: 1 })) });
  const text = `{"f0":1,"list":[{"v":1},{"v":2}]}\n${value}\n`;
  const all = await read(text, {}, "ndjson", 65_536);
  expect(all.filter(isRefused)).toMatchObject([
    { line: 2, reason: "too-large", message: "expected at most 1048576 cells in one JSON value, got more" },
  ]);
  expect(all).toHaveLength(3);
});
