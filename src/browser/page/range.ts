import type { Limits } from "../chart/drawing.ts";
import { FUTURE } from "./track.ts";

/** How much of the past is looked at: the last readings, a span that goes along with what comes, all there is, or a stretch that stays. */
export type Range =
  | { readonly kind: "latest" | "hour" | "day" | "week" | "all" }
  | { readonly kind: "fixed"; readonly view: Limits };

export const PRESETS = ["latest", "hour", "day", "week", "all"] as const;

const SPANS: Readonly<Record<string, number>> = { hour: 3_600_000, day: 86_400_000, week: 7 * 86_400_000 };

/** What a chart shows for a range when the last reading was at `now`, the first known at `first`, and the forecast goes to `end`. */
export function viewOf(range: Range, first: number, now: number, end: number): Limits {
  if (range.kind === "fixed") return range.view;
  const past = SPANS[range.kind] ?? Math.max(now - first, (end - now) / 3, 1);
  return [now - past, Math.max(now + 1, Math.min(end, now + (past * FUTURE) / (1 - FUTURE)))];
}

/** What of the log is asked for to draw a range; null: the last readings. */
export function asked(range: Range, now: number): { from: number | "all"; to?: number } | null {
  switch (range.kind) {
    case "latest":
      return null;
    case "all":
      return { from: "all" };
    case "fixed": {
      const [from, to] = range.view;
      const margin = (to - from) / 10;
      return { from: Math.floor(from - margin), to: Math.ceil(to + margin) };
    }
    default:
      return { from: now - (SPANS[range.kind] as number) };
  }
}

/** The years 1 to 9999: moments beyond have no words. */
const EARLIEST = Date.parse("0001-01-01T00:00:00Z");
const LATEST = Date.parse("9999-12-31T00:00:00Z");
const NARROWEST = 10;

/** A stretch that can be looked at: not narrower than a step, and within what time has words for. */
export function bounded([from, to]: Limits, step: number): Limits {
  const narrowest = Math.max(NARROWEST, step);
  const middle = Math.min(LATEST, Math.max(EARLIEST, (from + to) / 2));
  const half = Math.max(narrowest, to - from) / 2;
  return [Math.max(EARLIEST, middle - half), Math.min(LATEST, middle + half)];
}
