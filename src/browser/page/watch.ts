/** What an answer was. */
export interface Looked {
  /** It told something that was not known. */
  readonly fresh: boolean;
  /** Milliseconds until the next question at least: answers that cost much are asked for more rarely. */
  readonly rest?: number;
  /** There is nothing that readings could change: what stirs is not heard. */
  readonly nothing?: boolean;
}

/** Milliseconds between two questions: while the answers tell something new, and when they have not for long. */
export interface Pace {
  readonly soonest: number;
  readonly latest: number;
}

/**
 * Asks the server again and again: at its pace while the answers tell something new, ever more rarely while they do not, and not at all
 * while nobody sees the page. What may have changed the answer stirs it.
 */
export class Watch {
  readonly #ask: (signal: AbortSignal) => Promise<Looked>;
  readonly #pace: Pace;
  #pause: number;
  #rest = 0;
  #nothing = false;
  #askedAt = Number.NEGATIVE_INFINITY;
  #timer = 0;
  #asking: AbortController | null = null;
  #stirred = false;
  #running = false;
  readonly #seen = (): void => {
    if (this.#running && !document.hidden) this.now();
  };

  constructor(ask: (signal: AbortSignal) => Promise<Looked>, pace: Pace) {
    this.#ask = ask;
    this.#pace = pace;
    this.#pause = pace.soonest;
    document.addEventListener("visibilitychange", this.#seen);
  }

  /** Asks now, and goes on asking. A question that is under way is given up: it may wait on a connection that is no more. */
  now(): void {
    this.#running = true;
    this.#nothing = false;
    this.#pause = this.#pace.soonest;
    void this.#look();
  }

  /** Something happened that the answer may tell of: asks as soon as the pace allows. */
  stir(): void {
    if (this.#nothing) return;
    this.#pause = this.#pace.soonest;
    if (this.#asking !== null) this.#stirred = true;
    else if (this.#running) this.#arm();
  }

  stop(): void {
    this.#running = false;
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
    if (document.hidden) return;
    const asking = new AbortController();
    this.#asking = asking;
    this.#stirred = false;
    this.#askedAt = performance.now();
    let fresh = false;
    try {
      const looked = await this.#ask(asking.signal);
      fresh = looked.fresh;
      this.#rest = looked.rest ?? 0;
      this.#nothing = looked.nothing ?? false;
    } catch {
      // The connection tells when the server cannot be reached.
    }
    if (asking !== this.#asking) return;
    this.#asking = null;
    this.#pause = fresh || this.#stirred ? this.#pace.soonest : Math.min(this.#pace.latest, 2 * this.#pause);
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const wait = this.#askedAt + Math.max(this.#pause, this.#rest) - performance.now();
    this.#timer = setTimeout(() => void this.#look(), Math.max(0, wait));
  }
}
