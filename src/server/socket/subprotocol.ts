import type { Batch } from "../http/observations-body.ts";
import type { Subscription } from "./subscription.ts";

/** Where a subprotocol writes. Both say false when the socket takes no more for now. */
export interface Sink {
  /** Sends one message. */
  message(data: Uint8Array, binary: boolean): boolean;
  /** Sends whole WebSocket frames, as they go over the wire. */
  frames(bytes: Uint8Array): boolean;
}

/** How forecasts become frames, and frames observations. Control messages are JSON in text frames in every one. */
export interface Subprotocol {
  readonly name: string;
  /** Sends what a subscription may be sent at `now` (milliseconds), at most `room` forecasts; returns how many it was. */
  send(subscription: Subscription, now: number, room: number, sink: Sink): number;
  /** Reads the observations of a binary frame, at most `rows`; absent where there are no binary frames. */
  readonly readBinary?: (bytes: Buffer, rows: number) => Generator<unknown, Batch>;
}
