import { type FormatOptions, isRefused, type Reading } from "../../../src/streams/formats/reading.ts";
import type { TextFormat } from "../../../src/streams/formats/recognise.ts";
import { readings } from "../../../src/streams/sources/readings.ts";

/** Reads text as a file of it would be, cut into chunks of `size` bytes. */
export async function read(
  text: string | Uint8Array,
  options: Partial<FormatOptions> = {},
  format: TextFormat | "auto" = "auto",
  size = 7,
): Promise<Reading[]> {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const all: Reading[] = [];
  const complete = { name: "input", arrival: (row: number) => row * 1000, ...options };
  for await (const batch of readings(chunks(), { ...complete, format })) all.push(...batch);
  return all;
}

/** What was taken, in short: `[time, values]`. */
export const taken = (all: readonly Reading[]): [number, Record<string, number | null>][] =>
  all.flatMap((reading) =>
    isRefused(reading) ? [] : [[reading.observation.time, { ...reading.observation.values }]],
  );

/** What was refused, in short: `line reason message`. */
export const refused = (all: readonly Reading[]): string[] =>
  all.filter(isRefused).map(({ line, reason, message }) => `${line} ${reason} ${message}`);

/** Cells that were left out of rows that were taken, in short: `line reason message`. */
export const losses = (all: readonly Reading[]): string[] =>
  all.flatMap((reading) =>
    isRefused(reading)
      ? []
      : (reading.lost ?? []).map(({ reason, message }) => `${reading.line} ${reason} ${message}`),
  );
