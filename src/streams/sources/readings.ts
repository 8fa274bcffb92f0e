import type { FormatOptions, Reading } from "../formats/reading.ts";
import type { Recognition, TextFormat } from "../formats/recognise.ts";
import { TextReader } from "../formats/text-reader.ts";
import { unpacked } from "./unpacked.ts";

/** How text is read into readings. */
export interface ReadingsOptions extends FormatOptions {
  /** What the text is; found by its first lines when absent. */
  readonly format?: TextFormat | "auto";
  /** Called once, when the input has been recognised. */
  readonly recognised?: (recognition: Recognition) => void;
  /** Resolves when nobody wants to wait longer for more lines to recognise a live input by; it is waited for without an end when absent. */
  readonly patience?: () => Promise<void>;
}

/**
 * Reads text, packed by gzip or zstd or not, into readings, a batch per chunk of bytes. It is pulled: the next chunk is asked
 * for once the batch has been taken, so nothing piles up but the first lines, by which the input is recognised.
 *
 * @throws EddyError when the input is no text, or when its times or series cannot be told
 */
export async function* readings(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadingsOptions,
): AsyncGenerator<Reading[]> {
  const reader = new TextReader(options.format ?? "auto", options);
  let told = false;
  const tell = () => {
    if (told || reader.recognition === undefined) return;
    told = true;
    // Of a heading alone there is nothing to tell.
    if (reader.recognition.columns.length > 0) options.recognised?.(reader.recognition);
  };
  const iterator = unpacked(chunks)[Symbol.asyncIterator]();
  let patience: Promise<"patience"> | undefined;
  let over = false;
  try {
    for (let next = iterator.next(); ; ) {
      const result = await (patience === undefined || over ? next : Promise.race([next, patience]));
      if (result === "patience") {
        over = true;
        const batch = reader.settle();
        tell();
        if (batch.length > 0 || options.logLine !== undefined) yield batch;
        continue;
      }
      if (result.done === true) break;
      if ("reason" in result.value) {
        const rest = reader.end();
        tell();
        yield [...rest, { line: 0, row: -1, ...result.value }];
        return;
      }
      let batch = reader.push(result.value);
      if (over && reader.recognition === undefined) batch = reader.settle();
      else if (reader.recognition === undefined)
        patience ??= options.patience?.().then(() => "patience" as const);
      tell();
      // Whoever takes the lines of a log as they are has had them by now.
      if (batch.length > 0 || options.logLine !== undefined) yield batch;
      next = iterator.next();
    }
    const last = reader.end();
    tell();
    if (last.length > 0 || options.logLine !== undefined) yield last;
  } finally {
    await iterator.return?.(undefined);
  }
}
