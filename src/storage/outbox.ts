/** A transition of an alert on its way into the outbox. */
export interface Announcement {
  /** Transitions of one lane may go in one message, and are told in order. What is about one subject stays in its lane. */
  readonly lane: string;
  /** What the alert is about: the same for a firing, its end, and whatever comes after. */
  readonly subject: string;
  readonly state: "firing" | "resolved";
  /** Names of the receivers that are to be told. */
  readonly to: readonly string[];
  /** The transition as it is told: JSON. */
  readonly text: string;
}

/**
 * `waiting`: still to be told. `reminded`: told, and told again from time to time, a firing until it has ended, an end for a while.
 * `dead`: given up; it stays until somebody sends it again or deletes it.
 */
export type DeliveryState = "waiting" | "reminded" | "dead";

/** What one receiver is to be told of one transition. */
export interface Delivery {
  /** Never given twice. Of two deliveries to a receiver the one with the smaller id is told first. */
  readonly id: number;
  readonly receiver: string;
  readonly lane: string;
  readonly subject: string;
  readonly firing: boolean;
  readonly text: string;
  readonly state: DeliveryState;
  /** Times that it has been tried. */
  readonly attempts: number;
  /** What went wrong the last time, in words; null while nothing has. */
  readonly error: string | null;
}

/** Deliveries of one receiver. */
export interface DeliveryCounts {
  readonly waiting: number;
  readonly reminded: number;
  readonly dead: number;
}

export interface DeliveryQuery {
  readonly state?: DeliveryState;
  readonly receiver?: string;
  /** Only those with a smaller id. */
  readonly before: number;
  readonly limit: number;
}

/**
 * What receivers of alerts have still to be told. A delivery is written in the transaction of the transition it follows from, and
 * leaves once the receiver has said that it has it: whoever dies in between tells it again. The methods are transactions
 * of their own, not synced: a power cut may take the last of them, and then something is told twice, never not at all.
 */
export interface Outbox {
  /** Within the transaction of the transition. */
  add(announcement: Announcement): void;
  /** Calls `added` for whatever has been committed from now on; the returned function ends that. */
  watch(added: (receiver: string, lane: string) => void): () => void;
  /** Lanes in which something waits for a receiver. */
  lanesOf(receiver: string): readonly string[];
  /**
   * The next message to a receiver of a lane: deliveries in order, at most `most` of them, none when nothing waits. It is the same
   * message, also after a restart, until its deliveries are told, dead or apart.
   */
  message(receiver: string, lane: string, most: number): readonly Delivery[];
  /**
   * The receiver has them. They leave; where it is to be reminded, they stay as `reminded`, and whatever was told or given up
   * of the same subject before leaves in their stead.
   */
  told(deliveries: readonly Delivery[], remind: boolean): void;
  /** They were tried in vain; with `dead`, for the last time. */
  failed(deliveries: readonly Delivery[], error: string, dead: boolean): void;
  /** They need not go together any more: the next message may be a smaller one. */
  apart(deliveries: readonly Delivery[]): void;
  /** Gives up some of what has waited for so many milliseconds, of those that the database has been open; returns how many. */
  giveUp(receiver: string, lane: string, milliseconds: number, error: string): number;
  /** Ends need no more reminders after so many milliseconds, of those that the database has been open. */
  settle(receiver: string, milliseconds: number): void;
  /** Deliveries of which a receiver is to be reminded, with ids greater than `after`, in order. */
  reminders(receiver: string, after: number, limit: number): readonly Delivery[];
  /**
   * Gives up whatever waits for a receiver of none of these names; returns how many. What one is reminded of stays: it may have been
   * left out by mistake.
   */
  disown(receivers: ReadonlySet<string>): number;
  /** The newest first. */
  list(query: DeliveryQuery): readonly Delivery[];
  get(id: number): Delivery | undefined;
  /** A dead delivery waits again, as if it had never been tried; returns whether it was one. */
  retry(id: number): boolean;
  /** The same of all dead ones of a receiver; returns how many there were. */
  retryAll(receiver: string): number;
  /** Deletes a dead delivery; returns whether it was one. */
  discard(id: number): boolean;
  /** By receivers that something waits for, or is dead. */
  counts(): ReadonlyMap<string, DeliveryCounts>;
  /** Dead deliveries that had to make room for newer ones since the store was opened. */
  readonly dropped: number;
}
