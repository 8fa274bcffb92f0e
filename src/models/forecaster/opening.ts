import type { Layout, Slice } from "../kernels/layout.ts";

/** Events that are looked back on. */
const EVENTS = 10;
/** Most readings at the start that may be found misleading. */
const MOST = 4;
/** Of two readings the first is misleading when it is this many times further off than the second is large. */
const FURTHER = 50;
/** Of more, those that lie this many times further from all others than those from each other; … */
const APART = 8;
/** … and the last one, of which nothing is known yet, this many times. */
const LAST_APART = 20;

/**
 * The first events of a series, kept to look back on: a sensor often begins with something else than a reading (an error code, a
 * zero, another unit), and one such value would be half of all that is known. As long as readings are few, those that lie far
 * from all others are misleading: the first ones, or a single one later. When they are found, or turn out to be right after
 * all, the series begins anew, with what was misleading taken as missing.
 */
export class Opening {
  readonly #columns: number;
  /** Events kept, whether the series has begun anew. */
  readonly #counts: Slice<Float64Array>;
  /** Per event its time and values [1 + C]. */
  readonly #events: Slice<Float64Array>;
  /** Per event and column: 1 when the value misleads. */
  readonly #misleading: Slice<Float64Array>;
  readonly #now: Float64Array;

  constructor(layout: Layout, columns: number) {
    this.#columns = columns;
    this.#counts = layout.float64("opening.counts", 2);
    this.#events = layout.float64("opening.events", EVENTS * (1 + columns));
    this.#misleading = layout.float64("opening.misleading", EVENTS * columns);
    this.#now = new Float64Array(EVENTS * columns);
  }

  /** Whether events are still kept. */
  get open(): boolean {
    return this.#counts.view[0] < EVENTS;
  }

  /** Whether the series has begun anew. */
  get restarted(): boolean {
    return this.#counts.view[1] > 0;
  }

  /** Keeps an event. Returns whether other values mislead now than before it. */
  add(time: number, values: Float64Array): boolean {
    const n = this.#counts.view[0]++;
    const at = n * (1 + this.#columns);
    this.#events.view[at] = time;
    this.#events.view.set(values, at + 1);
    this.#now.fill(0);
    for (let c = 0; c < this.#columns; c++) this.#find(c);
    return this.#now.some((misleads, i) => misleads !== this.#misleading.view[i]);
  }

  /** Whether the value of column c misleads in the event kept last. */
  misleads(c: number): boolean {
    return this.#misleading.view[(this.#counts.view[0] - 1) * this.#columns + c] === 1;
  }

  /** How many values of column c mislead. */
  count(c: number): number {
    let count = 0;
    for (let i = 0; i < EVENTS; i++) count += this.#misleading.view[i * this.#columns + c];
    return count;
  }

  /** The series begins anew: what is kept, to be put back by `restart`. */
  keep(): Float64Array[] {
    return [this.#events.view.slice(), this.#now.slice(), Float64Array.of(this.#counts.view[0])];
  }

  /** Puts back what was kept; the events to go through again follow: time, then values, NaN where they mislead. */
  restart([events, misleading, [count]]: Float64Array[]): Float64Array[] {
    this.#events.view.set(events);
    this.#misleading.view.set(misleading);
    this.#counts.view[0] = count;
    this.#counts.view[1] = 1;
    const size = 1 + this.#columns;
    return Array.from({ length: count }, (_, i) => {
      const event = events.slice(i * size, (i + 1) * size);
      for (let c = 0; c < this.#columns; c++) {
        if (misleading[i * this.#columns + c] === 1) event[1 + c] = Number.NaN;
      }
      return event;
    });
  }

  /** Finds the values of column c that mislead. */
  #find(c: number): void {
    const kept = Array.from({ length: this.#counts.view[0] }, (_, i) => i).filter(
      (i) => !Number.isNaN(this.#value(i, c)),
    );
    const v = kept.map((i) => this.#value(i, c));
    const n = v.length;
    const note = (k: number): void => {
      this.#now[kept[k] * this.#columns + c] = 1;
    };
    if (n === 2 && v[1] !== 0 && Math.abs(v[0] - v[1]) > FURTHER * Math.abs(v[1])) note(0);
    if (n < 3) return;
    for (let first = 1; first <= MOST && n - first >= Math.min(3, first + 1); first++) {
      if (!v.slice(0, first).every((one) => apart(one, v.slice(first)) > APART)) continue;
      for (let k = 0; k < first; k++) note(k);
      return;
    }
    for (let k = 1; k < n && n > 3; k++) {
      const others = v.filter((_, i) => i !== k);
      if (apart(v[k], others) > (k === n - 1 ? LAST_APART : APART)) note(k);
    }
  }

  #value(i: number, c: number): number {
    return this.#events.view[i * (1 + this.#columns) + 1 + c];
  }
}

/** How far a value lies from others, by the range of these; 0 where they are all the same. */
function apart(v: number, others: readonly number[]): number {
  const [low, high] = [Math.min(...others), Math.max(...others)];
  return high > low ? Math.max(low - v, v - high) / (high - low) : 0;
}
