import { guarded, reportUncaught } from "./errors.ts";
import type { Mailbox } from "./mailbox.ts";

/** Where what comes of a feed is handed. */
export interface Sink<T> {
  /** `about`: what it is about; `size`: characters it came in. */
  next(item: T, about: string, size: number): void;
  error(error: Error): void;
  complete(): void;
}

/** What a feed has opened for one of its readers. */
export interface Opened {
  close(): void;
  /** The reader has enough for now, until `resume`. */
  pause(): void;
  resume(): void;
}

/** How a feed is opened for a reader, and what its items wait in when it reads them one at a time. */
export interface Origin<T> {
  open(sink: Sink<T>): Opened;
  mailbox(): Mailbox<T>;
}

/** Who is told of what comes, as RxJS has it; all three may be left out. */
export interface Observer<T> {
  next?(item: T): void;
  error?(error: Error): void;
  complete?(): void;
}

/** Something that comes bit by bit, to be ended. */
export interface Unsubscribable {
  unsubscribe(): void;
}

/**
 * What comes of something, for as long as somebody reads it. Each reader has a subscription of its own, from when it begins to read:
 *
 *     for await (const item of feed) ...        one at a time; `break` unsubscribes
 *     feed.subscribe((item) => ...)             as they come
 *     from(feed).pipe(...)                      an Observable of RxJS
 *
 * A loop that is slower than what comes holds it back: little waits in memory, and nothing is lost.
 */
export class Feed<T> implements AsyncIterable<T> {
  readonly #origin: Origin<T>;

  /** @internal */
  constructor(origin: Origin<T>) {
    this.#origin = origin;
    // RxJS looks for the well-known symbol where something has defined it, and else for the name.
    const { observable } = Symbol as { readonly observable?: symbol };
    if (observable !== undefined) Object.defineProperty(this, observable, { value: () => this });
  }

  /** Calls `next` with each, until what this returns is unsubscribed. An error nobody listens for is an uncaught one. */
  subscribe(observer: Observer<T> | ((item: T) => void)): Unsubscribable {
    const told = typeof observer === "function" ? { next: observer } : observer;
    let open = true;
    let opened: Opened | null = null;
    const end = (): void => {
      open = false;
      opened?.close();
    };
    opened = this.#origin.open({
      next: (item) => {
        if (open) guarded(() => told.next?.(item));
      },
      error: (error) => {
        if (!open) return;
        end();
        if (told.error === undefined) reportUncaught(error);
        else guarded(() => told.error?.(error));
      },
      complete: () => {
        if (!open) return;
        end();
        guarded(() => told.complete?.());
      },
    });
    // It may have ended while it was opened.
    if (!open) opened.close();
    return { unsubscribe: end };
  }

  /** For RxJS: `from(feed)`. */
  "@@observable"(): this {
    return this;
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new Reader(this.#origin);
  }
}

const DONE = { done: true, value: undefined } as const;

/** Reads a feed one item at a time. */
class Reader<T> implements AsyncIterator<T, undefined> {
  readonly #mailbox: Mailbox<T>;
  readonly #opened: Opened;
  #paused = false;
  #over = false;
  #error: Error | null = null;
  #waiting: {
    resolve(result: IteratorResult<T, undefined>): void;
    reject(error: Error): void;
  }[] = [];

  constructor(origin: Origin<T>) {
    this.#mailbox = origin.mailbox();
    let opened: Opened | null = null;
    opened = origin.open({
      next: (item, about, size) => {
        const reader = this.#over ? undefined : this.#waiting.shift();
        if (reader !== undefined) {
          reader.resolve({ done: false, value: item });
          return;
        }
        if (this.#over) return;
        this.#mailbox.put(item, about, size);
        if (this.#mailbox.full && !this.#paused) {
          this.#paused = true;
          opened?.pause();
        }
      },
      error: (error) => this.#finish(error),
      complete: () => this.#finish(null),
    });
    this.#opened = opened;
    if (this.#paused) opened.pause();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    if (!this.#mailbox.empty) {
      const value = this.#mailbox.take() as T;
      if (this.#paused && this.#mailbox.low && !this.#over) {
        this.#paused = false;
        this.#opened.resume();
      }
      return Promise.resolve({ done: false, value });
    }
    if (this.#over) {
      const error = this.#error;
      this.#error = null;
      return error === null ? Promise.resolve(DONE) : Promise.reject(error);
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** The loop was left: what waits is let go. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#finish(null);
    while (!this.#mailbox.empty) this.#mailbox.take();
    this.#error = null;
    return Promise.resolve(DONE);
  }

  /** Nothing more comes; what waits is read first. */
  #finish(error: Error | null): void {
    if (this.#over) return;
    this.#over = true;
    const [first, ...others] = this.#waiting;
    this.#waiting = [];
    if (first === undefined) this.#error = error;
    else if (error === null) first.resolve(DONE);
    else first.reject(error);
    for (const reader of others) reader.resolve(DONE);
    // Not from within its own opening.
    queueMicrotask(() => this.#opened.close());
  }
}
