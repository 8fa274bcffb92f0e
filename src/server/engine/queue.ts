import { EddyError } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import { Refusals } from "../refusals.ts";
import type { IngestOptions, Receipt } from "./contract.ts";
import type { EngineMetrics } from "./metrics.ts";

/** One call of `ingest` on its way. */
export interface Request {
  readonly sources: Readonly<Record<string, string>>;
  readonly reached: IngestOptions["reached"];
  readonly paced: boolean;
  /** An observation was refused that is to be sent again: how far a source has been read says no more from there on. */
  stalled: boolean;
  readonly refusals: Refusals;
  accepted: number;
  duplicate: number;
  late: number;
  done: boolean;
  resolve(receipt: Receipt): void;
  reject(error: unknown): void;
}

/** One observation on its way. `last` marks the end of its request. */
export interface Waiting {
  readonly request: Request;
  readonly observation: Observation;
  readonly line: number;
  readonly last: boolean;
}

/** Observations that wait to be made durable, in the order in which they came. */
export class Queue {
  readonly #limit: number;
  readonly #metrics: EngineMetrics;
  #waiting: Waiting[] = [];

  constructor(limit: number, metrics: EngineMetrics) {
    this.#limit = limit;
    this.#metrics = metrics;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Observations that may still come. */
  get room(): number {
    return this.#limit - this.#waiting.length;
  }

  /** Adds a batch. Resolves once its request is answered; rejects with `busy` when there is no room. */
  add(batch: readonly Observation[], options: IngestOptions): Promise<Receipt> {
    const n = batch.length;
    if (n > this.room && this.#waiting.length > 0) {
      this.#metrics.add("ingest_busy_total", 1);
      return Promise.reject(
        new EddyError("busy", "intake", {
          expected: `at most ${this.#limit} observations waiting`,
          received: String(this.#waiting.length + n),
          hint: "send again in a second",
        }),
      );
    }
    return new Promise((resolve, reject) => {
      const request: Request = {
        sources: options.sources ?? {},
        reached: options.reached,
        paced: options.paced ?? false,
        stalled: false,
        refusals: new Refusals(),
        accepted: 0,
        duplicate: 0,
        late: 0,
        done: false,
        resolve,
        reject,
      };
      if (n === 0) answer(request);
      for (const [i, observation] of batch.entries()) {
        this.#waiting.push({ request, observation, line: i + 1, last: i === n - 1 });
      }
    });
  }

  /** The one that is `i` places behind the first. */
  at(i: number): Waiting | undefined {
    return this.#waiting[i];
  }

  /** Lets the first `n` go. */
  drop(n: number): void {
    if (n === this.#waiting.length) this.#waiting = [];
    else this.#waiting.splice(0, n);
  }
}

/** Everything that was accepted is durable and applied. */
export function answer(request: Request): void {
  const { accepted, duplicate, late, refusals } = request;
  request.done = true;
  request.resolve({ accepted, duplicate, late, ...refusals.receipt });
}

/** Nothing more of the request is taken. */
export function fail(request: Request, error: unknown): void {
  request.done = true;
  request.reject(error);
}

/** Refuses one observation; the rest of its request goes on. */
export function refuse(
  { request, line }: Waiting,
  code: string,
  message: string,
  metrics: EngineMetrics,
): void {
  request.refusals.add(line, () => ({ code, message }));
  metrics.add("refused_total", 1);
}
