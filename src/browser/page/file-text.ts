// A file as the server reads tables: unpacked, in UTF-8, the oldest line first.
import { encodingOf } from "../../streams/formats/lines.ts";
import type { RecognitionAnswer } from "./wire.ts";

/** Bytes by which a file is looked at. */
export const LOOKED_AT = 64 * 1024;

/** A file as it can be sent, and what had to be done to it, in words; empty when nothing. */
export interface Readable {
  readonly blob: Blob;
  readonly done: string;
}

/** Unpacks what is packed with gzip, and turns what is written in UTF-16 or in the old code of Western Europe into UTF-8. */
export async function readable(file: Blob): Promise<Readable> {
  const begin = new Uint8Array(await file.slice(0, LOOKED_AT).arrayBuffer());
  if (begin[0] === 0x1f && begin[1] === 0x8b) {
    const unpacked = await new Response(file.stream().pipeThrough(new DecompressionStream("gzip"))).blob();
    const inner = await readable(unpacked);
    return { blob: inner.blob, done: ["unpacked", inner.done].filter((part) => part !== "").join(", ") };
  }
  const code = codeOf(begin);
  if (code === null) return { blob: file, done: "" };
  const text = new TextDecoder(code).decode(await file.arrayBuffer());
  return {
    blob: new Blob([text]),
    done: `read as ${code === "windows-1252" ? "Latin letters (Windows-1252)" : "UTF-16"}`,
  };
}

/** How the beginning of a file is written; null for UTF-8, and for what is no text. */
function codeOf(begin: Uint8Array): "utf-16le" | "utf-16be" | "windows-1252" | null {
  const encoding = encodingOf(begin);
  if (encoding !== "utf-8") return encoding;
  if (begin.includes(0)) return null;
  try {
    // The last character may be cut.
    new TextDecoder("utf-8", { fatal: true }).decode(begin, { stream: true });
    return null;
  } catch {
    // Of a text few bytes are no printable characters.
    const odd = begin.reduce(
      (count, byte) => count + (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 13 ? 1 : 0),
      0,
    );
    return odd > begin.length / 100 ? null : "windows-1252";
  }
}

/** Bytes up to which a file is turned round: it is held in memory for it. */
const TURNED = 256 * 1024 * 1024;

/** A table, and the line of the file that a line of it was. */
export interface Ordered {
  readonly blob: Blob;
  readonly turned: boolean;
  readonly lineOf: (line: number) => number;
}

/** A table whose first readings go back in time is turned round: many write the newest line first. */
export async function oldestFirst(
  blob: Blob,
  { sample, time, columns }: RecognitionAnswer,
): Promise<Ordered> {
  const asItIs: Ordered = { blob, turned: false, lineOf: (line) => line };
  const times = sample.map((one) => (one.time === null ? Number.NaN : Date.parse(one.time)));
  const backwards = times.length > 2 && times.every((at, i) => i === 0 || at < (times[i - 1] as number));
  if (!backwards || time === null || blob.size > TURNED) return asItIs;
  const lines = (await blob.text()).split(/\r?\n/);
  // A line that ends within quotes is only a part of one.
  if (lines.some((line) => (line.match(/"/g)?.length ?? 0) % 2 === 1)) return asItIs;
  if (lines.at(-1) === "") lines.pop();
  const headed = columns.every(({ name }) => lines[0]?.includes(name));
  const head = headed ? 1 : 0;
  const turned = [...lines.slice(0, head), ...lines.slice(head).reverse()];
  return {
    blob: new Blob([`${turned.join("\n")}\n`]),
    turned: true,
    lineOf: (line) => (line <= head ? line : lines.length - (line - head) + 1),
  };
}
