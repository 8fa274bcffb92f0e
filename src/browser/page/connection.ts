// The page's subscriptions: what is wanted is changed bit by bit, and the client of the protocol (src/client) does the rest.
import {
  type AlertMessage,
  type Client,
  connect,
  type ForecastMessage,
  type Unsubscribable,
} from "../../client/index.ts";
import { token } from "./server.ts";

/** Milliseconds of the longest wait before a lost connection is tried again: somebody is looking. */
const LONGEST_WAIT = 10_000;

/** What is wanted of one series: all messages of one id. */
export interface Wanted {
  readonly series: string;
  /** Messages a second for each target at most. */
  readonly maxRate: number;
  /** Steps of the forecasts; all without. */
  readonly horizons?: readonly number[];
}

export interface Handlers {
  readonly data: (message: ForecastMessage, id: string) => void;
  readonly alert: (message: AlertMessage) => void;
  /** Beginnings and ends of alerts that cannot be told any more. */
  readonly alertsMissed: () => void;
  readonly state: (state: "connecting" | "live" | "lost", text: string) => void;
  readonly unauthorised: () => void;
  /** The connection stands; what was missed meanwhile is to be asked for. */
  readonly ready: () => void;
}

/** Characters received since this was last asked. */
let received = 0;

class CountingSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol);
    this.addEventListener("message", ({ data }: MessageEvent<string>) => {
      received += data.length;
    });
  }
}

/** The connection to the server, for as long as the page is open. */
export class Connection {
  readonly #handlers: Handlers;
  #client: Client | null = null;
  /** By id of the subscription. */
  #wanted: ReadonlyMap<string, Wanted> = new Map();
  readonly #subscribed = new Map<string, { readonly wanted: Wanted; readonly feed: Unsubscribable }>();

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
  }

  /** Characters received since this was last asked. */
  takeBytes(): number {
    const bytes = received;
    received = 0;
    return bytes;
  }

  /** Connects, with the token as it is now. */
  connect(): void {
    this.#client?.close();
    this.#subscribed.clear();
    const client = connect(location.origin, {
      token,
      longestWait: LONGEST_WAIT,
      WebSocket: CountingSocket,
    });
    this.#client = client;
    client.statuses().subscribe((status) => {
      if (client !== this.#client) return;
      const { state, ready, unauthorised } = this.#handlers;
      switch (status.state) {
        case "connecting":
          state("connecting", status.attempt === 1 ? "connecting" : "connecting again");
          return;
        case "live":
          state("live", "live");
          ready();
          return;
        case "waiting":
          state("lost", status.reason);
          return;
        case "ended":
          state(
            "lost",
            status.error?.code === "unauthorised" ? "a token is needed" : `${status.error?.message}`,
          );
          if (status.error?.code === "unauthorised") unauthorised();
      }
    });
    const { alert, alertsMissed } = this.#handlers;
    client.alerts("*", { gap: alertsMissed }).subscribe({
      next: alert,
      // Whoever may not read all series is not told of all alerts: then those are asked for alone.
      error: () => {},
    });
    this.want(this.#wanted);
  }

  /** Wants these subscriptions and no other. */
  want(all: ReadonlyMap<string, Wanted>): void {
    this.#wanted = all;
    const client = this.#client;
    if (client === null) return;
    for (const [id, { wanted, feed }] of this.#subscribed) {
      const now = all.get(id);
      if (now !== undefined && same(now, wanted)) continue;
      feed.unsubscribe();
      this.#subscribed.delete(id);
    }
    for (const [id, wanted] of all) {
      if (this.#subscribed.has(id)) continue;
      const { series, maxRate, horizons } = wanted;
      const feed = client.forecasts({ series }, { maxRate, horizons }).subscribe({
        next: (message) => this.#handlers.data(message, id),
        // Of all of them the status tells.
        error: ({ message }) => {
          if (client.status.state !== "ended") this.#handlers.state("lost", message);
        },
      });
      this.#subscribed.set(id, { wanted, feed });
    }
  }
}

const same = (a: Wanted, b: Wanted): boolean =>
  a.series === b.series && a.maxRate === b.maxRate && a.horizons?.join() === b.horizons?.join();
