import { JSON_SUBPROTOCOL } from "../../protocol/subprotocols.ts";
import type { Batch } from "../http/observations-body.ts";
import type { Subscription } from "./subscription.ts";

/** Sends a frame; false when the socket takes no more for now. */
export type SendFrame = (data: Uint8Array, binary: boolean) => boolean;

/** How forecasts become frames, and frames observations. Control messages are JSON in text frames in every one. */
export interface Subprotocol {
  readonly name: string;
  /** Sends what a subscription may be sent at `now` (milliseconds), at most `room` forecasts; returns how many it was. */
  send(subscription: Subscription, now: number, room: number, frame: SendFrame): number;
  /** Reads the observations of a binary frame, at most `rows`; absent where there are no binary frames. */
  readonly readBinary?: (bytes: Buffer, rows: number) => Generator<unknown, Batch>;
}

/** `eddy.v1.json`: a text frame for each forecast. */
export const JSON_FRAMES: Subprotocol = {
  name: JSON_SUBPROTOCOL,
  send(subscription, now, room, frame) {
    let sent = 0;
    while (sent < room) {
      const outgoing = subscription.take(now);
      if (outgoing === null) break;
      sent++;
      if (!frame(outgoing.frame(subscription.id, subscription.view), false)) break;
    }
    return sent;
  },
};
