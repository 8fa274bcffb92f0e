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

/**
 * Reads what was typed after the command's name. `--flag value`, `--flag=value`, `--` ends the flags.
 *
 * @returns null when help is asked for
 * @throws EddyError `bad-argument` naming the flag, what was expected and what came
 */
export function readArguments<F extends Flags>(
  command: Command<F>,
  typed: readonly string[],
): Pick<Invocation<F>, "flags" | "operands"> | null {
  const values: Record<string, unknown> = Object.create(null);
  for (const [name, flag] of Object.entries(command.flags)) values[name] = flag.fallback;
  const given = new Set<string>();
  const operands: string[] = [];
  /** Takes back the value of the last flag that could do without: it was an operand. */
  let giveBack: (() => void) | undefined;
  for (let i = 0; i < typed.length; i++) {
    const word = typed[i];
    if (word === "--") {
      operands.push(...typed.slice(i + 1));
      break;
    }
    if (word === "--help" || word === "-h") return null;
    if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      continue;
    }
    const equals = word.indexOf("=");
    const shown = equals < 0 ? word : word.slice(0, equals);
    const name = shown.replace(/^--/, "");
    const flag =
      shown.startsWith("--") && Object.hasOwn(command.flags, name) ? command.flags[name] : undefined;
    if (flag === undefined) {
      const near = nearest(name, Object.keys(command.flags));
      throw new EddyError("bad-argument", /^--?[\w-]+$/.test(shown) ? shown : printable(shown), {
        expected: `a flag of eddy ${command.name}`,
        received: "an unknown one",
        hint: near === undefined ? `see eddy ${command.name} --help` : `did you mean --${near}?`,
      });
    }
    if (given.has(name) && !flag.repeats) {
      throw new EddyError("bad-argument", shown, { expected: "it once", received: "it twice" });
    }
    given.add(name);
    if (flag.hint === undefined) {
      if (equals >= 0) {
        throw new EddyError("bad-argument", shown, {
          expected: "no value",
          received: printable(word.slice(equals + 1)),
        });
      }
      values[name] = flag.parse("", shown, values[name]);
      continue;
    }
    const next = typed[i + 1];
    if (flag.alone !== undefined && equals < 0) {
      const before = values[name];
      if (next === undefined || next.startsWith("--")) {
        values[name] = flag.parse(flag.alone, shown, before);
        continue;
      }
      giveBack = () => {
        operands.push(next);
        values[name] = flag.parse(flag.alone as string, shown, before);
      };
    }
    const value = equals >= 0 ? word.slice(equals + 1) : typed[++i];
    if (value === undefined || (equals < 0 && value.startsWith("--"))) {
      throw new EddyError("bad-argument", shown, { expected: `a value (${flag.hint})`, received: "none" });
    }
    values[name] = flag.parse(value, shown, values[name]);
  }
  const expected = command.operands ?? [];
  const required = expected.filter((operand) => !operand.optional);
  if (operands.length < required.length) giveBack?.();
  if (operands.length < required.length) {
    throw new EddyError("bad-argument", expected[operands.length].name, {
      expected: expected[operands.length].summary,
      received: "nothing",
    });
  }
  if (operands.length > expected.length) {
    throw new EddyError("bad-argument", printable(operands[expected.length]), {
      expected:
        expected.length === 0 ? "no operand" : `no more than ${expected.map((o) => o.name).join(" ")}`,
      received: "one more",
      ...(command.stray === undefined ? {} : { hint: command.stray }),
    });
  }
  return { flags: values as Invocation<F>["flags"], operands };
}
