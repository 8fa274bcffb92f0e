import { SLOT, tokenise } from "./tokens.ts";

/** Most numbers of one template. */
const MAX_NUMBERS = 16;
/** Names of numbers that name something rather than measure it. */
const NAMES_SOMETHING =
  /(?:^|[_.\s-])(?:ids?|pid|tid|uid|gid|euid|ports?|codes?|errno|inode|block|session|request|thread|version|v|line|offset|seq|order|invoice|ticket|time(?:stamp)?|date|status|signal|address|addr|ip|host|user|child|slot|node|cpu|worker|job|task|process|partition|shard|epoch|key|hash)$/i;
/** A number with its unit, and marks around it. */
const NUMBER = /^["'([{=]*([-+]?\d+(?:\.\d+)?)(?:[A-Za-zµ%°]{0,3})["')\]},;:.]*$/;
const MARKS = /^[^\p{L}\d]+|[^\p{L}\d%°]+$/gu;

/** A place of a template at which a number stands that may be forecast. */
export interface NumberPlace {
  readonly name: string;
  /** Which word of the message. */
  readonly word: number;
  /** Characters before the number in it. */
  readonly prefix: number;
}

/** The words of a message between blanks. */
const wordsOf = (message: string): string[] => message.trim().split(/\s+/);

/**
 * The numbers of a message that measure something, named by the words about them: in `GET done in 12 ms, 3 rows` they are `done in ms` and
 * `rows`. Numbers that name something (ports, process ids, blocks) are left out.
 */
export function numberPlaces(message: string, pattern = ""): NumberPlace[] {
  const words = wordsOf(message);
  // What the template has found to vary is part of no name.
  const known = pattern.split(" ");
  const tokens = known.length === words.length ? known : tokenise(message);
  // Dates and lists are one token: the words are not where the tokens are.
  if (words.length !== tokens.length) return [];
  const places: NumberPlace[] = [];
  const used = new Map<string, number>();
  for (let i = 0; i < tokens.length && places.length < MAX_NUMBERS; i++) {
    const parts = tokens[i].split(SLOT);
    if (parts.length !== 2) continue;
    const prefix = parts[0].length;
    const number = NUMBER.exec(words[i].slice(prefix));
    if (number === null) continue;
    const pair = /([\p{L}_][\p{L}\d_.-]*)["']?[=:]["']?$/u.exec(parts[0]);
    // A number with a colon behind it is a label.
    if (parts[1].startsWith(":")) continue;
    if (pair === null && /[\p{L}\d_#/@-]$/u.test(parts[0])) continue;
    const unit = /[A-Za-zµ%°]+/.exec(words[i].slice(prefix))?.[0] ?? "";
    const before: string[] = [];
    for (let j = i - 1; j >= 0 && before.length < 2 && !tokens[j].includes(SLOT); j--) {
      const word = tokens[j].replace(MARKS, "");
      if (/\p{L}/u.test(word)) before.unshift(word);
      if (/[,;]$/.test(tokens[j])) break;
    }
    const next = (tokens[i + 1] ?? "").replace(MARKS, "");
    const after = unit === "" && /^\p{L}/u.test(next) && !tokens[i].endsWith(",") ? next : unit;
    const base = pair === null ? [...before, after].filter((word) => word !== "").join(" ") : pair[1];
    if (NAMES_SOMETHING.test(pair === null ? (before.at(-1) ?? "") : pair[1])) continue;
    const name = (base === "" ? `number ${places.length + 1}` : base).slice(0, 80);
    const times = (used.get(name) ?? 0) + 1;
    used.set(name, times);
    places.push({ name: times === 1 ? name : `${name} ${times}`, word: i, prefix });
  }
  return places;
}

/** The number at a place of a message of the same template; NaN when there is none. */
export function numberAt(message: readonly string[], { word, prefix }: NumberPlace): number {
  const match = NUMBER.exec((message[word] ?? "").slice(prefix));
  return match === null ? Number.NaN : Number(match[1]);
}

export { wordsOf };
