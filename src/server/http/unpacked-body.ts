import { promisify } from "node:util";
import { gunzip, inflate, inflateRaw } from "node:zlib";
import { uncompress } from "snappyjs";
import { EddyError, printable } from "../../models/errors.ts";
import { HttpFailure } from "./failure.ts";

/** How a body may be packed on its way. */
export type Coding = "gzip" | "deflate" | "snappy";

const inflated = promisify(inflate);
const rawInflated = promisify(inflateRaw);
const gunzipped = promisify(gunzip);

/** The coding that a request names, or null for none. @throws HttpFailure 415 for one that is not among `known` */
export function codingOf(header: string | undefined, known: readonly Coding[]): Coding | null {
  const name = header?.trim().toLowerCase() ?? "identity";
  if (name === "identity" || name === "") return null;
  const coding = known.find((one) => one === name || `x-${one}` === name);
  if (coding !== undefined) return coding;
  throw new HttpFailure(
    415,
    "unsupported",
    `Content-Encoding: expected ${known.length > 0 ? `one of ${known.join(", ")}` : "none"}, got ${printable(header)}`,
  );
}

/**
 * A body unpacked: at most `limit` bytes, however small it came.
 *
 * @throws HttpFailure 413 when it is larger; EddyError `bad-message` when it is not packed so
 */
export async function unpackedBody(packed: Buffer, coding: Coding, limit: number): Promise<Buffer> {
  const bound = { maxOutputLength: limit };
  try {
    if (coding === "snappy") return unsnappied(packed, limit);
    if (coding === "gzip") return await gunzipped(packed, bound);
    // Some send the stream without the header that the name asks for.
    const header = packed.length > 1 ? packed.readUInt16BE(0) : 0;
    const headed = ((header >> 8) & 0x0f) === 8 && header % 31 === 0;
    return await (headed ? inflated(packed, bound) : rawInflated(packed, bound));
  } catch (cause) {
    if (cause instanceof HttpFailure) throw cause;
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLargeUnpacked(limit);
    throw new EddyError("bad-message", "body", { expected: `${coding}`, received: "other bytes", cause });
  }
}

function unsnappied(packed: Buffer, limit: number): Buffer {
  if (snappyLength(packed) > limit) throw tooLargeUnpacked(limit);
  return uncompress(packed, limit);
}

/** The length that a block of snappy says it has unpacked. */
function snappyLength(packed: Buffer): number {
  let length = 0;
  for (const [i, byte] of packed.subarray(0, 5).entries()) {
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  return Number.NaN;
}

const tooLargeUnpacked = (limit: number): HttpFailure =>
  new HttpFailure(413, "too-large", `body: expected at most ${limit} bytes unpacked`);
