import { EddyError, printable } from "../models/errors.ts";
import type { Command, Flags, Invocation } from "./command.ts";

/** The name among `known` that is nearest to what was typed, if it is near at all. */
export function nearest(typed: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.min(3, Math.ceil(typed.length / 2) + 1);
  for (const name of known) {
    const distance = editDistance(typed, name);
    if (distance < least) [best, least] = [name, distance];
  }
  return best;
}

/** Insertions, deletions and replacements that turn `a` into `b` (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

const refuse = (subject: string, expected: string, received: string, hint?: string): never => {
  const more = hint === undefined ? {} : { hint };
  throw new EddyError("bad-argument", subject, { expected, received, ...more });
};

/**
 * Reads what was typed after the command's name. `--flag value`, `--flag=value`, `--` ends the flags. By hand: `parseArgs` of
 * Node takes `--integer FILE` for a value, `--horizon --json` too, and `-horizon` for `-h`.
 *
 * @returns null when help is asked for
 * @throws EddyError `bad-argument` naming the flag, what was expected and what came
 */
export function readArguments<F extends Flags>(
  command: Command<F>,
  typed: readonly string[],
): Pick<Invocation<F>, "flags" | "operands"> | null {
  const flags = new Map(Object.entries(command.flags));
  const given = new Map<string, unknown>();
  const operands: string[] = [];
  /** Takes back the value of the last flag that could do without: it was an operand. */
  let giveBack: (() => void) | undefined;
  const words = [...typed];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (word === "--") {
      operands.push(...words.splice(0));
    } else if (word === "--help" || word === "-h") {
      return null;
    } else if (!word.startsWith("-") || word === "-") {
      operands.push(word);
    } else {
      const [, shown = word, inline] = /^([^=]*)=(.*)$/s.exec(word) ?? [];
      const name = shown.replace(/^--/, "");
      const kind =
        (shown.startsWith("--") ? flags.get(name)?.kind : undefined) ?? unknownFlag(shown, command);
      const before = given.get(name);
      const take = (text: string): void => {
        const read = kind.read(kind.parse(text));
        const value = before === undefined || read === undefined ? read : kind.join?.(before, read);
        if (value === undefined) refuse(shown, kind.typed ?? kind.expected, printable(text));
        given.set(name, value);
      };
      if (before !== undefined && kind.join === undefined) {
        throw new EddyError("bad-argument", shown, { problem: "given twice" });
      }
      if (kind.hint === "" && inline !== undefined) refuse(shown, "no value", printable(inline));
      const next = words[0];
      if (kind.hint === "" || inline !== undefined) take(inline ?? "");
      else if (next !== undefined && !next.startsWith("--")) {
        take(next);
        words.shift();
        const { alone } = kind;
        if (alone !== undefined) {
          giveBack = () => {
            operands.push(next);
            take(alone);
          };
        }
      } else take(kind.alone ?? refuse(shown, `a value (${kind.hint})`, "none"));
    }
  }
  const expected = command.operands ?? [];
  const required = expected.filter(({ optional }) => !optional).length;
  if (operands.length < required) giveBack?.();
  const missing = operands.length < required ? expected[operands.length] : undefined;
  if (missing !== undefined) refuse(missing.name, missing.summary, "nothing");
  const extra = operands[expected.length];
  if (extra !== undefined) {
    const all =
      expected.length === 0 ? "no operand" : `no more than ${expected.map((o) => o.name).join(" ")}`;
    refuse(printable(extra), all, "one more", command.stray);
  }
  const values = [...flags].map(([name, { fallback }]) => [
    name,
    given.has(name) ? given.get(name) : fallback,
  ]);
  return { flags: Object.fromEntries(values) as Invocation<F>["flags"], operands };
}

function unknownFlag(shown: string, command: Command<Flags>): never {
  const near = nearest(shown.replace(/^-+/, ""), Object.keys(command.flags));
  return refuse(
    /^--?[\w-]+$/.test(shown) ? shown : printable(shown),
    `a flag of eddy ${command.name}`,
    "an unknown one",
    near === undefined ? `see eddy ${command.name} --help` : `did you mean --${near}?`,
  );
}
