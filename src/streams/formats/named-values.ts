import { printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { MAX_NAME } from "../../protocol/observation.ts";
import { isComment, type LineGrammar, type LineRecord, type Parsed, unnamed } from "./grammar.ts";
import { JsonGrammar } from "./json-records.ts";
import { type Cell, isMissing, numberForm, readNumber } from "./numbers.ts";
import { isMoment } from "./times.ts";
import { withUnits, wordsWithMoments } from "./tokens.ts";

/** Longest name that is taken for one. */
const isNumber = (text: string): boolean => numberForm([text]).numbers === 1;
const isEpoch = (text: string): boolean => /^\d{10}(?:\.\d+)?$|^\d{13}$|^\d{16}$|^\d{19}$/.test(text);

/**
 * A name and its value: `kitchen/temp 21.5`, `Core 0: +45.0°C`, `name value time`, `time name value`, as `mosquitto_sub -v`, `sensors`
 * and many scripts write. The name is the series; instead of one value there may be several, or a JSON object.
 */
export class NamedValueGrammar implements LineGrammar {
  readonly #json = new JsonGrammar(true, []);
  readonly #shapes = new Map<number, readonly string[]>();

  parse(line: string): Parsed {
    const text = line.trim();
    if (text === "") return "blank";
    if (isComment(text)) return "comment";
    const record = this.read(text);
    return record === undefined
      ? { reason: "bad-line", message: `expected a name and a number, got ${printable(text)}` }
      : Array.isArray(record)
        ? (record as LineRecord[])
        : [record as LineRecord];
  }

  read(text: string): LineRecord | LineRecord[] | undefined {
    const brace = text.indexOf("{");
    if (brace > 0 && text.endsWith("}") && /\s/.test(text.charAt(brace - 1)))
      return this.#payload(text, brace);
    const colon = /^([\p{L}_][^:=]{0,63}?)\s*(?::|=)\s+(.+)$/u.exec(text);
    const [, title, said] = colon ?? [];
    if (title !== undefined && said !== undefined && !isMoment(title)) {
      const [value, ...more] = withUnits(said.trim().split(/\s+/));
      if (value === undefined) return undefined;
      if (!isNumber(value) && !isMissing(value)) return undefined;
      // More numbers under other names are a sentence, not a value.
      if (more.some((word) => /^\p{L}[^:=]*[:=]/u.test(word)) && !more[0]?.startsWith("(")) return undefined;
      return this.#record(title.trim(), [value], undefined);
    }
    const words = withUnits(wordsWithMoments(text));
    let time: string | undefined;
    let from = 0;
    let to = words.length;
    const [first, last] = [itemAt(words, 0), itemAt(words, to - 1)];
    if (isMoment(first) || (isEpoch(first) && words.length > 2)) time = words[from++];
    else if (words.length > 2 && (isMoment(last) || isEpoch(last))) time = words[--to];
    const name = words[from]?.replace(/[:=]$/, "");
    const values = words.slice(from + 1, to);
    if (name === undefined || name === "" || name.length > MAX_NAME || values.length === 0) return undefined;
    if (!Number.isNaN(readNumber(name)) || isMoment(name) || isMissing(name) || isNumber(name))
      return undefined;
    if (!/[\p{L}_/]/u.test(name) || name.includes("=")) return undefined;
    if (!values.every((value) => isNumber(value) || isMissing(value))) {
      // One word instead of the number: a state such as `online`, or a value gone wrong.
      return values.length === 1 && /[/.]/.test(name) ? this.#record(name, values, time) : undefined;
    }
    return this.#record(name, values, time);
  }

  #record(series: string, cells: readonly Cell[], time: string | undefined): LineRecord {
    let names = this.#shapes.get(cells.length);
    if (names === undefined) {
      names = unnamed(cells.length);
      this.#shapes.set(cells.length, names);
    }
    return { names, cells, series, ...(time === undefined ? {} : { time }) };
  }

  #payload(text: string, brace: number): LineRecord[] | undefined {
    const before = wordsWithMoments(text.slice(0, brace));
    const at = before.findIndex((word) => isMoment(word) || isEpoch(word));
    const time = at < 0 ? undefined : before[at];
    const rest = before.filter((_, i) => i !== at);
    if (rest.length > 1) return undefined;
    const parsed = this.#json.parse(text.slice(brace));
    if (typeof parsed === "string" || "reason" in parsed) return undefined;
    return parsed.map((record) => ({
      ...record,
      ...(rest.length === 0 ? {} : { series: rest[0] }),
      ...(time === undefined ? {} : { time }),
    }));
  }
}
