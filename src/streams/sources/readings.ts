import { LineSplitter, MAX_LINE } from "../formats/lines.ts";
import type { LineReader, Reading } from "../formats/reading.ts";

/**
 * Reads text into readings, a batch per chunk of bytes. It is pulled: the next chunk is asked for once the batch has been
 * taken, so nothing piles up. `open` is given the first line that is not empty and answers with the reader for it.
 */
export async function* readings(
  chunks: AsyncIterable<Uint8Array>,
  open: (firstLine: string) => LineReader,
): AsyncGenerator<Reading[]> {
  const splitter = new LineSplitter();
  let reader: LineReader | undefined;
  const read = (lines: ReturnType<LineSplitter["push"]>): Reading[] => {
    const batch: Reading[] = [];
    for (const { number, text, tooLong } of lines) {
      if (reader === undefined && text.trim() !== "") reader = open(text);
      const reading =
        reader === undefined
          ? blank(number)
          : tooLong
            ? reader.refuse(number, "too-long", `expected at most ${MAX_LINE} characters, got more`)
            : reader.read(text, number);
      if (reading !== undefined) batch.push(reading);
    }
    return batch;
  };
  for await (const chunk of chunks) {
    const batch = read(splitter.push(chunk));
    if (batch.length > 0) yield batch;
  }
  const last = read(splitter.end());
  if (last.length > 0) yield last;
}

/** An empty line before anything else. */
const blank = (line: number): Reading => ({
  line,
  row: -1,
  reason: "empty-line",
  message: "expected a reading, got an empty line",
});
