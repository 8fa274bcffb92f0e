import type { Layout, Slice } from "../kernels/layout.ts";

/** Recent intervals between events, whose median is the step of the series. */
const RECENT = 16;
const EVENTS = 0;
const TIME = 1;
const FIRST_INTERVAL = 2;

/** Counts events and knows the usual interval between them. */
export class Clock {
  readonly #state: Slice<Float64Array>;
  readonly #sorted = new Float64Array(RECENT);
  /** Steps since the previous event in units of the usual interval, 1 for a regular series. */
  dt = 1;

  constructor(layout: Layout) {
    this.#state = layout.float64("clock", FIRST_INTERVAL + RECENT);
  }

  /** Events taken so far. */
  get events(): number {
    return this.#state.view[EVENTS];
  }

  /** Time of the last event, epoch milliseconds. */
  get time(): number {
    return this.#state.view[TIME];
  }

  /** Usual milliseconds between events: the median of the last intervals, 1,000 before there is one. */
  get stepMilliseconds(): number {
    const n = Math.min(RECENT, this.events - 1);
    if (n < 1) return 1000;
    const sorted = this.#sorted.subarray(0, n);
    sorted.set(this.#state.view.subarray(FIRST_INTERVAL, FIRST_INTERVAL + n));
    sorted.sort();
    return sorted[n >> 1] || 1000;
  }

  /** Takes the time of an event, not before the last. */
  tick(time: number): void {
    const state = this.#state.view;
    const n = state[EVENTS];
    const usual = this.stepMilliseconds;
    const interval = time - state[TIME];
    if (n > 0) state[FIRST_INTERVAL + ((n - 1) % RECENT)] = interval;
    this.dt = n > 1 ? Math.min(1000, Math.max(1e-3, interval / usual)) : 1;
    state[EVENTS] = n + 1;
    state[TIME] = time;
  }
}
