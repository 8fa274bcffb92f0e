import type { Layout, Slice } from "../kernels/layout.ts";

/** Recent intervals between events, whose median is the step of the series. */
const RECENT = 16;
/** A series is regular when at least this share of the recent intervals, … */
const REGULAR_SHARE = 0.75;
/** … at least so many, … */
const REGULAR_INTERVALS = 6;
/** … lie within this share of the usual one. */
const REGULAR_WITHIN = 0.1;

const EVENTS = 0;
const TIME = 1;
const INTERVALS = 2;
const FIRST_INTERVAL = 3;

/** Counts events, with those that are made up where readings are absent, and knows the usual interval between readings. */
export class EventClock {
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
    const n = Math.min(RECENT, this.#state.view[INTERVALS]);
    if (n < 1) return 1000;
    const sorted = this.#sorted.subarray(0, n);
    sorted.set(this.#state.view.subarray(FIRST_INTERVAL, FIRST_INTERVAL + n));
    sorted.sort();
    return sorted[n >> 1] || 1000;
  }

  /** Whether the events have come at even intervals of late, so that a longer one is a gap and not the way of the series. */
  get regular(): boolean {
    const n = Math.min(RECENT, this.#state.view[INTERVALS]);
    if (n < REGULAR_INTERVALS) return false;
    const usual = this.stepMilliseconds;
    let even = 0;
    for (let i = 0; i < n; i++) {
      if (Math.abs(this.#state.view[FIRST_INTERVAL + i] - usual) <= REGULAR_WITHIN * usual) even++;
    }
    return even >= REGULAR_SHARE * n;
  }

  /** Takes the time of an event, not before the last; `interval` is that since the last reading, none for an event made up. */
  tick(time: number, interval?: number): void {
    const state = this.#state.view;
    const n = state[EVENTS];
    const usual = this.stepMilliseconds;
    const since = time - state[TIME];
    if (n > 0 && interval !== undefined) {
      state[FIRST_INTERVAL + (state[INTERVALS] % RECENT)] = interval;
      state[INTERVALS]++;
    }
    this.dt = n > 1 ? Math.min(1000, Math.max(1e-3, since / usual)) : 1;
    state[EVENTS] = n + 1;
    state[TIME] = time;
  }
}
