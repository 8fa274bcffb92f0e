import type { Since } from "../protocol/client-messages.ts";
import type {
  AlertDataMessage,
  DataMessage,
  GapMessage,
  SubscribedMessage,
} from "../protocol/server-messages.ts";

/** What comes of a subscription. */
export type Data = DataMessage | AlertDataMessage;

/** A place in the log of alerts: everything up to and with `sequence` has been seen. */
export interface SinceAlert {
  readonly epoch: string;
  readonly sequence: number;
}

/** How far a subscription has come, so that after a break it goes on from there. */
export interface Progress {
  /** What the server is told when it is asked again; undefined: whatever comes from now on. */
  since(): Since | SinceAlert | undefined;
  subscribed(message: SubscribedMessage): void;
  gap(message: GapMessage): void;
  /** Whether a message is a new one; from then on it is not. */
  take(message: Data): boolean;
  /** It cannot go on from there: the place after which all is missing. */
  forget(): number;
}

/** Everything, in the order of the log: what comes is new when it lies behind all that came before. */
export class EveryForecast implements Progress {
  #epoch: string | undefined;
  #offset = 0;
  #ordinal = 0;

  constructor(since: Since | undefined) {
    if (since !== undefined) this.#reach(since.epoch, since.offset, since.ordinal);
  }

  since(): Since | undefined {
    const epoch = this.#epoch;
    if (epoch === undefined) return undefined;
    const offset = this.#offset;
    return this.#ordinal === Number.POSITIVE_INFINITY
      ? { epoch, offset }
      : { epoch, offset, ordinal: this.#ordinal };
  }

  subscribed({ epoch, offset, recovered }: SubscribedMessage): void {
    if (!recovered || epoch !== this.#epoch) this.#reach(epoch, offset);
  }

  gap(): void {
    // It comes right after `subscribed`, which has said where it goes on.
  }

  take(message: Data): boolean {
    if (!("ordinal" in message)) return false;
    const { epoch, offset, ordinal } = message;
    if (epoch === this.#epoch) {
      if (offset < this.#offset || (offset === this.#offset && ordinal <= this.#ordinal)) return false;
    }
    this.#reach(epoch, offset, ordinal);
    return true;
  }

  forget(): number {
    this.#epoch = undefined;
    return this.#offset;
  }

  /** Without an ordinal, everything of the offset has been seen. */
  #reach(epoch: string, offset: number, ordinal = Number.POSITIVE_INFINITY): void {
    this.#epoch = epoch;
    this.#offset = offset;
    this.#ordinal = ordinal;
  }
}

/**
 * The latest forecast of each series and target. These do not come in the order of the log (a newer one takes the place of one that
 * waits), so that no place says what has been seen: after a break the server tells all again that it knows, and what is known
 * already is left out here.
 */
export class LatestForecasts implements Progress {
  #since: Since | undefined;
  #epoch: string | undefined;
  /** Place of the last one by what it is about. */
  readonly #places = new Map<string, string>();

  constructor(since: Since | undefined) {
    this.#since = since;
  }

  since(): Since | undefined {
    return this.#since;
  }

  subscribed({ epoch }: SubscribedMessage): void {
    this.#since = undefined;
    if (epoch !== this.#epoch) this.#places.clear();
    this.#epoch = epoch;
  }

  gap(): void {
    // What is known is told all the same.
  }

  take(message: Data): boolean {
    if (!("ordinal" in message)) return false;
    const about = subjectOf(message);
    const place = `${message.offset} ${message.ordinal}`;
    if (this.#places.get(about) === place) return false;
    this.#places.set(about, place);
    return true;
  }

  forget(): number {
    const from = this.#since?.offset ?? 0;
    this.#since = undefined;
    return from;
  }
}

/** Every beginning and end of an alert, in the order of their log. */
export class EveryAlert implements Progress {
  #since: SinceAlert | undefined;

  constructor(since: SinceAlert | undefined) {
    this.#since = since;
  }

  since(): SinceAlert | undefined {
    return this.#since;
  }

  /** What the log still holds after the place comes, also where a gap lies before it. */
  subscribed({ epoch, sequence = 0 }: SubscribedMessage): void {
    if (epoch !== this.#since?.epoch) this.#since = { epoch, sequence };
  }

  gap({ to }: GapMessage): void {
    const since = this.#since;
    if (since !== undefined && to > since.sequence) this.#since = { ...since, sequence: to };
  }

  take(message: Data): boolean {
    if (!("sequence" in message)) return false;
    const { epoch, sequence } = message;
    if (epoch === this.#since?.epoch && sequence <= this.#since.sequence) return false;
    this.#since = { epoch, sequence };
    return true;
  }

  forget(): number {
    const from = this.#since?.sequence ?? 0;
    this.#since = undefined;
    return from;
  }
}

/** What a message is about: a newer one about the same takes its place. */
export function subjectOf(message: Data): string {
  if ("alert" in message) return message.alert.alert;
  if ("output" in message) return message.output.series;
  return `${message.forecast.series}\u0000${message.forecast.target}`;
}
