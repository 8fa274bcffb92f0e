import {
  Dictionary,
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMillisecond,
  tableToIPC,
  Utf8,
  vectorFromArray,
} from "apache-arrow";
import type { Random } from "./random.ts";

const rows = 20;
const honest = new Table({
  series: vectorFromArray(
    Array.from({ length: rows }, (_, i) => `arrow-${i % 3}`),
    new Dictionary(new Utf8(), new Int32()),
  ),
  time: vectorFromArray(
    Array.from({ length: rows }, (_, i) => new Date(1.7e12 + i * 1000)),
    new TimestampMillisecond(),
  ),
  note: vectorFromArray(
    Array.from({ length: rows }, (_, i) => (i % 4 === 0 ? null : `note ${i}`)),
    new Utf8(),
  ),
  value: vectorFromArray(
    Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? null : i)),
    new Float64(),
  ),
});
const originals = (["stream", "file"] as const).map((kind) => tableToIPC(honest, kind));

/** A stream with nothing wrong with it. */
export const honestArrow: Uint8Array = originals[0];

/** A batch that declares more rows than its buffers hold. */
function declaring(declared: number): Uint8Array {
  const field = new Field("value", new Float64(), true);
  const child = makeData({ type: field.type, length: declared, nullCount: 0, data: Float64Array.of(1, 2) });
  const type = new Struct([field]);
  const data = makeData({ type, length: declared, nullCount: 0, children: [child] });
  return tableToIPC(new Table([new RecordBatch(new Schema([field]), data as never)]), "stream");
}

/** Arrow bytes that declare what is not there, or that were altered anywhere. */
export function arrowBodies(random: Random, i: number): Uint8Array {
  if (random.chance(0.2)) return declaring(random.size(2 ** 30));
  const bytes = Uint8Array.from(originals[i % 2]);
  const view = new DataView(bytes.buffer);
  for (let times = random.between(1, 4); times > 0; times--) {
    const at = random.between(0, bytes.length - 9);
    const aligned = at - (at % 4);
    switch (random.between(0, 4)) {
      case 0:
        bytes[at] ^= 1 << random.between(0, 7);
        break;
      case 1:
        bytes[at] = random.between(0, 255);
        break;
      case 2:
        view.setInt32(aligned, random.pick([0, -1, 2 ** 31 - 1, 1_000_000, random.size(2 ** 31)]), true);
        break;
      case 3:
        view.setBigInt64(aligned, BigInt(random.size(2 ** 52)), true);
        break;
      default:
        return bytes.subarray(0, at);
    }
  }
  return bytes;
}
