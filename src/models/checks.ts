import { EddyError, printable } from "./errors.ts";

/** Refuses what a caller gave. @throws EddyError `bad-argument` unless it `holds`, naming what was expected. */
export function check(
  holds: boolean,
  subject: string,
  expected: string | (() => string),
  received: unknown,
): void {
  if (holds) return;
  throw new EddyError("bad-argument", subject, {
    expected: typeof expected === "string" ? expected : expected(),
    received: printable(received),
  });
}

/** A whole number from `least` on. @throws EddyError `bad-argument` */
export function checkWhole(subject: string, value: number, least = 1): void {
  check(Number.isInteger(value) && value >= least, subject, () => `a whole number from ${least}`, value);
}

/** A finite number above 0. @throws EddyError `bad-argument` */
export function checkPositive(subject: string, value: number): void {
  check(value > 0 && value < Number.POSITIVE_INFINITY, subject, "a finite number above 0", value);
}

/** As many numbers as there have to be. @throws EddyError `bad-argument` */
export function checkLength(subject: string, values: ArrayLike<number>, length: number): void {
  check(values.length === length, subject, () => `${length} numbers`, values.length);
}

/** Numbers that are all finite. @throws EddyError `bad-number` naming the first that is not */
export function checkFinite(subject: string, values: ArrayLike<number>): void {
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new EddyError("bad-number", `${subject}[${i}]`, {
      expected: "a finite number",
      received: printable(values[i]),
    });
  }
}

/** One of the words that an option may be. @throws EddyError `bad-argument` */
export function checkWord(subject: string, value: unknown, words: readonly string[]): void {
  check(words.includes(value as string), subject, () => words.join(" or "), value);
}
