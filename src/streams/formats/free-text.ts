import { itemAt } from "../../models/item-at.ts";
import { VALUE } from "../../models/observation.ts";
import { fittedName } from "../checked-observation.ts";
import { isComment, type LineGrammar, type Parsed } from "./grammar.ts";
import { parseEither } from "./moments.ts";
import type { Cell } from "./numbers.ts";
import { sameNames } from "./pairs.ts";
import { isMoment } from "./times.ts";
import { knownScale } from "./units.ts";

const PAIR =
  /^["'([{]*([\p{L}_][\p{L}\w./-]*)[=:]["']?([+-]?(?:\d[\d.,]*|\.\d+)(?:e[+-]?\d+)?)([\p{L}%°µ/]*)["')\],;.]*$/iu;
const NUMBER =
  /^[([]*([+-]?(?:\d+(?:[.,]\d+)?|\.\d+)(?:e[+-]?\d+)?)([\p{L}%°µ][\p{L}\d/%°µ³²]*)?[)\],;:.]*$/iu;
/** Words that say nothing about the number after them. */
const FILLERS = /^(?:is|was|at|of|to|the|a|an|and|in|for|from|with|by|now|has|are|=|:|-|,)$/i;
/** Most numbers of one line. */
const MAX_NUMBERS = 64;
/** Words of a name. */
const NAME_WORDS = 3;

/** A moment at the beginning of a line, and where the rest begins. */
function leadingTime(text: string): { time: string; rest: number } | undefined {
  const [whole, inside] = /^\[([^\]]{4,40})\]\s*/.exec(text) ?? [];
  if (
    whole !== undefined &&
    inside !== undefined &&
    (isMoment(inside) || /^\d{9,}(?:\.\d+)?$/.test(inside))
  ) {
    return { time: inside, rest: whole.length };
  }
  const ends = [...text.slice(0, 64).matchAll(/\s+|$/g)]
    .map(({ index }) => index)
    .filter((index) => index > 0);
  for (const end of ends.slice(0, 6).reverse()) {
    const words = text.slice(0, end).replace(/[,:|-]$/, "");
    const moment = /\d:\d\d|^\d{4}-\d\d-\d\d$/.test(words) ? parseEither(words) : undefined;
    if (moment !== undefined) return { time: words, rest: end };
  }
  const epoch = /^(\d{10}(?:\.\d+)?|\d{13})\s/.exec(text)?.[1];
  return epoch === undefined ? undefined : { time: epoch, rest: epoch.length };
}

/**
 * Sentences with numbers in them, as `64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.107 ms` or `Humidity: 45 %  Temperature: 23.1 °C`.
 * A number is named by the pair it stands in, else by the words before it, else by the word after it. What is only part of a
 * word (an address, a version) is no number.
 */
export class FreeTextGrammar implements LineGrammar {
  #names: readonly string[] = [];

  parse(line: string): Parsed {
    const text = line.trim();
    if (text === "") return "blank";
    if (isComment(text)) return "comment";
    const leading = leadingTime(text);
    const fields = numbersIn(leading === undefined ? text : text.slice(leading.rest));
    if (fields.size === 0) return "preamble";
    this.#names = sameNames(this.#names, [...fields.keys()]);
    return [
      {
        names: this.#names,
        cells: [...fields.values()],
        ...(leading === undefined ? {} : { time: leading.time }),
      },
    ];
  }
}

/** The numbers of a sentence by their names. */
function numbersIn(text: string): Map<string, Cell> {
  const words = text.trim().split(/\s+/);
  const fields = new Map<string, Cell>();
  const add = (given: string, cell: string) => {
    if (fields.size >= MAX_NUMBERS) return;
    const base = fittedName(given) || VALUE;
    let name = base;
    for (let n = 2; fields.has(name); n++) name = `${base}_${n}`;
    fields.set(name, cell);
  };
  let before: string[] = [];
  for (let i = 0; i < words.length; i++) {
    const word = itemAt(words, i);
    const next = (words[i + 1] ?? "").replace(/[)\],;.]+$/, "");
    const unitNext = next.length <= 8 && /^[\p{L}%°µ]/u.test(next) && knownScale(next) !== undefined;
    const pair = PAIR.exec(word);
    if (pair !== null) {
      const unit = itemAt(pair, 3) || (unitNext ? next : "");
      const given = itemAt(pair, 2);
      add(itemAt(pair, 1), unit === "" ? given.replace(/[.,]$/, "") : `${given} ${unit}`);
      if (unitNext && pair[3] === "") i++;
      before = [];
      continue;
    }
    const number = NUMBER.exec(word);
    if (number !== null && (number[2] === undefined || knownScale(number[2]) !== undefined)) {
      const own = number[2] ?? "";
      const named = before.filter((each) => !FILLERS.test(each)).slice(-NAME_WORDS);
      const unit = own !== "" ? own : unitNext ? next : "";
      const after = !unitNext && /^\p{L}/u.test(next) ? next : "";
      add(
        named.join(" ") || after || (own === "" && unitNext ? next : "") || `number${fields.size + 1}`,
        unit === "" ? itemAt(number, 1) : `${number[1]} ${unit}`,
      );
      if (own === "" && unitNext) i++;
      else if (named.length === 0 && after !== "") i++;
      before = [];
      continue;
    }
    if (/\d/.test(word)) {
      // An address or a version ends what the words before it were about.
      before = [];
      continue;
    }
    before.push(word.replace(/^["'([{]+|["')\]},;:=]+$/g, ""));
    if (/[,;]$/.test(word)) before = [];
    before = before.filter((each) => each !== "");
  }
  return fields;
}
