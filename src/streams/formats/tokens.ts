import { itemAt } from "../../models/item-at.ts";
import { parseEither } from "./moments.ts";
import { readNumber } from "./numbers.ts";
import { knownScale } from "./units.ts";
import { readOffset } from "./zones.ts";

const DATE = /^\[?\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4},?$/;
const CLOCK = /^\[?\d{1,2}:\d{2}/;
const HALF = /^[ap]\.?m\.?\]?,?$/i;
const WORD = /^\[?\p{L}{2,10}[.,]?$/u;
const DAY = /^\[?\d{1,2}(?:st|nd|rd|th|\.)?,?$/;
/** Most words of a written moment: `Tue Jan 2 15:04:05 UTC 2024`. */
const LONGEST = 6;
/** Words of a line beyond which no moments are looked for. */
const MOST_WORDS = 4096;

/** The words of a line, with those that make one moment together put into one. */
export function wordsWithMoments(line: string): string[] {
  const words = line.trim().split(/\s+/);
  if (words.length > MOST_WORDS || !/[:/\-\p{L}]/u.test(line)) return words;
  const merged: string[] = [];
  for (let i = 0; i < words.length; ) {
    const length = momentLength(words, i);
    merged.push(
      length === 0
        ? itemAt(words, i)
        : words
            .slice(i, i + length)
            .join(" ")
            .replace(/^\[|\]$|,$/g, ""),
    );
    i += Math.max(1, length);
  }
  return merged;
}

/** How many words from `i` on make one moment; 0 when none do. */
function momentLength(words: readonly string[], i: number): number {
  const word = itemAt(words, i);
  const next = words[i + 1] ?? "";
  let length = 0;
  if (DATE.test(word)) {
    length = CLOCK.test(next) ? 2 : 1;
  } else if (CLOCK.test(word)) length = 1;
  else if ((WORD.test(word) && (DAY.test(next) || WORD.test(next))) || (DAY.test(word) && WORD.test(next))) {
    for (let n = Math.min(LONGEST, words.length - i); n >= 2; n--) {
      const text = words
        .slice(i, i + n)
        .join(" ")
        .replace(/^\[|\]$/g, "");
      // A moment of words must have a clock or a year, so that "may 5" in a sentence is none.
      const moment = /\d:\d\d|\b\d{4}\b/.test(text) ? parseEither(text) : undefined;
      if (moment !== undefined && moment.lacks !== "date") return n;
    }
    return 0;
  } else return 0;
  if (CLOCK.test(itemAt(words, i + length - 1)) && HALF.test(words[i + length] ?? "")) length++;
  const last = itemAt(words, i + length - 1);
  if (CLOCK.test(last) || HALF.test(last)) {
    const zone = (words[i + length] ?? "").replace(/\]$/, "");
    if (/^(?:[A-Z]{1,5}|[+-]\d{2}:?\d{2})$/.test(zone) && readOffset(zone) !== undefined) length++;
  }
  const text = words
    .slice(i, i + length)
    .join(" ")
    .replace(/^\[|\]$|,$/g, "");
  return parseEither(text) === undefined ? 0 : length;
}

/** Numbers and the units after them put into one: `21.5`, `°C` is `21.5 °C`. */
export function withUnits(words: readonly string[]): string[] {
  if (words.length > MOST_WORDS) return [...words];
  const merged: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = itemAt(words, i);
    const unit = words[i + 1];
    if (
      unit !== undefined &&
      unit.length <= 8 &&
      !Number.isNaN(readNumber(word.replace(",", "."))) &&
      knownScale(unit) !== undefined
    ) {
      merged.push(`${word} ${unit}`);
      i++;
    } else merged.push(word);
  }
  return merged;
}
