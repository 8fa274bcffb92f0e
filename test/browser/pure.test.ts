// What the page and the report are made of and needs no browser: axes, numbers, names, words.
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Drawing, extentOf, limitsOf, measureOf } from "../../src/browser/chart/drawing.ts";
import { lastAtMost, nearest, shown } from "../../src/browser/chart/numbers.ts";
import { oldestFirst, readable } from "../../src/browser/page/file-text.ts";
import { groupOf, ownPart, searched, shortened } from "../../src/browser/page/names.ts";
import { bounded } from "../../src/browser/page/range.ts";
import type { RecognitionAnswer } from "../../src/browser/page/wire.ts";
import { shareWords, skillWords, spanWords, unitOf } from "../../src/browser/page/words.ts";

const cell = fc.oneof(fc.double(), fc.constant(null), fc.constantFrom(0, 1e300, -1e300, 5e-324));
const drawing = fc
  .record({
    y: fc.array(cell, { maxLength: 6 }),
    lower: fc.array(cell, { maxLength: 6 }),
    upper: fc.array(cell, { maxLength: 6 }),
  })
  .map(
    ({ y, lower, upper }): Drawing => ({
      lines: [{ label: "a", colour: "line", x: y.map((_, i) => i), y }],
      bands: [{ label: "b", colour: "fan", opacity: 1, x: lower.map((_, i) => i), lower, upper }],
    }),
  );

describe("axes", () => {
  test("are two numbers that differ, whatever there is to draw", () => {
    fc.assert(
      fc.property(drawing, (one) => {
        const [from, to] = extentOf(one);
        const [low, high] = limitsOf(one, from, to);
        expect(from).toBeLessThan(to);
        expect(low).toBeLessThan(high);
        for (const end of [from, to, low]) expect(Number.isNaN(end)).toBe(false);
        // Measured so, a chart can count from one to the other.
        const { origin, scale } = measureOf([low, high]);
        const [bottom, top] = [(low - origin) / scale, (high - origin) / scale];
        expect(top - bottom).toBeGreaterThan(1e-10);
        expect(top - bottom).toBeGreaterThan(1e-10 * Math.max(Math.abs(bottom), Math.abs(top)));
        expect(Math.max(Math.abs(bottom), Math.abs(top))).toBeLessThan(2e15);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  test("a wide band does not flatten the line within it", () => {
    const x = [0, 1, 2];
    const [low, high] = limitsOf(
      {
        lines: [{ label: "a", colour: "line", x, y: [0, 5, 10] }],
        bands: [
          { label: "b", colour: "fan", opacity: 1, x, lower: [-1e6, -1e6, -1e6], upper: [1e6, 1e6, 1e6] },
        ],
      },
      0,
      2,
    );
    expect(low).toBeGreaterThan(-10);
    expect(high).toBeLessThan(20);
  });

  test("a reading that nobody believes does not flatten the others, unless it lies near them", () => {
    const x = [0, 1, 2, 3];
    const one = (odd: number, aside: boolean) =>
      limitsOf(
        {
          lines: [{ label: "a", colour: "line", x, y: [20, odd, 21, 20] }],
          bands: [],
          marks: [{ x: 1, y: odd, colour: "bad", label: "held", aside }],
        },
        0,
        3,
      );
    expect(one(-999, false)[0]).toBeLessThan(-999);
    expect(one(-999, true)[0]).toBeGreaterThan(19);
    expect(one(-999, true)[1]).toBeLessThan(22);
    expect(one(21.5, true)[1]).toBeGreaterThan(21.5);
    // What may come again is to be seen where it is.
    const [low] = limitsOf(
      {
        lines: [{ label: "a", colour: "line", x, y: [500, 505, 498, 0] }],
        bands: [{ label: "b", colour: "fan", opacity: 1, x: [3, 4], lower: [0, 0], upper: [0, 510] }],
        marks: [{ x: 3, y: 0, colour: "bad", label: "held", aside: true }],
        now: 3,
      },
      0,
      4,
    );
    expect(low).toBeLessThan(0);
  });
});

test.each([
  [13.75, undefined, "13.75"],
  [941.72, undefined, "941.7"],
  [919, undefined, "919"],
  [0.00123456, undefined, "0.001235"],
  [1200, 200, "1,200"],
  [1.5, 0.5, "1.5"],
  [Number.NaN, undefined, "–"],
  [2e12, undefined, "2.000 trillion"],
  [16_003_584_000, undefined, "16.00 billion"],
  [16_003_584_000, 100, "16.0035840 billion"],
  [-2.5, 2.5, "-2.5"],
  [0.75, 0.25, "0.75"],
  [-1e-17, 0.5, "0.0"],
  [1.234e-12, undefined, "1.23 × 10⁻¹²"],
  [1.0002e-12, 1e-16, "1.0002 × 10⁻¹²"],
  [1e15 + 1, 1, "1.000000000000001 × 10¹⁵"],
  [-1.7e308, undefined, "-1.70 × 10³⁰⁸"],
])("%d by steps of %s is told as %s", (value, step, told) => {
  expect(shown(value, step)).toBe(told);
});

test("places in a sorted list", () => {
  expect(lastAtMost([1, 3, 5], 4)).toBe(1);
  expect(lastAtMost([1, 3, 5], 0)).toBe(-1);
  expect(nearest([1, 3, 5], 4.1)).toBe(2);
  expect(nearest([], 4)).toBe(-1);
});

test.each([
  ["tank/a/level", "value", "tank/a", "level"],
  ["load", "temp", "", "load · temp"],
  ['up{job="node"}', "value", "up", '{job="node"}'],
  ["app.web.requests", "value", "app.web", "requests"],
  ["Room no. 5: the heat", "value", "", "Room no. 5: the heat"],
])("%s %s stands under %s as %s", (series, target, group, own) => {
  expect([groupOf(series), ownPart(series, target)]).toEqual([group, own]);
});

test("long names are shortened where they are the same, and stay different", () => {
  const names = Array.from(
    { length: 12 },
    (_, cpu) => `instance="host.example.org:9100",cpu="${cpu}",mode="idle",cluster="production-west"`,
  );
  const short = shortened(names);
  expect(new Set(short).size).toBe(12);
  for (const name of short) expect(name.length).toBeLessThanOrEqual(46);
  // Alone, its beginning and its end are left.
  expect(shortened([names[0] as string])[0]).toMatch(/^instance=.*…/);
});

test("what a reader sees as one character is not cut", () => {
  const family = "👨‍👩‍👧‍👦";
  const names = ["a", "b"].map((end) => `${family.repeat(60)}${end}`);
  const short = shortened(names);
  expect(new Set(short).size).toBe(2);
  for (const name of short) expect(name.replaceAll(family, "")).toMatch(/^…?[ab…]+$/);
});

test("a stretch that is looked at is never narrower than a step nor beyond what time has words for", () => {
  expect(bounded([0, 100], 1000)).toEqual([-450, 550]);
  for (const view of [bounded([-1e20, 1e20], 1), bounded([1e18, 2e18], 1)]) {
    for (const end of view) expect(() => new Date(end).toISOString()).not.toThrow();
    expect(view[0]).toBeLessThan(view[1]);
  }
});

test("a search finds every word, anywhere, and * and ? within them", () => {
  const fits = searched("HOST ?pu*idle");
  expect(fits("host-1/cpu/idle")).toBe(true);
  expect(fits("host-1/cpu/user")).toBe(false);
  expect(searched("(a+)+$")("(a+)+$ b")).toBe(true);
  expect(searched(" ")("anything")).toBe(true);
});

test.each([
  [null, "not measured yet"],
  [0.62, "62 % better than repeating the last value"],
  [-0.2, "20 % worse than repeating the last value"],
  [-4, "5.0 times the error of repeating the last value"],
  [0.001, "as good as repeating the last value"],
])("a skill of %s: %s", (skill, told) => {
  expect(skillWords(skill)).toBe(told);
});

test.each([
  [0.9, "9 of 10"],
  [0.5, "half"],
  [0.873, "87 of 100"],
  [0.998, "998 of 1,000"],
  [1, "all"],
])("a share of %s: %s", (share, told) => {
  expect(shareWords(share)).toBe(told);
});

test.each([
  [250, "250 ms"],
  [6000, "6 s"],
  [900_000, "15 min"],
  [3_600_000, "1 h"],
  [86_400_000, "24 h"],
  [21.8 * 86_400_000, "21.8 days"],
])("%d ms: %s", (span, told) => {
  expect(spanWords(span)).toBe(told);
});

test.each([
  ["x", "temp [°C]", "°C"],
  ["node_memory_bytes", "value", "B"],
  ['cpu_seconds_total{mode="idle"}', "value", "s"],
  ["room (2)", "value", ""],
  ["tank/level", "value", ""],
])("%s %s is in %s", (series, target, unit) => {
  expect(unitOf(series, target)).toBe(unit);
});

describe("a file that is dropped on the page", () => {
  const text = async (part: string | Uint8Array<ArrayBuffer>): Promise<[string, string]> => {
    const { blob, done } = await readable(new Blob([part]));
    return [await blob.text(), done];
  };
  const table = "Zeit;Außen °C\n2025-01-01;3,5\n";

  test.each([
    ["as it is", table, ""],
    [
      "in UTF-16",
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(table, "utf16le")]),
      "read as UTF-16",
    ],
    ["in Latin letters", Buffer.from(table, "latin1"), "read as Latin letters (Windows-1252)"],
    ["packed", gzipSync(table), "unpacked"],
    [
      "packed in Latin letters",
      gzipSync(Buffer.from(table, "latin1")),
      "unpacked, read as Latin letters (Windows-1252)",
    ],
  ])("is read, %s", async (_, part, done) => {
    expect(await text(part)).toEqual([table, done]);
  });

  test("and is no text, is left to the server", async () => {
    const bytes = Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 256);
    const { blob, done } = await readable(new Blob([bytes]));
    expect(done).toBe("");
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(bytes);
  });

  const found = (times: readonly string[]) =>
    ({
      time: { columns: ["time"], form: "" },
      columns: [{ name: "value", unit: "" }],
      sample: times.map((time) => ({ series: "", time, values: { value: 1 } })),
    }) as unknown as RecognitionAnswer;
  const back = ["2025-01-03T00:00:00Z", "2025-01-02T00:00:00Z", "2025-01-01T00:00:00Z"];

  test("with its newest line first is turned round, and its lines keep their numbers", async () => {
    const lines = ["time,value", "2025-01-03,3", "2025-01-02,2", "2025-01-01,1"];
    const { blob, turned, lineOf } = await oldestFirst(new Blob([`${lines.join("\r\n")}\r\n`]), found(back));
    expect(turned).toBe(true);
    const told = (await blob.text()).trimEnd().split("\n");
    expect(told).toEqual([lines[0], lines[3], lines[2], lines[1]]);
    for (const [i, line] of told.entries()) expect(lines[lineOf(i + 1) - 1]).toBe(line);
    const bare = await oldestFirst(new Blob(["2025-01-03,3\n2025-01-02,2\n2025-01-01,1"]), found(back));
    expect(await bare.blob.text()).toBe("2025-01-01,1\n2025-01-02,2\n2025-01-03,3\n");
    expect(bare.lineOf(1)).toBe(3);
  });

  test("in the order of time, or with lines within quotes, stays as it is", async () => {
    const blob = new Blob(['time,note,value\n2025-01-03,"a\nb",3\n']);
    expect((await oldestFirst(blob, found(back))).blob).toBe(blob);
    expect((await oldestFirst(blob, found([...back].reverse()))).blob).toBe(blob);
  });
});
