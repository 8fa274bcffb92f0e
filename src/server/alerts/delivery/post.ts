import { printable } from "../../../models/errors.ts";
import type { DeliveryWorld, Outcome } from "./receiver.ts";

/** Bytes of an answer that are read at most; the connection of a longer one is not used again. */
const MOST_BYTES = 64 * 1024;
/** Characters of it that are told. */
const TOLD = 200;
/** How long a receiver may ask to be left alone, milliseconds. */
const LONGEST_WAIT = 3_600_000;

/** Answers that say that this message is not wanted, as opposed to: not now, not here. */
const REFUSED: ReadonlySet<number> = new Set([400, 413, 415, 422]);

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** What must not be told, should the answer repeat it. */
  readonly secrets: readonly string[];
  readonly stop: AbortSignal;
}

/**
 * Posts JSON and tells what became of it. Redirects are not followed: a receiver is where the configuration says. The answer is
 * read as far as its connection can then be used again, and told as far as it says what is wrong.
 */
export async function post(world: DeliveryWorld, given: Post): Promise<Outcome> {
  const { url, headers, body, timeout, secrets, stop } = given;
  const abort = new AbortController();
  let late = false;
  const end = (): void => abort.abort();
  const cancel = world.after(timeout, () => {
    late = true;
    end();
  });
  stop.addEventListener("abort", end);
  if (stop.aborted) end();
  try {
    const response = await world.fetch(url, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "user-agent": "eddy" },
      body,
      redirect: "manual",
      signal: abort.signal,
    });
    const text = await beginning(response);
    const { status } = response;
    if (status >= 200 && status < 300) return { told: true };
    const said = hidden(text.trim().replaceAll(/\s+/g, " "), secrets);
    const redirect = status >= 300 && status < 400 ? " (redirects are not followed)" : "";
    const reason = `status ${status}${redirect}${said === "" ? "" : `: ${printable(said, TOLD)}`}`;
    const retryAfter = waitAsked(response.headers.get("retry-after"), world.now());
    return {
      told: false,
      reason,
      refused: REFUSED.has(status),
      tooLarge: status === 413,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
  } catch (error) {
    if (late) return { told: false, reason: `no answer within ${timeout / 1000} s` };
    const { cause, message } = error as Error & { cause?: { code?: string; message?: string } };
    return {
      told: false,
      reason: hidden(printable(cause?.code ?? cause?.message ?? message, TOLD).slice(1, -1), secrets),
    };
  } finally {
    cancel();
    stop.removeEventListener("abort", end);
  }
}

/** The text of an answer, as far as it is read at all. */
async function beginning(response: Response): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    // Leaving the loop ends the connection.
    if (size > MOST_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks)
    .subarray(0, 4 * TOLD)
    .toString("utf8");
}

/** What of an address and of headers may be secret, the longest first: paths and words long enough to be keys. */
export function secretsOf(url: URL, headers: Readonly<Record<string, string>>): readonly string[] {
  const whole = [...Object.values(headers), `${url.pathname}${url.search}`, url.pathname, url.search];
  const parts = whole.flatMap((text) => text.split(/[\s/?&=]+/)).filter(({ length }) => length >= 8);
  return [...new Set([...whole, ...parts])]
    .filter(({ length }) => length >= 4)
    .sort((a, b) => b.length - a.length);
}

/** A text in which nothing secret stands any more. */
function hidden(text: string, secrets: readonly string[]): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, "***");
  return shown;
}

/** `Retry-After`, seconds or a date, in milliseconds; undefined when it says nothing. */
function waitAsked(value: string | null, now: number): number | undefined {
  if (value === null) return undefined;
  const wait = /^\s*\d+\s*$/.test(value) ? 1000 * Number(value) : Date.parse(value) - now;
  return Number.isFinite(wait) ? Math.min(LONGEST_WAIT, Math.max(0, wait)) : undefined;
}
