/** Every failure Eddy reports on purpose carries one of these codes; docs/errors.md lists them all. */
export type ErrorCode =
  | "bad-argument"
  | "bad-model"
  | "bad-observation"
  | "bad-time"
  | "bad-number"
  | "bad-column"
  | "bad-line"
  | "bad-file"
  | "bad-config"
  | "bad-message"
  | "bad-state"
  | "too-large"
  | "locked"
  | "port-taken"
  | "unreachable"
  | "storage"
  | "unauthorised"
  | "busy";

export interface ErrorDetail {
  /** What would have been right. */
  expected?: string;
  /** What came instead, shortened to something printable. */
  received?: string;
  /** What is wrong, where that says it plainer than what was expected and what came. */
  problem?: string;
  /** What to try. */
  hint?: string;
  cause?: unknown;
}

/**
 * A failure with a stable code, what was expected and what came. Its message is one line a user can act on.
 *
 * @example
 * ```ts
 * const error = new EddyError("bad-argument", "--horizon", { expected: "a whole number from 1 to 512", received: "0" });
 * error.message; // "--horizon: expected a whole number from 1 to 512, got 0"
 * ```
 */
export class EddyError extends Error {
  override readonly name = "EddyError";
  readonly code: ErrorCode;
  /** What it is about: a line, a field, a flag. */
  readonly subject: string;
  readonly expected: string | undefined;
  readonly received: string | undefined;
  readonly problem: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, subject: string, detail: ErrorDetail = {}) {
    const { expected, received, problem, hint, cause } = detail;
    let message = problem === undefined ? subject : `${subject}: ${problem}`;
    if (expected !== undefined) message += `: expected ${expected}`;
    if (received !== undefined) message += `${expected === undefined ? ": " : ", "}got ${received}`;
    if (hint !== undefined) message += ` (${hint})`;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.subject = subject;
    this.expected = expected;
    this.received = received;
    this.problem = problem;
    this.hint = hint;
  }

  /** The same failure by another name: that of the whole of which it is a part, or as the user knows it. */
  about(subject: string, code: ErrorCode = this.code): EddyError {
    const { expected, received, problem, hint } = this;
    return new EddyError(code, subject, {
      ...(expected === undefined ? {} : { expected }),
      ...(received === undefined ? {} : { received }),
      ...(problem === undefined ? {} : { problem }),
      ...(hint === undefined ? {} : { hint }),
      cause: this,
    });
  }
}

/** Levels of a value that are shown; whatever lies deeper is an ellipsis. */
const SHOWN_DEPTH = 4;

/**
 * A value from outside, made safe and short enough for an error message. It never throws, and what it costs is bounded by
 * `limit`, not by the value: one nested a million deep or a megabyte long is shown by its beginning.
 */
export function printable(value: unknown, limit = 60): string {
  let text: string;
  try {
    text = shown(value, limit + 1, 0);
  } catch {
    // A getter or a proxy of a caller's own making.
    text = `a value that cannot be shown (${typeof value})`;
  }
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}

/** The beginning of a value as JSON would have it: at least `room` characters, where there are so many. */
function shown(value: unknown, room: number, depth: number): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, room));
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "no date" : JSON.stringify(value);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  if (depth === SHOWN_DEPTH) return `${open}…${close}`;
  let text = "";
  const add = (member: string): void => {
    text += text === "" ? member : `,${member}`;
  };
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && text.length < room; i++) {
      add(shown(value[i], room - text.length, depth + 1));
    }
  } else {
    for (const key in value) {
      if (text.length >= room) break;
      if (!Object.hasOwn(value, key)) continue;
      const name = shown(key, room - text.length, depth);
      add(`${name}:${shown((value as Record<string, unknown>)[key], room - text.length, depth + 1)}`);
    }
  }
  return `${open}${text}${close}`;
}
