import type { spawn } from "node:child_process";
import type * as fileSystem from "node:fs";
import type { Delivery } from "../../../storage/outbox.ts";

/** Everything outside that receivers may touch; passed in, so that a test can pass in another. */
export interface DeliveryWorld {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** Milliseconds that only ever grow. */
  monotonic(): number;
  /** Runs `task` after so many milliseconds; the returned function calls it off. */
  after(milliseconds: number, task: () => void): () => void;
  /** A number from 0 to 1, for the waits between attempts. */
  random(): number;
  readonly fs: typeof fileSystem;
  readonly fetch: typeof globalThis.fetch;
  readonly spawn: typeof spawn;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What became of a message. */
export type Outcome =
  | { readonly told: true }
  | {
      readonly told: false;
      /** In one line, without anything secret. */
      readonly reason: string;
      /** The message itself is not wanted: others may be. */
      readonly refused?: boolean;
      /** It is too large for the receiver. */
      readonly tooLarge?: boolean;
      /** Milliseconds that the receiver asks to be left alone. */
      readonly retryAfter?: number;
    };

/** Where messages go. */
export interface Receiver {
  readonly name: string;
  readonly kind: "webhook" | "alertmanager" | "command";
  /** Deliveries of one message at most. */
  readonly together: number;
  /** Messages under way at a time at most. */
  readonly atOnce: number;
  /** Milliseconds that the first delivery of a message waits for others to come along. */
  readonly wait: number;
  /** Milliseconds after which a delivery is given up; Infinity: never. */
  readonly giveUpAfter: number;
  /** Milliseconds between two reminders of what fires; undefined: it is told once. */
  readonly remindEvery?: number;
  /** Sends one message: never rejects, and always ends, at the latest when `stop` is aborted. */
  send(deliveries: readonly Delivery[], stop: AbortSignal): Promise<Outcome>;
}
