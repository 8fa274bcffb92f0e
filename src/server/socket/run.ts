import type { SubscriptionId } from "../../protocol/client-messages.ts";
import { Kept } from "./kept.ts";
import type { Outgoing, View } from "./outgoing.ts";
import type { Subprotocol } from "./subprotocol.ts";

/** To whom forecasts are sent: the name of the subscription, and what it wants to see of each. */
export interface Addressee {
  readonly id: SubscriptionId;
  readonly view: View;
  /** Equal for those who are sent equal bytes. */
  readonly key: string;
}

/** Whole WebSocket frames, as they go over the wire. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** How many forecasts they tell. */
  readonly forecasts: number;
}

/** Forecasts that leave one after another. All subscriptions to which the same ones are due share one run, and the bytes of it. */
export class Run {
  readonly forecasts: readonly Outgoing[];
  /** Clients choose ids and steps as they like. */
  readonly #pieces = new Kept<readonly Piece[]>();

  constructor(forecasts: readonly Outgoing[]) {
    this.forecasts = forecasts;
  }

  /** What is sent next of it to one who has been sent the first `sent` forecasts, piece by piece. */
  piece(subprotocol: Subprotocol, to: Addressee, sent: number): Piece | undefined {
    const key = `${subprotocol.name} ${to.key}`;
    let before = 0;
    return this.#pieces
      .get(key, () => subprotocol.pieces(this.forecasts, to))
      .find(({ forecasts }) => {
        before += forecasts;
        return before > sent;
      });
  }
}
