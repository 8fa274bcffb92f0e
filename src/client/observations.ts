import type { AcknowledgedMessage, ConnectionLimits, ServerMessage } from "../protocol/server-messages.ts";
import { ClientError, shown } from "./errors.ts";
import type { ClientWorld } from "./world.ts";

/** A reading of a series: `value`, or `values` by column (null: missing). */
export interface Observation {
  readonly series: string;
  /**
   * When it was read: ISO 8601, epoch milliseconds or a Date. Without, the time of its arrival at the server, or, where it had to wait
   * for the server, that of the call.
   */
  readonly time?: string | number | Date;
  readonly value?: number | null;
  readonly values?: Readonly<Record<string, number | null>>;
  /** By which a repeat is recognised; one is made where none is given. */
  readonly id?: string | number;
}

/** What became of an observation. */
export interface Acknowledged {
  /** `accepted`; `duplicate`: it was there already; `late`: kept and counted, but the series had gone on. */
  readonly status: "accepted" | "duplicate" | "late";
  /** Journal position that the server had reached. */
  readonly offset: number;
}

interface Waiting {
  /** In the order of the calls. */
  readonly order: number;
  readonly calledAt: number;
  readonly message: Record<string, unknown>;
  readonly key: string;
  readonly resolve: (acknowledged: Acknowledged) => void;
  readonly reject: (error: ClientError) => void;
}

/** Observations that may wait to be sent before the next is refused at once. */
const MOST_WAITING = 100_000;
/** First bound of the wait before what was refused for now is sent again, and the largest. */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;
/** Milliseconds after which an observation without a time has waited: its time is then that of the call. */
const WAITED = 1_000;

const LONGEST_ID = 256;
const FIELDS: ReadonlySet<string> = new Set(["series", "time", "value", "values", "id"]);

/**
 * Observations on their way. Each is sent until the server has answered for it: after a break once more, under the same id, so that
 * one that had arrived is recognised and not applied twice. No more are under way than the server reads.
 */
export class Observations {
  readonly #send: (text: string) => void;
  readonly #world: ClientWorld;
  /** First part of the ids made here; no other client has it. */
  readonly #name: string;
  #made = 0;
  #order = 0;
  /** To be sent once more, before all else: no more than may be under way. */
  #again: Waiting[] = [];
  /** To be sent, in order. */
  #queue: Waiting[] = [];
  #head = 0;
  /** Sent and not answered, by id. */
  readonly #sent = new Map<string, Waiting>();
  #limits: ConnectionLimits | null = null;
  #timer: unknown = null;
  #busy = 0;
  /** The last time given to an observation that had none, by series: two readings have two times. */
  readonly #stamped = new Map<string, number>();
  #closed: ClientError | null = null;

  constructor(send: (text: string) => void, world: ClientWorld) {
    this.#send = send;
    this.#world = world;
    const part = () => Math.floor(world.random() * 36 ** 10).toString(36);
    this.#name = `${part()}${part()}`;
  }

  /** Resolves once it is durable; rejects with the server's error where it is refused. */
  observe(observation: Observation): Promise<Acknowledged> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) throw this.#closed;
      if (this.#queue.length - this.#head >= MOST_WAITING) {
        throw new ClientError(
          "too-many",
          `observations: expected at most ${MOST_WAITING} waiting; wait for those before`,
          true,
        );
      }
      const message = checked(observation);
      message.id ??= `${this.#name}-${++this.#made}`;
      this.#queue.push({
        order: ++this.#order,
        calledAt: this.#world.now(),
        message,
        key: keyOf(message.id),
        resolve,
        reject,
      });
      this.#go();
    });
  }

  opened(limits: ConnectionLimits): void {
    this.#limits = limits;
    this.#go();
  }

  /** What was not answered is to be sent again, before all that came later. */
  lost(): void {
    this.#limits = null;
    for (const waiting of this.#sent.values()) this.#putBack(waiting);
    this.#sent.clear();
  }

  ended(error: ClientError | null): void {
    this.#limits = null;
    this.#closed =
      error ??
      new ClientError("closed", "the client was closed before the server answered for this observation");
    this.#world.clearTimeout(this.#timer);
    const left = [...this.#sent.values(), ...this.#again, ...this.#queue.slice(this.#head)];
    this.#sent.clear();
    this.#again = [];
    this.#queue = [];
    this.#head = 0;
    for (const { reject } of left) reject(this.#closed);
  }

  /** Takes a message of the server's, if it answers an observation. */
  message(message: ServerMessage): boolean {
    if (message.type !== "ack" && message.type !== "error") return false;
    const key = keyOf(message.id);
    const waiting = this.#sent.get(key);
    if (waiting === undefined) return false;
    this.#sent.delete(key);
    if (message.type === "ack") this.#acknowledged(waiting, message);
    else if (message.retryable) this.#later(waiting);
    else waiting.reject(new ClientError(message.code, message.message));
    this.#go();
    return true;
  }

  #acknowledged({ resolve }: Waiting, { status, offset }: AcknowledgedMessage): void {
    this.#busy = 0;
    resolve({ status, offset });
    if (this.#sent.size + this.#again.length === 0 && this.#head === this.#queue.length)
      this.#stamped.clear();
  }

  /** Refused for now: it comes first when the server is asked again, so that the order stays. */
  #later(waiting: Waiting): void {
    this.#putBack(waiting);
    if (this.#timer !== null) return;
    const bound = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(20, this.#busy++));
    this.#timer = this.#world.setTimeout(
      () => {
        this.#timer = null;
        this.#go();
      },
      (bound * (1 + this.#world.random())) / 2,
    );
  }

  #putBack(waiting: Waiting): void {
    const before = this.#again.findLastIndex(({ order }) => order < waiting.order);
    this.#again.splice(before + 1, 0, waiting);
  }

  #go(): void {
    while (this.#limits !== null && this.#timer === null) {
      const next = this.#again[0] ?? this.#queue[this.#head];
      if (next === undefined) break;
      // One less than the server reads at a time, so that it always hears us. An id that is under way names its answer.
      const most = Math.max(1, this.#limits.pendingObservations - 1);
      if (this.#sent.size >= most || this.#sent.has(next.key)) return;
      if (next === this.#again[0]) this.#again.shift();
      else this.#head++;
      const text = JSON.stringify(this.#timed(next));
      if (bytes(text) > this.#limits.messageBytes) {
        const limit = `expected a message of at most ${this.#limits.messageBytes} bytes, got ${bytes(text)}`;
        next.reject(new ClientError("too-large", `observation: ${limit}`));
        continue;
      }
      this.#sent.set(next.key, next);
      this.#send(text);
    }
    if (2 * this.#head > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
  }

  #timed({ message, calledAt }: Waiting): Record<string, unknown> {
    if (message.time === undefined && this.#world.now() - calledAt > WAITED) {
      const series = message.series as string;
      const time = Math.max(calledAt, (this.#stamped.get(series) ?? 0) + 1);
      this.#stamped.set(series, time);
      message.time = time;
    }
    return message;
  }
}

/** 1 and "1" are two ids. */
const keyOf = (id: unknown): string => `${typeof id} ${id}`;

/** Length in UTF-8, or a little more. */
function bytes(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7ff) length += 2;
    else if (unit > 0x7f) length++;
  }
  return length;
}

const refuse = (field: string, expected: string, received: unknown): never => {
  throw new ClientError("bad-observation", `${field}: expected ${expected}, got ${shown(received)}`);
};

/**
 * The message of an observation. What JSON would change in silence is refused here (NaN would be sent as null), and what is no
 * observation at all; all else is the server's to judge.
 */
function checked(observation: Observation): Record<string, unknown> {
  if (typeof observation !== "object" || observation === null)
    refuse("observation", "an object", observation);
  const { series, time, value, values, id } = observation;
  for (const field of Object.keys(observation)) {
    if (!FIELDS.has(field)) refuse("observation", `only ${[...FIELDS].join(", ")}`, field);
  }
  if (typeof series !== "string") refuse("series", "a name", series);
  if (value !== undefined) checkNumber("value", value);
  if (values !== undefined) {
    if (typeof values !== "object" || values === null || Array.isArray(values)) {
      refuse("values", "an object of numbers by column", values);
    }
    for (const [column, one] of Object.entries(values)) checkNumber(`values.${column.slice(0, 60)}`, one);
  }
  // A longer one would not be sent back with the answer.
  if (id !== undefined && !(typeof id === "string" ? id.length <= LONGEST_ID : Number.isSafeInteger(id))) {
    refuse("id", `a string of at most ${LONGEST_ID} characters, or a whole number up to 2^53`, id);
  }
  const moment = time instanceof Date ? time.getTime() : time;
  if (moment !== undefined && typeof moment !== "string" && !Number.isFinite(moment)) {
    refuse("time", "ISO 8601, epoch milliseconds or a Date", time);
  }
  return {
    type: "observe",
    ...(id === undefined ? {} : { id }),
    series,
    ...(moment === undefined ? {} : { time: moment }),
    ...(value === undefined ? {} : { value }),
    ...(values === undefined ? {} : { values: { ...values } }),
  };
}

function checkNumber(field: string, value: unknown): void {
  if (value !== null && !(typeof value === "number" && Number.isFinite(value))) {
    refuse(field, "a finite number or null", value);
  }
}
