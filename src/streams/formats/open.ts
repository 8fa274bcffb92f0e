import { CsvReader, delimiterOf } from "./csv.ts";
import { LogfmtReader, pairs } from "./logfmt.ts";
import { NdjsonReader } from "./ndjson.ts";
import { NumbersReader } from "./numbers-per-line.ts";
import type { FormatOptions, LineReader } from "./reading.ts";

export const TEXT_FORMATS = ["csv", "ndjson", "lines", "logfmt"] as const;
/** What a flag may say. */
export const openFormatNames = ["auto", ...TEXT_FORMATS] as const;
export type TextFormat = (typeof TEXT_FORMATS)[number];

/** The format of an input by its first line that is not empty. */
export function sniff(line: string): TextFormat {
  const text = line.trim();
  if (text.startsWith("{")) return "ndjson";
  if (pairs(text) !== undefined) return "logfmt";
  return text.startsWith('"') || text.split(delimiterOf(text)).length > 1 ? "csv" : "lines";
}

/** A reader for an input; `auto` decides by its first line. */
export function openFormat(
  format: TextFormat | "auto",
  options: FormatOptions,
): (firstLine: string) => LineReader {
  return (firstLine) => {
    switch (format === "auto" ? sniff(firstLine) : format) {
      case "csv":
        return new CsvReader(options);
      case "ndjson":
        return new NdjsonReader(options);
      case "logfmt":
        return new LogfmtReader(options);
      case "lines":
        return new NumbersReader(options);
    }
  };
}
