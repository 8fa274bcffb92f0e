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
  for (const [i, letter] of [...a].entries()) {
    /** Distances of the letters so far to the beginning of `b`, the last one and the one above it. */
    let last = i + 1;
    let above = i;
    const next = [last];
    for (const [j, up] of row.slice(1).entries()) {
      last = Math.min(up + 1, last + 1, above + (letter === b[j] ? 0 : 1));
      above = up;
      next.push(last);
    }
    row = next;
  }
  return row.at(-1) ?? a.length;
}

const refuse = (subject: string, expected: string, received: string): never => {
  throw new EddyError("bad-argument", subject, { expected, received });
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
): Omit<Invocation<F>, "world"> | null {
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
  const { operand, second } = command;
  if (operand !== undefined && operands.length === 0) giveBack?.();
  const takes = [operand, second].flatMap((one) => one?.name ?? []);
  const [first, other] = operands;
  const extra = operands[takes.length];
  if (operand !== undefined && first === undefined) refuse(operand.name, operand.summary, "nothing");
  if (extra !== undefined) {
    const taken = takes.length === 0 ? "flags" : `${takes.join(", ")} and flags`;
    throw new EddyError("bad-argument", printable(extra), {
      problem: `not expected, eddy ${command.name} takes only ${taken}`,
      ...(command.stray === undefined ? {} : { hint: command.stray }),
    });
  }
  const values = [...flags].map(([name, { fallback }]) => [
    name,
    given.has(name) ? given.get(name) : fallback,
  ]);
  return {
    flags: Object.fromEntries(values) as Invocation<F>["flags"],
    operand: first ?? "",
    second: other ?? second?.fallback ?? "",
  };
}

function unknownFlag(shown: string, command: Command<Flags>): never {
  const near = nearest(shown.replace(/^-+/, ""), Object.keys(command.flags));
  throw new EddyError("bad-argument", /^--?[\w-]+$/.test(shown) ? shown : printable(shown), {
    problem: `eddy ${command.name} has no such flag`,
    hint: near === undefined ? `see eddy ${command.name} --help` : `did you mean --${near}?`,
  });
}
