import * as fs from "node:fs";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { afterAll, describe, expect, test } from "vitest";
import { type FormatOptions, isRefused, type Reading } from "../../src/streams/formats/reading.ts";
import { fileReadings } from "../../src/streams/sources/file.ts";
import { readings } from "../../src/streams/sources/readings.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-sources-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const options: FormatOptions = { name: "file", arrival: (row) => row * 1000 };
async function read(path: string, more: Partial<FormatOptions> = {}): Promise<Reading[]> {
  const all: Reading[] = [];
  for await (const batch of fileReadings(fs, path, { ...options, ...more })) all.push(...batch);
  return all;
}
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

test("text is pulled: after the lines it is recognised by, the next chunk is not asked for before the batch has been taken", async () => {
  let given = 0;
  async function* chunks() {
    for (let i = 0; i < 100; i++) {
      given++;
      yield new TextEncoder().encode(`${i}\n`);
    }
  }
  let taken = 0;
  for await (const batch of readings(chunks(), { ...options, format: "lines" })) {
    taken += batch.length;
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBe(taken);
    if (taken === 70) break;
  }
  expect(given).toBe(70);
});

describe("Arrow", () => {
  const rows = 10_000;
  const table = tableFromArrays({
    time: Array.from({ length: rows }, (_, i) => new Date(i * 1000)),
    series: Array.from({ length: rows }, (_, i) => (i % 2 ? "odd" : "even")),
    a: Float64Array.from({ length: rows }, (_, i) => i / 2),
    b: Int32Array.from({ length: rows }, (_, i) => i),
    c: Array.from({ length: rows }, (_, i) => (i % 3 ? i : null)),
  });
  const expected = { series: "odd", time: 1000, values: { a: 0.5, b: 1, c: 1 } };

  test.each(["file", "stream"] as const)("a %s", async (kind) => {
    const all = await read(file(`${kind}.arrow`, tableToIPC(table, kind)));
    expect(all).toHaveLength(rows);
    expect(all[1]).toEqual({ line: 2, row: 1, timed: true, observation: expected });
    // Several series: an empty cell says that this one has no such column.
    expect(all[3]).toMatchObject({ observation: { values: { a: 1.5, b: 3 } } });
    const [, , , alone] = await read(
      file(`alone-${kind}.arrow`, tableToIPC(table.select(["time", "c"]), kind)),
    );
    expect(alone).toMatchObject({ observation: { values: { c: null } } });
  });

  test("columns by flag; one that is not there", async () => {
    const path = file("columns.arrow", tableToIPC(table, "file"));
    const [first] = await read(path, { values: ["b"], series: "series" });
    expect(first).toMatchObject({ observation: { series: "even", values: { b: 0 } } });
    await expect(read(path, { values: ["nope"] })).rejects.toThrow(
      '--value: expected one of the columns "time, series, a, b, c", got "nope"',
    );
  });

  test("a torn stream gives the whole batches before the tear, then one refusal", async () => {
    const batches = tableToIPC(table, "stream");
    const twice = Buffer.concat([batches.subarray(0, batches.length - 8), batches.subarray(0, 0)]);
    // Without its last 40 bytes the only batch is torn: nothing is invented.
    const all = await read(file("torn.arrow", twice.subarray(0, twice.length - 40)));
    expect(all.filter((reading) => !isRefused(reading))).toEqual([]);
    expect(all.map((reading) => isRefused(reading) && reading.reason)).toEqual(["torn-file"]);
  });

  test("NaN and the infinities are no readings", async () => {
    const bad = tableFromArrays({ v: Float64Array.from([1, Number.NaN, 3, Number.POSITIVE_INFINITY]) });
    const all = await read(file("nan.arrow", tableToIPC(bad, "file")));
    for (const row of [1, 3]) expect(all[row]).toMatchObject({ observation: { values: { v: null } } });
    expect(all[2]).toMatchObject({ observation: { time: 2000, values: { v: 3 } } });
  });
});

test("an empty file has no readings, a missing one is an error that names it", async () => {
  expect(await read(file("empty.csv", ""))).toEqual([]);
  await expect(read(join(folder, "missing.csv"))).rejects.toThrow("missing.csv");
});
