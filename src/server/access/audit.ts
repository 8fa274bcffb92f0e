import type { Clock } from "../../storage/clock.ts";
import type { Caller } from "./caller.ts";

/** Why somebody was refused, each counted by itself. */
export const REFUSED = {
  "no-token": "no token was shown",
  "wrong-token": "the token is none of the server's",
  "expired-token": "the token has expired",
  "revoked-token": "the token was taken away, changed or expired while a connection was open",
  logins: "too many wrong tokens from one peer",
  requests: "too many requests of one token or peer",
  scope: "the token may not do that",
  host: "the name asked for is not this machine's",
  origin: "a page of another origin asked",
} as const;
export type Refused = keyof typeof REFUSED;

/** Where the server says what happened. Pino's logger fits. */
export interface ServerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const SILENT: ServerLog = { info: () => {}, warn: () => {}, error: () => {} };

export interface RefusedRequest {
  readonly reason: Refused;
  /** Whose token it was, where one is known. */
  readonly caller: Caller | undefined;
  readonly peer: string;
  /** Such as `GET /v1/series/boiler`, or the type of a message. Never what follows a `?`. */
  readonly what: string;
  /** What was answered. */
  readonly why: string;
  /** How many at once: the lines of a body. */
  readonly times?: number;
}

/** Lines written at once, and then one a second. */
const LINES = 20;
const LINE_MILLISECONDS = 1000;
/** After so long, how many were not written is told by itself. */
const SUM_MILLISECONDS = 60_000;
const LONGEST_TEXT = 300;

/**
 * One line for every refusal, and a count of all by their reason. Under a flood of them some are written, the others counted: the
 * next line says how many. Nothing that was shown as a token is ever given to it.
 */
export class Audit {
  readonly #log: ServerLog;
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  readonly #counts = new Map<Refused, number>();
  #lines = LINES;
  #at = 0;
  #untold = 0;
  #cancel: (() => void) | null = null;

  constructor(log: ServerLog, clock: Pick<Clock, "monotonic" | "after">) {
    this.#log = log;
    this.#clock = clock;
  }

  refuse({ reason, caller, peer, what, why, times = 1 }: RefusedRequest): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + times);
    const now = this.#clock.monotonic();
    this.#lines = Math.min(LINES, this.#lines + (now - this.#at) / LINE_MILLISECONDS);
    this.#at = now;
    if (this.#lines < 1) {
      this.#untold += times;
      this.#cancel ??= this.#clock.after(SUM_MILLISECONDS, () => this.#sum());
      return;
    }
    this.#lines--;
    this.#log.warn(
      {
        event: "refused",
        reason,
        token: caller?.name ?? null,
        peer,
        what: what.slice(0, LONGEST_TEXT),
        why: why.slice(0, LONGEST_TEXT),
        ...(times > 1 ? { times } : {}),
        ...this.#more(),
      },
      "refused",
    );
  }

  count(reason: Refused): number {
    return this.#counts.get(reason) ?? 0;
  }

  /** Counters in the text format of Prometheus. */
  get metrics(): string {
    const lines = (Object.keys(REFUSED) as Refused[]).map(
      (reason) => `eddy_refusals_total{reason="${reason}"} ${this.count(reason)}\n`,
    );
    return `# HELP eddy_refusals_total Requests, messages and lines refused to those who asked, by reason\n# TYPE eddy_refusals_total counter\n${lines.join("")}`;
  }

  close(): void {
    if (this.#cancel !== null) this.#sum();
  }

  /** How many were not told since the last line, as a field of this one. */
  #more(): { more?: number } {
    const more = this.#untold;
    this.#untold = 0;
    this.#cancel?.();
    this.#cancel = null;
    return more > 0 ? { more } : {};
  }

  #sum(): void {
    this.#log.warn({ event: "refused", ...this.#more() }, "refused, and not told one by one");
  }
}
