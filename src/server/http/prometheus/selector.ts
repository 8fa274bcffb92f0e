import { EddyError, printable } from "../../../models/errors.ts";

/** What a label has to be. */
export interface LabelMatcher {
  readonly label: string;
  readonly operator: "=" | "!=" | "=~" | "!~";
  readonly value: string;
}

/** Which time series are asked for: `name{label="value",...} offset 5m`. */
export interface Selector {
  readonly matchers: readonly LabelMatcher[];
  /** Milliseconds before the time asked for at which they are looked at; negative: after it. */
  readonly offset: number;
}

/** What a query asks for: time series, or a number such as `1+1`, by which clients try whether somebody answers. */
export type Query = Selector | { readonly scalar: number };

/** Characters of a query at most: many names joined by `|` are long. */
const LONGEST = 32_768;
/** Brackets within brackets. */
const DEEPEST = 32;

const NAME = /[A-Za-z_:][A-Za-z0-9_:]*/y;
const NUMBER = /0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf\b|nan\b/iy;
const SPAN = /(?:\d+(?:ms|[smhdwy]))+|\d+(?:\.\d+)?/y;
const BLANKS = /(?:\s|#[^\n]*)*/y;
const OPERATORS: Readonly<
  Record<string, readonly [precedence: number, apply: (a: number, b: number) => number]>
> = {
  "+": [1, (a, b) => a + b],
  "-": [1, (a, b) => a - b],
  "*": [2, (a, b) => a * b],
  "/": [2, (a, b) => a / b],
  "%": [2, (a, b) => a % b],
  "^": [3, (a, b) => a ** b],
};
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};
const ESCAPES: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};
const ONLY = 'a selector such as eddy_reading{series="boiler"}: nothing is computed here';

/**
 * Milliseconds of a span of time as PromQL writes it (`90s`, `1h30m`), or of a number of seconds; undefined when it is neither.
 *
 * @example
 * ```
 * spanOf("1h30m"); // 5400000
 * spanOf("0.5"); // 500
 * ```
 */
export function spanOf(text: string): number | undefined {
  if (/^\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return Number(text) * 1000;
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text)) return undefined;
  let span = 0;
  for (const [, count, unit = ""] of text.matchAll(/(\d+)(ms|[smhdwy])/g))
    span += Number(count) * (UNITS[unit] ?? 0);
  return span;
}

/**
 * Reads a query: a selector, with or without `offset`, or arithmetic of numbers. Functions, ranges and operators on time series
 * are refused by name. Cost: one pass.
 *
 * @throws EddyError `bad-argument` naming the character
 */
export function parseQuery(text: string, subject = "query"): Query {
  return new Parser(text, subject).query();
}

/** Reads a selector, as in `match[]`. @throws EddyError `bad-argument` naming the character */
export function parseSelector(text: string, subject = "match[]"): Selector {
  const parser = new Parser(text, subject);
  const query = parser.query();
  if ("scalar" in query) throw parser.refusal(0, ONLY);
  return query;
}

class Parser {
  readonly #text: string;
  readonly #subject: string;
  #at = 0;
  #depth = 0;

  constructor(text: string, subject: string) {
    this.#text = text;
    this.#subject = subject;
    if (text.length > LONGEST) {
      throw new EddyError("bad-argument", subject, {
        expected: `at most ${LONGEST} characters`,
        received: String(text.length),
      });
    }
  }

  query(): Query {
    const query = this.#expression(0);
    if (this.#at < this.#text.length) throw this.refusal(this.#at, "scalar" in query ? "an operator" : ONLY);
    return query;
  }

  refusal(at: number, expected: string): EddyError {
    const received =
      at < this.#text.length ? `${printable(this.#text.slice(at), 30)} at character ${at + 1}` : "its end";
    return new EddyError("bad-argument", this.#subject, { expected, received });
  }

  #expression(least: number): Query {
    let left = this.#operand();
    for (;;) {
      const at = this.#at;
      const operator = OPERATORS[this.#text[at] ?? ""];
      if (operator === undefined || operator[0] < least) return left;
      if (!("scalar" in left)) throw this.refusal(at, ONLY);
      this.#skip(1);
      // A power binds from the right, all others from the left.
      const right = this.#expression(operator[0] === 3 ? 3 : operator[0] + 1);
      if (!("scalar" in right)) throw this.refusal(at, ONLY);
      left = { scalar: operator[1](left.scalar, right.scalar) };
    }
  }

  #operand(): Query {
    this.#match(BLANKS);
    const at = this.#at;
    const first = this.#text[at];
    if (++this.#depth > DEEPEST) throw this.refusal(at, `at most ${DEEPEST} levels of brackets and signs`);
    try {
      if (first === "(") {
        this.#skip(1);
        const inner = this.#expression(0);
        this.#expect(")");
        return inner;
      }
      if (first === "-" || first === "+") {
        this.#skip(1);
        const inner = this.#expression(3);
        if (!("scalar" in inner)) throw this.refusal(at, ONLY);
        return { scalar: first === "-" ? -inner.scalar : inner.scalar };
      }
    } finally {
      this.#depth--;
    }
    const number = this.#match(NUMBER);
    if (number !== undefined) {
      if (/^[a-z]/i.test(number))
        return { scalar: /^i/i.test(number) ? Number.POSITIVE_INFINITY : Number.NaN };
      return { scalar: Number(number) };
    }
    return this.#selector();
  }

  #selector(): Selector {
    const at = this.#at;
    const matchers: LabelMatcher[] = [];
    const name = this.#match(NAME);
    if (name !== undefined) {
      if (this.#text[this.#at] === "(" || /^(by|without)$/.test(name)) throw this.refusal(at, ONLY);
      matchers.push({ label: "__name__", operator: "=", value: name });
    } else if (this.#text[at] !== "{") throw this.refusal(at, ONLY);
    if (this.#text[this.#at] === "{") this.#matchers(matchers);
    return { matchers, offset: this.#offset() };
  }

  #matchers(matchers: LabelMatcher[]): void {
    this.#expect("{");
    while (this.#text[this.#at] !== "}") {
      const at = this.#at;
      const quoted = this.#string();
      const label = quoted ?? this.#match(NAME);
      if (label === undefined) throw this.refusal(at, "the name of a label, or }");
      const operator = (["=~", "!~", "!=", "="] as const).find((one) => this.#text.startsWith(one, this.#at));
      if (operator !== undefined) {
        this.#skip(operator.length);
        const value = this.#string();
        if (value === undefined) throw this.refusal(this.#at, "a value in quotes");
        matchers.push({ label, operator, value });
      } else if (quoted !== undefined) matchers.push({ label: "__name__", operator: "=", value: quoted });
      else throw this.refusal(this.#at, "one of = != =~ !~");
      if (this.#text[this.#at] !== "}") this.#expect(",");
    }
    this.#expect("}");
  }

  #offset(): number {
    const at = this.#at;
    const word = this.#match(NAME);
    if (word === undefined) return 0;
    if (word !== "offset") throw this.refusal(at, ONLY);
    const sign = this.#text[this.#at] === "-" ? -1 : 1;
    if (sign < 0) this.#skip(1);
    const from = this.#at;
    const span = spanOf(this.#match(SPAN) ?? "");
    if (span === undefined) throw this.refusal(from, "a span of time such as 5m");
    return sign * span;
  }

  /** A string in quotes, or undefined when none begins here. */
  #string(): string | undefined {
    const at = this.#at;
    const quote = this.#text[at];
    if (quote !== '"' && quote !== "'" && quote !== "`") return undefined;
    let read = "";
    for (let i = at + 1; i < this.#text.length; i++) {
      const letter = this.#text[i] as string;
      if (letter === quote) {
        this.#at = i + 1;
        this.#match(BLANKS);
        return read;
      }
      if (letter !== "\\" || quote === "`") {
        read += letter;
        continue;
      }
      const rest = this.#text.slice(i + 1, i + 10);
      const code = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/.exec(rest);
      const plain = ESCAPES[rest[0] ?? ""];
      if (plain !== undefined && Object.hasOwn(ESCAPES, rest[0] as string)) {
        read += plain;
        i++;
      } else if (code !== null) {
        const point =
          code[4] === undefined
            ? Number.parseInt(code[1] ?? code[2] ?? code[3] ?? "", 16)
            : Number.parseInt(code[4], 8);
        if (point > 0x10ffff) throw this.refusal(i, "a character of Unicode");
        read += String.fromCodePoint(point);
        i += code[0].length;
      } else throw this.refusal(i, "one of \\\\ \\\" \\' \\n \\t, or the number of a character, after a \\");
    }
    throw this.refusal(this.#text.length, `the ${quote} that closes ${printable(this.#text.slice(at), 20)}`);
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    this.#at += found.length;
    if (pattern !== BLANKS) this.#match(BLANKS);
    return found;
  }

  #skip(characters: number): void {
    this.#at += characters;
    this.#match(BLANKS);
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw this.refusal(this.#at, character);
    this.#skip(1);
  }
}
