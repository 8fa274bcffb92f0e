// Files that are packed or hold columns: gzip, zstd, Parquet, Feather.
import * as fs from "node:fs";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { CompressionType, compressionRegistry, RecordBatchFileWriter, tableFromArrays } from "apache-arrow";
import { parquetWriteBuffer } from "hyparquet-writer";
import { compress, decompress } from "lz4js";
import { afterAll, expect, test } from "vitest";
import { type FormatOptions, isRefused, type Reading } from "../../src/streams/formats/reading.ts";
import { fileReadings } from "../../src/streams/sources/file.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-packed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
async function read(path: string, more: Partial<FormatOptions> = {}): Promise<Reading[]> {
  const all: Reading[] = [];
  for await (const batch of fileReadings(fs, path, more)) all.push(...batch);
  return all;
}
const taken = (all: readonly Reading[]) =>
  all.flatMap((reading) =>
    isRefused(reading) ? [] : [{ ...reading.observation, values: { ...reading.observation.values } }],
  );

const table = "time,v\n2025-03-04,1\n2025-03-05,2\n";
/** The same table, by the `zstd` command. */
const ZSTD = "KLUv/QRY7QAAuHRpbWUsdgoyMDI1LTAzLTA0LDE1LDIKAQBhm2HfAFIT";
const expected = [
  { series: "load", time: Date.UTC(2025, 2, 4), values: { v: 1 } },
  { series: "load", time: Date.UTC(2025, 2, 5), values: { v: 2 } },
];

test("text in gzip and zstd, whatever the file is called, and gzip in several pieces", async () => {
  expect(taken(await read(file("load.csv.gz", gzipSync(table))))).toEqual(expected);
  expect(taken(await read(file("load.csv.zst", Buffer.from(ZSTD, "base64"))))).toEqual(expected);
  const pieces = Buffer.concat([gzipSync(table.slice(0, 20)), gzipSync(table.slice(20))]);
  expect(taken(await read(file("load.csv", pieces)))).toEqual(expected);
});

test("a packed file that is torn gives what is before the tear, then one refusal", async () => {
  const long = `time,v\n${Array.from({ length: 20_000 }, (_, i) => `${1_741_080_600 + i},${(i * 7919) % 1000}\n`).join("")}`;
  const packed = gzipSync(long);
  const all = await read(file("torn.csv.gz", packed.subarray(0, packed.length >> 1)));
  expect(taken(all).length).toBeGreaterThan(1000);
  expect(
    all
      .filter(isRefused)
      .map(({ reason }) => reason)
      .at(-1),
  ).toBe("torn-file");
  const zstd = Buffer.from(ZSTD, "base64");
  expect(
    (await read(file("torn.zst", zstd.subarray(0, 24)))).filter(isRefused).map(({ reason }) => reason),
  ).toEqual(["torn-file"]);
});

const rows = 10_000;
const parquet = () =>
  new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        {
          name: "when",
          data: Array.from({ length: rows }, (_, i) => new Date(Date.UTC(2025, 2, 4) + 60_000 * i)),
          type: "TIMESTAMP",
        },
        {
          name: "station",
          data: Array.from({ length: rows }, (_, i) => (i % 2 ? "b" : "a")),
          type: "STRING",
        },
        { name: "level", data: Float64Array.from({ length: rows }, (_, i) => i / 4), type: "DOUBLE" },
        { name: "count", data: Array.from({ length: rows }, (_, i) => BigInt(i)), type: "INT64" },
      ],
    }),
  );

test("Parquet: its columns are decided as those of any table", async () => {
  const all = taken(await read(file("wells.parquet", parquet())));
  expect(all).toHaveLength(rows);
  expect(all[9999]).toEqual({
    series: "b",
    time: Date.UTC(2025, 2, 4) + 60_000 * 9999,
    values: { level: 2499.75, count: 9999 },
  });
  expect(taken(await read(join(folder, "wells.parquet"), { values: ["count"] }))[3].values).toEqual({
    count: 3,
  });
  await expect(read(join(folder, "wells.parquet"), { values: ["nope"] })).rejects.toThrow(
    "--value: expected one of the columns",
  );
});

test("a damaged Parquet file is named as such", async () => {
  const bytes = parquet();
  const path = file("bad.parquet", bytes.subarray(0, bytes.length - 30));
  await expect(read(path)).rejects.toThrow(`${path}: expected a whole Parquet file, got`);
});

test("Feather packed by LZ4, as pandas writes it", async () => {
  const before = compressionRegistry.get(CompressionType.LZ4_FRAME);
  compressionRegistry.set(CompressionType.LZ4_FRAME, { encode: compress, decode: decompress });
  const writer = new RecordBatchFileWriter({ compressionType: CompressionType.LZ4_FRAME });
  const v = Float64Array.from({ length: 5000 }, (_, i) => i % 10);
  writer.writeAll([
    ...tableFromArrays({ time: Float64Array.from({ length: 5000 }, (_, i) => 1_741_080_600 + i), v }).batches,
  ]);
  writer.finish();
  const bytes = writer.toUint8Array(true);
  if (before !== null) compressionRegistry.set(CompressionType.LZ4_FRAME, before);
  const packed = bytes instanceof Promise ? await bytes : bytes;
  expect(packed.length).toBeLessThan(40_000);
  const all = taken(await read(file("x.feather", packed)));
  expect(all).toHaveLength(5000);
  expect(all[4999]).toMatchObject({ time: 1_741_085_599_000, values: { v: 9 } });
});

test("a buffer that is packed says how long it is: what is longer, or absent, is refused", async () => {
  const before = compressionRegistry.get(CompressionType.LZ4_FRAME);
  compressionRegistry.set(CompressionType.LZ4_FRAME, { encode: compress, decode: decompress });
  const rows = 2000;
  const writer = new RecordBatchFileWriter({ compressionType: CompressionType.LZ4_FRAME });
  writer.writeAll(
    tableFromArrays({
      time: Float64Array.from({ length: rows }, (_, i) => 1_741_080_600 + i),
      v: new Float64Array(rows).fill(7),
      place: Array.from({ length: rows }, (_, i) => (i % 2 === 0 ? "hall" : "attic")),
    }).batches,
  );
  writer.finish();
  const packed = Buffer.from(await writer.toUint8Array());
  if (before !== null) compressionRegistry.set(CompressionType.LZ4_FRAME, before);
  const whole = await read(file("packed.arrow", packed), { series: "place" });
  expect(taken(whole)).toHaveLength(rows);
  expect(taken(whole).slice(0, 2)).toMatchObject([
    { series: "hall", values: { v: 7 } },
    { series: "attic", values: { v: 7 } },
  ]);

  // Before each frame stands the length that it unpacks to.
  const frame = Buffer.from([0x04, 0x22, 0x4d, 0x18]);
  const altered = async (length: bigint): Promise<unknown> => {
    const bytes = Buffer.from(packed);
    for (let at = bytes.indexOf(frame); at >= 0; at = bytes.indexOf(frame, at + 1)) {
      bytes.writeBigInt64LE(length, at - 8);
    }
    try {
      const all = await read(file("altered.arrow", bytes), { series: "place" });
      return all.map((reading) => (isRefused(reading) ? reading.message : "taken"));
    } catch (error) {
      return [(error as Error).message];
    }
  };
  expect(await altered(16n)).toEqual([
    expect.stringContaining("a buffer that unpacks to other than 16 bytes"),
  ]);
  expect(await altered(2n ** 40n)).toEqual([
    expect.stringContaining("a batch of more than 1073741824 bytes"),
  ]);
  expect(await altered(-2n)).toEqual([expect.stringContaining("a packed buffer of -2")]);
});
