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
  readonly expected: string | undefined;
  readonly received: string | undefined;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, subject: string, detail: ErrorDetail = {}) {
    const { expected, received, hint, cause } = detail;
    let message = subject;
    if (expected !== undefined) message += `: expected ${expected}`;
    if (received !== undefined) message += `${expected === undefined ? ": " : ", "}got ${received}`;
    if (hint !== undefined) message += ` (${hint})`;
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.expected = expected;
    this.received = received;
    this.hint = hint;
  }
}

/** A value from outside, made safe and short enough for an error message. */
export function printable(value: unknown, limit = 60): string {
  let text: string;
  try {
    text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  } catch {
    text = String(value);
  }
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
