/** What a client needs of a WebSocket: that of browsers has it, of `ws`, of Node. */
export interface Socket {
  readonly readyState: number;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** Ends it without waiting for the other side, where there is such a thing. */
  terminate?(): void;
}

export type SocketConstructor = new (url: string, protocol: string) => Socket;

/** The part of an answer that is looked at. */
export interface Answer {
  readonly ok: boolean;
  readonly status: number;
  text(): Promise<string>;
}

export type Fetch = (
  url: string,
  options: { readonly headers: Record<string, string>; readonly signal?: AbortSignal },
) => Promise<Answer>;

/** Something that tells of events: the window of a page, its document. */
export interface Events {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
}

/** Everything outside that a client touches. It is passed in, so that a test can pass in another world. */
export interface ClientWorld {
  readonly WebSocket: SocketConstructor | undefined;
  readonly fetch: Fetch | undefined;
  /** Wall clock, epoch milliseconds. */
  readonly now: () => number;
  /** From 0 to below 1. Ids of observations are made of it: two clients must not have the same. */
  readonly random: () => number;
  readonly setTimeout: (run: () => void, milliseconds: number) => unknown;
  readonly clearTimeout: (timer: unknown) => void;
  /** Tell of the network and of the page: `online`, `offline`; `visibilitychange`. */
  readonly window: Events | undefined;
  readonly document: (Events & { readonly visibilityState?: string }) | undefined;
}

/** The world of this process or page. */
export function thisWorld(): ClientWorld {
  const world = globalThis as unknown as Partial<ClientWorld> & Partial<Events>;
  return {
    WebSocket: world.WebSocket,
    fetch: world.fetch?.bind(globalThis),
    now: () => Date.now(),
    random: () => {
      const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
      return (high * 2 ** 21 + (low >>> 11)) / 2 ** 53;
    },
    setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
    clearTimeout: (timer) => clearTimeout(timer as Parameters<typeof clearTimeout>[0]),
    window: world.addEventListener === undefined ? undefined : (globalThis as unknown as Events),
    document: world.document,
  };
}
