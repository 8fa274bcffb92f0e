import type { Client, ClientOptions } from "../../src/client/client.ts";
import { connect } from "../../src/client/index.ts";
import type { ClientWorld, Socket } from "../../src/client/world.ts";

export const LIMITS = {
  messageBytes: 64 * 1024,
  subscriptions: 256,
  messagesPerSecond: 100,
  pendingObservations: 1024,
  queue: 1024,
};

export type Sent = Record<string, unknown> & { readonly type: string };

/** A socket whose other side is the test. */
export class FakeSocket implements Socket {
  readonly url: string;
  readyState = 0;
  onopen: unknown = null;
  onmessage: unknown = null;
  onclose: unknown = null;
  onerror: unknown = null;
  readonly sent: Sent[] = [];
  closedWith: number | undefined | null = null;

  constructor(url: string) {
    this.url = url;
  }

  send(text: string): void {
    if (this.readyState !== 1) throw new Error("not open");
    this.sent.push(JSON.parse(text));
  }

  close(code?: number): void {
    this.closedWith = code;
    this.readyState = 2;
  }

  terminate(): void {
    this.readyState = 3;
  }

  /** The server has taken the connection. */
  open(): void {
    this.readyState = 1;
    (this.onopen as (() => void) | null)?.();
  }

  /** The server says something. */
  say(message: object | string): void {
    const data = typeof message === "string" ? message : JSON.stringify(message);
    (this.onmessage as ((event: { data: string }) => void) | null)?.({ data });
  }

  /** Taken and greeted. */
  greet(limits: Partial<typeof LIMITS> = {}, pingMs = 20_000): void {
    this.open();
    this.say({ type: "ready", session: "s", pingMs, limits: { ...LIMITS, ...limits } });
  }

  /** Gone, from the other side. */
  drop(code = 1006, reason = ""): void {
    this.readyState = 3;
    (this.onclose as ((event: { code: number; reason: string }) => void) | null)?.({ code, reason });
  }

  of(type: string): Sent[] {
    return this.sent.filter((message) => message.type === type);
  }
}

/** Events of a window or document, and how many listen. */
class FakeEvents {
  visibilityState = "visible";
  readonly listeners: { readonly type: string; readonly listener: () => void }[] = [];

  addEventListener(type: string, listener: () => void): void {
    this.listeners.push({ type, listener });
  }

  removeEventListener(type: string, listener: () => void): void {
    const at = this.listeners.findIndex((one) => one.type === type && one.listener === listener);
    if (at >= 0) this.listeners.splice(at, 1);
  }

  tell(type: string): void {
    for (const one of [...this.listeners]) if (one.type === type) one.listener();
  }
}

/** A world in which time goes on when the test says so. */
export class FakeWorld implements ClientWorld {
  readonly sockets: FakeSocket[] = [];
  readonly WebSocket: new (
    url: string,
  ) => FakeSocket;
  readonly fetch = undefined;
  readonly window = new FakeEvents();
  readonly document = new FakeEvents();
  readonly timers = new Map<number, { readonly at: number; readonly run: () => void }>();
  time = 1_000_000;
  /** What `random` says next; .5 when nothing is left. */
  readonly drawn: number[] = [];
  #timer = 0;

  constructor() {
    const { sockets } = this;
    this.WebSocket = class extends FakeSocket {
      constructor(url: string) {
        super(url);
        sockets.push(this);
      }
    };
  }

  readonly now = (): number => this.time;
  readonly random = (): number => this.drawn.shift() ?? 0.5;
  readonly setTimeout = (run: () => void, milliseconds: number): number => {
    this.timers.set(++this.#timer, { at: this.time + Math.max(0, milliseconds), run });
    return this.#timer;
  };
  readonly clearTimeout = (timer: unknown): void => {
    this.timers.delete(timer as number);
  };

  /** Lets time go on, and everything that waits for it happen when it is due. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await settled();
    for (;;) {
      const [next] = [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
      if (next === undefined) break;
      const [timer, { at, run }] = next;
      this.timers.delete(timer);
      this.time = Math.max(this.time, at);
      run();
      await settled();
    }
    this.time = end;
  }

  /** The process stands still: time goes on, and nothing happens until it does again. */
  sleep(milliseconds: number): void {
    this.time += milliseconds;
  }

  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (last === undefined) throw new Error("no socket yet");
    return last;
  }
}

/** What has been promised has happened. */
export const settled = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

/** A client in a world of its own, about to dial. */
export async function dialling(options: ClientOptions = {}) {
  const world = new FakeWorld();
  const client = connect("http://eddy:1", options, world);
  await settled();
  return { world, client };
}

/** A client that has been greeted. */
export async function live(options: ClientOptions = {}, limits: Partial<typeof LIMITS> = {}) {
  const { world, client } = await dialling(options);
  world.socket.greet(limits);
  return { world, client };
}

/** Lost and greeted again. */
export async function again(world: FakeWorld, code = 1006): Promise<void> {
  const before = world.sockets.length;
  world.socket.drop(code);
  while (world.sockets.length === before) await world.pass(50);
  world.socket.greet();
}

export const statesOf = (client: Client): string[] => {
  const states: string[] = [];
  client.statuses().subscribe(({ state }) => states.push(state));
  return states;
};

/** A `data` message. */
export const forecastOf = (id: unknown, offset: number, ordinal = 0, series = "a", target = "value") => ({
  type: "data",
  id,
  epoch: "e",
  offset,
  ordinal,
  forecast: { series, target, offset, horizon: [{ step: 1, mean: offset }] },
});
