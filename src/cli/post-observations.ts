import { EddyError, printable } from "../models/errors.ts";
import type { Observation } from "../models/observation.ts";
import { parseJson } from "../streams/json.ts";
import type { World } from "./world.ts";

/** Observations of one request: no more than the refusals that an answer tells one by one. */
const BATCH = 100;
/** Wait before what was refused for now is sent again. */
const BUSY_WAIT = 1000;
/** Tries of one batch when the server cannot be reached, and the first wait between them. */
const TRIES = 5;
const FIRST_WAIT = 250;
/** Longest wait that a server may ask for. */
const LONGEST_WAIT = 60_000;

/** What the server answered, summed up. */
export interface Posted {
  accepted: number;
  duplicate: number;
  late: number;
  refused: number;
}

/**
 * Posts observations to `/v1/observations` in batches and waits for each to be durable. Every observation carries an id, so
 * that a batch sent twice is applied once. When the server is full (429) it is waited for as long as it asks.
 */
export class PostObservations {
  readonly posted: Posted = { accepted: 0, duplicate: 0, late: 0, refused: 0 };
  readonly #world: World;
  readonly #url: URL;
  readonly #refused: (line: number, message: string) => void;
  #lines: { line: number; text: string }[] = [];

  constructor(world: World, into: URL, refused: (line: number, message: string) => void) {
    this.#world = world;
    this.#url = new URL(into.pathname === "/" ? "/v1/observations" : into.pathname, into);
    this.#refused = refused;
  }

  /** Adds an observation of line `line` of the input; `id` when it has none of its own. */
  add(observation: Observation, line: number, id: string): Promise<void> | undefined {
    const { series, time, values } = observation;
    const text = JSON.stringify({
      id: observation.id ?? id,
      series,
      time: new Date(time).toISOString(),
      values,
    });
    this.#lines.push({ line, text });
    return this.#lines.length >= BATCH ? this.flush() : undefined;
  }

  async flush(): Promise<void> {
    let lines = this.#lines;
    this.#lines = [];
    while (lines.length > 0) {
      const answer = await this.#send(lines.map(({ text }) => `${text}\n`).join(""));
      this.posted.accepted += answer.accepted;
      this.posted.duplicate += answer.duplicate;
      this.posted.late += answer.late;
      const again: typeof lines = [];
      for (const { line, code, message } of answer.refused) {
        const sent = lines[line - 1];
        if (code === "busy" && !this.#world.stop.aborted && sent !== undefined) again.push(sent);
        else {
          this.posted.refused++;
          this.#refused(sent?.line ?? line, message);
        }
      }
      // Refused for now only, such as a new series more than a second may bring.
      lines = again;
      if (lines.length > 0) await this.#world.sleep(BUSY_WAIT);
    }
  }

  async #send(body: string): Promise<Receipt> {
    const token = this.#world.environment.EDDY_TOKEN;
    const headers = {
      "content-type": "application/x-ndjson",
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    };
    for (let failures = 0; ; ) {
      let response: Response;
      try {
        response = await this.#world.fetch(this.#url, { method: "POST", headers, body });
      } catch (error) {
        if (++failures >= TRIES || this.#world.stop.aborted) {
          throw new EddyError("unreachable", "--into", {
            expected: "a running Eddy server",
            received: `${this.#url.origin}: ${reason(error)}`,
            cause: error,
          });
        }
        await this.#world.sleep(FIRST_WAIT * 2 ** (failures - 1));
        continue;
      }
      const text = await response.text();
      if (response.status === 429 && !this.#world.stop.aborted) {
        await this.#world.sleep(retryAfter(response.headers.get("retry-after"), this.#world.now()));
        continue;
      }
      const receipt = response.status === 200 || response.status === 207 ? asReceipt(text) : undefined;
      if (receipt !== undefined) return receipt;
      throw new EddyError("bad-message", `POST ${this.#url.href}`, {
        expected: "200 or 207 with a receipt",
        received: `${response.status} ${printable(text, 200)}`,
      });
    }
  }
}

interface Receipt {
  readonly accepted: number;
  readonly duplicate: number;
  readonly late: number;
  readonly refused: readonly { line: number; code: string; message: string }[];
}

function asReceipt(text: string): Receipt | undefined {
  try {
    const read = parseJson(text, "bad-message", "answer") as Receipt | null;
    return typeof read?.accepted === "number" && Array.isArray(read.refused) ? read : undefined;
  } catch {
    return undefined;
  }
}

/** Why a request failed, in the system's words. */
const reason = (error: unknown): string => {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return cause?.code ?? cause?.message ?? String((error as Error).message);
};

/** `Retry-After`, seconds or a date, in milliseconds; a second when it says nothing. */
function retryAfter(value: string | null, now: number): number {
  const seconds = Number(value ?? Number.NaN);
  const wait = Number.isFinite(seconds) ? 1000 * seconds : Date.parse(value ?? "") - now;
  return Number.isFinite(wait) ? Math.min(LONGEST_WAIT, Math.max(0, wait)) : 1000;
}
