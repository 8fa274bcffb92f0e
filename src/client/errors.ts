/**
 * Why something that was asked of a client has failed. `code` is one of docs/errors.md as the server gave it, or one of a client's own:
 * `closed` (the client was closed before), `gap` (forecasts that can no longer be sent), `too-many` (what waits, or subscriptions).
 *
 * @example
 * ```ts
 * import { ClientError } from "eddy/client";
 * const error = new ClientError("busy", "try again in a second", true);
 * error.retryable; // true
 * ```
 */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: string;
  /** The same may be asked again later. */
  readonly retryable: boolean;

  constructor(code: string, message: string, retryable = false) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/** What was given, made short enough for an error message. */
export function shown(value: unknown): string {
  let text: string | undefined;
  try {
    text = typeof value === "number" || typeof value === "bigint" ? String(value) : JSON.stringify(value);
  } catch {
    // A circle, or a getter that throws.
  }
  text ??= typeof value;
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** Tells somebody of something; an error of theirs is theirs, and ends nothing here. */
export function guarded(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    reportUncaught(error);
  }
}

/** An error that nobody listens for is an uncaught one: it must not vanish. */
export function reportUncaught(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
