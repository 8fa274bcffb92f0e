import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Seeded choices: the same seed makes the same inputs. */
export class Random {
  readonly #generator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** A whole number, both ends among them. */
  between(low: number, high: number): number {
    return uniformInt(this.#generator, low, high);
  }

  chance(share: number): boolean {
    return this.between(0, 999_999) < share * 1e6;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.between(0, from.length - 1)];
  }

  /** A size spread evenly over its orders of magnitude. */
  size(most: number): number {
    return Math.floor(Math.exp((this.between(0, 1000) / 1000) * Math.log(most)));
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.between(0, 255)));
  }

  /** Text with some of its letters swapped for ones that parsers trip over. */
  spoiled(text: string, share = 0.05): string {
    return [...text].map((letter) => (this.chance(share) ? this.pick(TROUBLE) : letter)).join("");
  }
}

const TROUBLE = [
  "",
  "\0",
  '"',
  "\\",
  "\n",
  "\r",
  ",",
  ";",
  "\t",
  "{",
  "}",
  "[",
  "]",
  ":",
  "=",
  "'",
  "\ud800",
  "\u2028",
  "\ufeff",
  "é",
  "😀",
  "-",
  "9999999999999999999",
  "1e999",
  "NaN",
  "__proto__",
  "%00",
  "../",
];

/** Names that every object has, that leave a folder, or that a terminal obeys. */
export const NAMES = [
  ...Object.getOwnPropertyNames(Object.prototype),
  "prototype",
  "../../etc/passwd",
  "a\0b",
  "\u001b[2J",
  "\ud800",
  " ",
  "",
  "a".repeat(255),
  "a".repeat(257),
  "a".repeat(100_000),
  "*",
  "%2e%2e",
  "series",
  "then",
];
