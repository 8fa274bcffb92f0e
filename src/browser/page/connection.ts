// The page's side of the WebSocket protocol (docs/protocol.md): connects, subscribes to what is wanted, connects again when it must.
import { token } from "./server.ts";
import type { DataMessage } from "./wire.ts";

const SLOWEST_RETRY = 10_000;
/** Subscriptions that are changed at a time, and how often: the server takes 100 messages a second. */
const CHANGES = 20;
const CHANGE_MILLISECONDS = 250;
/** A connection that has told nothing for so many of the server's beats is gone, whatever the system says. */
const SILENT_BEATS = 3;

/** What is wanted of one series: all messages of one id. */
export interface Wanted {
  readonly series: string;
  /** Messages a second for each target at most. */
  readonly maxRate: number;
  /** Steps of the forecasts; all without. */
  readonly horizons?: readonly number[];
}

export interface Handlers {
  readonly data: (message: DataMessage) => void;
  readonly state: (state: "connecting" | "live" | "lost", text: string) => void;
  readonly unauthorised: () => void;
  /** The connection stands; what was missed meanwhile is to be asked for. */
  readonly ready: () => void;
}

type ServerMessage =
  | { type: "ready"; pingMs: number }
  | ({ type: "data" } & DataMessage)
  | { type: "draining"; reconnectAfterMs: number }
  | { type: "error"; message: string }
  | { type: "subscribed" | "gap" | "pong" | "ack" };

/** One connection to the server, for as long as the page is open. */
export class Connection {
  readonly #handlers: Handlers;
  #socket: WebSocket | null = null;
  #ready = false;
  #failures = 0;
  /** Milliseconds that the server asked to wait before coming back. */
  #wait: number | null = null;
  /** By id of the subscription. */
  #wanted: ReadonlyMap<string, Wanted> = new Map();
  readonly #subscribed = new Map<string, Wanted>();
  #bytes = 0;

  constructor(handlers: Handlers) {
    this.#handlers = handlers;
    setInterval(() => this.#reconcile(), CHANGE_MILLISECONDS);
  }

  /** Characters received since this was last asked. */
  takeBytes(): number {
    const bytes = this.#bytes;
    this.#bytes = 0;
    return bytes;
  }

  /** Wants these subscriptions and no other; comes to them step by step. */
  want(wanted: ReadonlyMap<string, Wanted>): void {
    this.#wanted = wanted;
    this.#reconcile();
  }

  connect(): void {
    const { state, data, ready, unauthorised } = this.#handlers;
    state("connecting", this.#failures === 0 ? "connecting" : "connecting again");
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/stream`, "eddy.v1.json");
    this.#socket = socket;
    let heard = performance.now();
    let pingMs = 20_000;
    const beat = setInterval(() => {
      if (performance.now() - heard > SILENT_BEATS * pingMs) socket.close();
      else if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
    }, 10_000);
    socket.onopen = () => {
      const shown = token();
      socket.send(JSON.stringify(shown === null ? { type: "init" } : { type: "init", token: shown }));
    };
    socket.onmessage = ({ data: text }: MessageEvent<string>) => {
      heard = performance.now();
      this.#bytes += text.length;
      const message = JSON.parse(text) as ServerMessage;
      switch (message.type) {
        case "ready":
          this.#failures = 0;
          pingMs = message.pingMs;
          this.#ready = true;
          this.#subscribed.clear();
          state("live", "live");
          this.#reconcile();
          ready();
          return;
        case "data":
          data(message);
          return;
        case "draining":
          this.#wait = message.reconnectAfterMs;
          state("lost", "the server is going away");
          return;
        case "error":
          state("lost", message.message);
          return;
        default:
          return;
      }
    };
    socket.onclose = ({ code, reason }) => {
      clearInterval(beat);
      this.#ready = false;
      if (code === 4401) {
        state("lost", "a token is needed");
        unauthorised();
        return;
      }
      state("lost", code === 1001 ? "the server went away" : reason || "connection lost");
      const pause = Math.min(SLOWEST_RETRY, 500 * 2 ** this.#failures) * (0.75 + Math.random() / 2);
      setTimeout(() => this.connect(), this.#wait ?? pause);
      this.#failures++;
      this.#wait = null;
    };
  }

  #reconcile(): void {
    const socket = this.#socket;
    if (!this.#ready || socket === null || socket.readyState !== WebSocket.OPEN) return;
    let left = CHANGES;
    for (const [id, has] of this.#subscribed) {
      if (left === 0) return;
      const wanted = this.#wanted.get(id);
      if (wanted !== undefined && same(wanted, has)) continue;
      socket.send(JSON.stringify({ type: "unsubscribe", id }));
      this.#subscribed.delete(id);
      left--;
    }
    for (const [id, wanted] of this.#wanted) {
      if (left === 0) return;
      if (this.#subscribed.has(id)) continue;
      const { series, maxRate, horizons } = wanted;
      const steps = horizons === undefined ? {} : { horizons };
      socket.send(JSON.stringify({ type: "subscribe", id, series, mode: "latest", maxRate, ...steps }));
      this.#subscribed.set(id, wanted);
      left--;
    }
  }
}

const same = (a: Wanted, b: Wanted): boolean =>
  a.series === b.series && a.maxRate === b.maxRate && a.horizons?.join() === b.horizons?.join();
