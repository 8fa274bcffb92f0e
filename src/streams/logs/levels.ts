/** How bad a line says it is, from the least on. */
export const LEVELS = ["trace", "debug", "info", "notice", "warning", "error", "fatal"] as const;
export type Level = (typeof LEVELS)[number];

const WORDS: ReadonlyMap<string, Level> = new Map(
  Object.entries({
    trace: "trace trc verbose finest finer",
    debug: "debug dbg fine debug1 debug2 debug3 debug4 debug5",
    info: "info inf information informational log config statement detail",
    notice: "notice note",
    warning: "warning warn wrn",
    error: "error err severe failure",
    fatal: "fatal critical crit alert emerg emergency panic ftl",
  } satisfies Record<Level, string>).flatMap(([level, words]) =>
    words.split(" ").map((word): [string, Level] => [word, level as Level]),
  ),
);
/** Levels of pino and bunyan: 10, 20, ... */
const TENS: readonly Level[] = ["trace", "debug", "info", "warning", "error", "fatal"];
/** Severities of syslog, from 0 on. */
const SEVERITIES: readonly Level[] = [
  "fatal",
  "fatal",
  "fatal",
  "error",
  "warning",
  "notice",
  "info",
  "debug",
];
const LETTERS: Readonly<Record<string, Level>> = {
  V: "trace",
  T: "trace",
  D: "debug",
  I: "info",
  N: "notice",
  W: "warning",
  E: "error",
  F: "fatal",
  C: "fatal",
};

/** The level that a word stands for, whatever its case. */
export const levelOf = (word: string): Level | undefined =>
  word.length > 13 ? undefined : WORDS.get(word.toLowerCase());

/** The level that one letter stands for. */
export const levelOfLetter = (letter: string): Level | undefined =>
  Object.hasOwn(LETTERS, letter) ? LETTERS[letter] : undefined;

/** The level of a severity of syslog, 0 to 7. */
export const levelOfSeverity = (severity: number): Level | undefined => SEVERITIES[severity];

/** The level of a cell of JSON: a word, a severity of syslog, or a multiple of ten. */
export function levelOfCell(cell: unknown): Level | undefined {
  if (typeof cell === "string" && !/^\d+$/.test(cell)) return levelOf(cell);
  const number = Number(cell);
  if (cell === null || cell === "" || !Number.isInteger(number) || number < 0) return undefined;
  if (number < 8) return levelOfSeverity(number);
  return number % 10 === 0 ? TENS[number / 10 - 1] : undefined;
}
