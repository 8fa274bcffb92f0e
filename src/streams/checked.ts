import { FormatRegistry, type Static, type TSchema, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { EddyError, printable } from "../models/errors.ts";
import { readSpan } from "../models/kinds.ts";

/** Shapes of options that come from a file, each with the words that say what was expected. */
export const strict = { additionalProperties: false, expected: "an object" };

export const text = (expected: string) => Type.String({ minLength: 1, maxLength: 4096, expected });

export const whole = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, expected: `a whole number from ${minimum} to ${maximum}` });

export const oneOf = <const W extends readonly string[]>(words: W) =>
  Type.Unsafe<W[number]>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { expected: `one of ${words.join(", ")}` },
    ),
  );

FormatRegistry.Set("span", (written) => (readSpan(written) ?? 0) > 0);

/** A span of time such as `90s` or `1d`, of at least a millisecond. */
export const duration = () =>
  Type.String({ format: "span", expected: 'a span of time such as "90s", "12h" or "1d"' });

/** Milliseconds of a span of time that has been checked. */
export const milliseconds = (duration: string): number => readSpan(duration) ?? Number.NaN;

/**
 * A value that fits its schema. `name` is what errors call the whole of it, such as the path of a file.
 *
 * @throws EddyError `bad-config`: one line naming the field, what was expected and what came
 */
export function checked<S extends TSchema>(schema: S, read: unknown, name: string): Static<S> {
  if (Value.Check(schema, read)) return read;
  const first = Value.Errors(schema, read).First();
  const field = first?.path.slice(1).replaceAll("/", ".") ?? "";
  const subject = field === "" ? name : `${name}: ${field}`;
  if (first?.message === "Unexpected property") {
    const top = schema.properties as Readonly<Record<string, unknown>>;
    const parent = field.includes(".") ? (first.schema.properties ?? top) : top;
    throw new EddyError("bad-config", subject, {
      expected: `one of ${Object.keys(parent).join(", ")}`,
      received: "a field of another name",
    });
  }
  throw new EddyError("bad-config", subject, {
    expected: (first?.schema.expected as string | undefined) ?? String(first?.message).toLowerCase(),
    received: first?.value === undefined ? "nothing" : shown(first.path, first.value),
  });
}

/** Fields that nobody should find in a log, whatever is wrong with them. */
const SECRETS: ReadonlySet<string> = new Set(["token", "sha256", "secret", "password"]);
const HIDDEN = "(not shown)";

/** A value for an error message, its secrets left out. */
function shown(path: string, value: unknown): string {
  if (SECRETS.has(path.slice(path.lastIndexOf("/") + 1))) return `a value ${HIDDEN}`;
  return printable(withoutSecrets(value, 0));
}

function withoutSecrets(value: unknown, depth: number): unknown {
  // Deeper down nothing is shown.
  if (typeof value !== "object" || value === null || depth > 8) return value;
  if (Array.isArray(value)) return value.slice(0, 64).map((item) => withoutSecrets(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, 64)
      .map(([name, item]) => [name, SECRETS.has(name) ? HIDDEN : withoutSecrets(item, depth + 1)]),
  );
}
