import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type ColumnPlan, diskFiles, examine, Recording, recordedBatches } from "../../src/storage/index.ts";

const columns: readonly ColumnPlan[] = [
  { name: "time", kind: "time" },
  { name: "series", kind: "text" },
  { name: "value", kind: "number" },
];
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "eddy-recording-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const batch = (b: number): (number | string | null)[][] => {
  const rows = 1 + ((b * 7) % 5);
  return [
    Array.from({ length: rows }, (_, i) => 1_700_000_000_000 + 1000 * b + i),
    Array.from({ length: rows }, (_, i) => (i % 2 ? "ü" : `series-${b}`)),
    Array.from({ length: rows }, (_, i) => (i === 3 ? null : b + i / 10)),
  ];
};

const rowsOf = (path: string): string[] =>
  [...recordedBatches(path)].flatMap((one) => [...one].map((row) => JSON.stringify(row)));
const written = (b: number): string[] => {
  const [time, series, value] = batch(b);
  return time.map((_, i) => JSON.stringify({ time: time[i], series: series[i], value: value[i] }));
};

test("cut at 500 random byte positions: all whole batches before the cut, and nothing else", () => {
  const path = join(folder, "cut");
  const recording = new Recording({ path, columns });
  const ends: number[] = [];
  for (let b = 0; b < 40; b++) {
    recording.append(batch(b));
    ends.push(readFileSync(recording.file).length);
  }
  const { file } = recording;
  recording.close();
  const whole = readFileSync(file);
  const sidecar = readFileSync(`${file}.batches`);
  const generator = xoroshiro128plus(5);
  let batches = 0;
  for (let cut = 0; cut < 500; cut++) {
    const at = uniformInt(generator, 0, whole.length);
    const sideAt = uniformInt(generator, 0, sidecar.length);
    writeFileSync(file, whole.subarray(0, at));
    // The sidecar is whole, torn anywhere, or lost.
    if (cut % 3 === 2) rmSync(`${file}.batches`);
    else writeFileSync(`${file}.batches`, cut % 3 === 0 ? sidecar : sidecar.subarray(0, sideAt));
    const expected = ends.filter((end) => end <= at).length;
    expect(rowsOf(file), `cut at ${at}`).toEqual(
      Array.from({ length: expected }, (_, b) => written(b)).flat(),
    );
    batches += expected;
  }
  console.log(JSON.stringify({ cuts: 500, wholeBatchesRecovered: batches, invented: 0 }));
});

test("after a cut, appending goes on where the last whole batch ended", () => {
  const path = join(folder, "on");
  const first = new Recording({ path, columns });
  for (let b = 0; b < 3; b++) first.append(batch(b));
  const { file } = first;
  first.close();
  writeFileSync(file, readFileSync(file).subarray(0, -5));
  const second = new Recording({ path, columns });
  expect(second.torn).toBeGreaterThan(0);
  second.append(batch(9));
  second.seal();
  second.close();
  const sealed = file.replace(".partial", "");
  expect(rowsOf(sealed)).toEqual([...written(0), ...written(1), ...written(9)]);
  // Any Arrow reader: the stream has a schema, its batches and one end.
  expect(tableFromIPC(readFileSync(sealed)).numRows).toBe(rowsOf(sealed).length);
});

test("a bit that flipped is found by its checksum, and no batch from there on counts", () => {
  const recording = new Recording({ path: join(folder, "bit"), columns });
  for (let b = 0; b < 3; b++) recording.append(batch(b));
  const { file } = recording;
  recording.close();
  const bytes = readFileSync(file);
  bytes[bytes.length - 9] ^= 4;
  writeFileSync(file, bytes);
  const { batches, altered } = examine(diskFiles, file);
  expect([batches.length, altered]).toEqual([2, 2]);
});

test("a full file is sealed and the next one begun; another schema is refused", () => {
  const path = join(folder, "turn");
  const recording = new Recording({ path, columns, rotateBytes: 2000 });
  for (let b = 0; b < 12; b++) recording.append(batch(b));
  expect(recording.file).not.toContain("-000001");
  const { file } = recording;
  recording.close();
  const all: string[] = [];
  for (let n = 1; ; n++) {
    const sealed = join(folder, `turn-${String(n).padStart(6, "0")}.arrow`);
    if (`${sealed}.partial` === file) {
      all.push(...rowsOf(file));
      break;
    }
    expect(tableFromIPC(readFileSync(sealed)).numRows).toBeGreaterThan(0);
    all.push(...rowsOf(sealed));
  }
  expect(all).toEqual(Array.from({ length: 12 }, (_, b) => written(b)).flat());
  expect(() => new Recording({ path, columns: columns.slice(1) })).toThrow(/recording of the same columns/);
});
