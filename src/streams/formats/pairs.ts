import { itemAt } from "../../models/item-at.ts";
import { VALUE } from "../../models/observation.ts";
import { fittedName } from "../checked-observation.ts";
import type { LineGrammar, Parsed } from "./grammar.ts";
import type { Cell } from "./numbers.ts";

const PAIR = /([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))[,;]?(?=\s|$)/y;

const PUNCTUATED =
  /^\s*[\p{L}_][\w.-]{0,63}\s?[=:]\s?[^,;=:"\s][^,;=:"]{0,63}(?:[,;]\s*[\p{L}_][\w.-]{0,63}\s?[=:]\s?[^,;=:"\s][^,;=:"]{0,63})+[,;]?\s*$/u;

/** The pairs of a logfmt line, or nothing when it is none. */
export function pairs(text: string): Map<string, Cell> | undefined {
  const fields = new Map<string, Cell>();
  let at = 0;
  while (at < text.length) {
    const char = text[at];
    if (char === " " || char === "\t") {
      at++;
      continue;
    }
    PAIR.lastIndex = at;
    const match = PAIR.exec(text);
    if (match === null) return at === 0 || fields.size === 0 ? punctuated(text) : undefined;
    fields.set(
      fittedName(itemAt(match, 1)) || VALUE,
      match[2]?.replace(/\\(.)/g, "$1") ?? itemAt(match, 3).replace(/[,;]$/, ""),
    );
    at = PAIR.lastIndex;
  }
  return fields.size > 0 ? fields : undefined;
}

/** Pairs with commas or semicolons between, and a colon or an equals sign within: `T:21.5,H:40`. */
function punctuated(text: string): Map<string, Cell> | undefined {
  if (!PUNCTUATED.test(text)) return undefined;
  const fields = new Map<string, Cell>();
  for (const pair of text.split(/[,;]/)) {
    const at = pair.search(/[=:]/);
    if (at > 0) fields.set(fittedName(pair.slice(0, at)) || VALUE, pair.slice(at + 1).trim());
  }
  return fields.size > 0 ? fields : undefined;
}

/** `name=value` pairs with blanks between: `ts=2024-05-01T12:00:00Z host=a load=0.7 message="all well"`. */
export class PairsGrammar implements LineGrammar {
  #names: readonly string[] = [];

  parse(text: string): Parsed {
    const fields = pairs(text);
    if (fields !== undefined) {
      this.#names = sameNames(this.#names, [...fields.keys()]);
      return [{ names: this.#names, cells: [...fields.values()] }];
    }
    return text.trim() === ""
      ? { reason: "empty-line", message: "expected name=value pairs, got an empty line" }
      : {
          reason: "bad-line",
          message: `expected name=value pairs, got ${JSON.stringify(text.slice(0, 60))}`,
        };
  }
}

/** The names as they were before, when they are the same, so that lines of one shape share them. */
export function sameNames(before: readonly string[], now: readonly string[]): readonly string[] {
  if (before.length !== now.length) return now;
  for (let i = 0; i < now.length; i++) if (before[i] !== now[i]) return now;
  return before;
}
