import { RE2JS } from "re2js";
import { EddyError, printable } from "../../../models/errors.ts";
import type { LabelMatcher } from "./selector.ts";

/** Whether the value of a label fits; a label that is absent is the empty text. */
export interface LabelTest {
  readonly label: string;
  fits(value: string): boolean;
  /** The one value that fits, where there is only one. */
  readonly only?: string;
  /** What one look costs, in comparisons. */
  readonly cost: number;
}

/** Characters of an expression times its counted repetitions, at most: what it may grow to. */
const LARGEST = 20_000;

/**
 * The tests of a selector.
 *
 * @throws EddyError `bad-argument`: an expression that is none, or too large; every time series would fit
 */
export function labelTests(matchers: readonly LabelMatcher[], subject: string): readonly LabelTest[] {
  const tests = matchers.map((matcher) => labelTest(matcher, subject));
  // As Prometheus has it: else all there is would be asked for by an oversight.
  if (tests.every(({ fits }) => fits(""))) {
    throw new EddyError("bad-argument", subject, {
      expected: 'a matcher that an absent label does not fit, such as {series="boiler"} or {__name__=~".+"}',
      received: "none",
    });
  }
  return tests;
}

/** The tests of one label. */
export const testsOf = (tests: readonly LabelTest[], label: string): readonly LabelTest[] =>
  tests.filter((test) => test.label === label);

/** Whether a value passes all of some tests. */
export const passes = (tests: readonly LabelTest[], value: string): boolean =>
  tests.every(({ fits }) => fits(value));

function labelTest({ label, operator, value }: LabelMatcher, subject: string): LabelTest {
  switch (operator) {
    case "=":
      return { label, fits: (given) => given === value, only: value, cost: 1 };
    case "!=":
      return { label, fits: (given) => given !== value, cost: 1 };
    case "=~":
      return { label, ...expression(value, `${subject}: ${printable(label)}`) };
    case "!~": {
      const { fits, cost } = expression(value, `${subject}: ${printable(label)}`);
      return { label, fits: (given) => !fits(given), cost };
    }
  }
}

/** A regular expression that the whole value has to fit, in time linear in its length. */
function expression(pattern: string, subject: string): Pick<LabelTest, "fits" | "only" | "cost"> {
  const words = alternatives(pattern);
  if (words !== undefined) {
    const [only] = words;
    return {
      fits: (given) => words.has(given),
      cost: 1,
      ...(words.size === 1 && only !== undefined ? { only } : {}),
    };
  }
  const size = Math.max(1, pattern.length) * repetitions(pattern);
  if (size > LARGEST) {
    throw new EddyError("bad-argument", subject, {
      expected: `an expression that comes to at most ${LARGEST} characters with its repetitions`,
      received: `${printable(pattern)}, which comes to ${size}`,
    });
  }
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
    return { fits: (given) => compiled.matches(given), cost: compiled.programSize() };
  } catch (cause) {
    throw new EddyError("bad-argument", subject, {
      expected: "a regular expression as RE2 has them",
      received: `${printable(pattern)} (${String((cause as Error).message).replace("error parsing regexp: ", "")})`,
      cause,
    });
  }
}

/** By how much counted repetitions multiply what they repeat: within one another by up to 1000, which the library holds. */
function repetitions(pattern: string): number {
  let product = 1;
  for (const [, least, most] of pattern.matchAll(/(?<!\\)\{(\d{1,9})(?:,(\d{0,9}))?\}/g)) {
    product = Math.min(1000, product * Math.max(1, Number(least), Number(most || 0)));
  }
  return product;
}

/** The values that a list such as `(a|b\.c)` stands for: what a variable of several values comes as. Undefined for any other. */
function alternatives(pattern: string): ReadonlySet<string> | undefined {
  const list = /^\(((?:[^()\\]|\\.)*)\)$/s.exec(pattern)?.[1] ?? pattern;
  const words = new Set<string>();
  let word = "";
  for (let i = 0; i < list.length; i++) {
    const letter = list[i] as string;
    if (letter === "|") {
      words.add(word);
      word = "";
    } else if (letter === "\\") {
      const next = list[++i] ?? "";
      // A letter after \ is a class or worse.
      if (!/[^A-Za-z0-9]/.test(next)) return undefined;
      word += next;
    } else if (/[.*+?()[\]{}^$]/.test(letter)) return undefined;
    else word += letter;
  }
  return words.add(word);
}
