import type { Since } from "../../protocol/client-messages.ts";

/** How far a client has come in the log. */
export interface Seen {
  readonly offset: number;
  readonly ordinal: number;
}

export const NOTHING_SEEN: Seen = { offset: -1, ordinal: 0 };

export const seenBy = (since: Since | undefined): Seen =>
  since === undefined
    ? NOTHING_SEEN
    : { offset: since.offset, ordinal: since.ordinal ?? Number.POSITIVE_INFINITY };

/** Whether something stands in the log after what has been seen. */
export const isAfter = (one: Seen, seen: Seen): boolean =>
  one.offset > seen.offset || (one.offset === seen.offset && one.ordinal > seen.ordinal);
