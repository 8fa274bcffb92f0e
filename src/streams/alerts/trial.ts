import { itemAt } from "../../models/item-at.ts";
import { milliseconds } from "../checked.ts";
import { type Condition, type Look, type Verdict, verdictOf } from "./condition.ts";
import { type AlertState, nextState } from "./life.ts";

const WEEK = 7 * 86_400_000;
/** Readings that a straight line is laid through at most, and at least. */
const MOST_ON_LINE = 512;
const LEAST_ON_LINE = 3;

/** How the warnings of one way to be warned compare with what came. */
export interface WarningFigures {
  /** Times at which readings left the range, having been within it for as long as is warned ahead. */
  readonly crossings: number;
  /** Those of which there was a warning before. */
  readonly foretold: number;
  /** Milliseconds by which these were foretold, in ascending order; not more than is warned ahead. */
  readonly leads: readonly number[];
  readonly firings: number;
  /** Firings after which no reading was outside for as long as is warned ahead. */
  readonly falseAlarms: number;
  /** Weeks that the readings span. */
  readonly weeks: number;
}

/** Compares warnings with what came, reading after reading. */
class WarningRecord {
  readonly #ahead: number;
  #first = Number.NaN;
  #last = Number.NaN;
  /** When a reading was outside last. */
  #outside = Number.NaN;
  #since = Number.NaN;
  #crossings = 0;
  #firings = 0;
  #falseAlarms = 0;
  readonly #leads: number[] = [];
  /** Firings that nothing has followed yet. */
  #waiting: number[] = [];

  /** `ahead`: milliseconds from a warning to what it warns of at most. */
  constructor(ahead: number) {
    this.#ahead = ahead;
  }

  /** Takes a reading: its time, whether it is outside, and what it led to. */
  take(time: number, outside: boolean, change: "firing" | "resolved" | undefined): void {
    if (Number.isNaN(this.#first)) this.#first = time;
    this.#last = time;
    // A reading is compared with the warnings before it: one that comes with it is none.
    if (outside) {
      const quiet = time - (Number.isNaN(this.#outside) ? this.#first : this.#outside);
      if (quiet > this.#ahead) {
        this.#crossings++;
        if (!Number.isNaN(this.#since)) this.#leads.push(Math.min(time - this.#since, this.#ahead));
      }
      this.#outside = time;
      this.#waiting = this.#waiting.filter((since) => time - since > this.#ahead);
    }
    this.#waiting = this.#waiting.filter((since) => {
      if (time - since <= this.#ahead) return true;
      this.#falseAlarms++;
      return false;
    });
    if (change === "resolved") this.#since = Number.NaN;
    if (change !== "firing") return;
    this.#firings++;
    this.#since = time;
    if (!outside) this.#waiting.push(time);
  }

  get figures(): WarningFigures {
    return {
      crossings: this.#crossings,
      foretold: this.#leads.length,
      leads: [...this.#leads].sort((a, b) => a - b),
      firings: this.#firings,
      falseAlarms: this.#falseAlarms,
      weeks: Number.isNaN(this.#first) ? 0 : (this.#last - this.#first) / WEEK,
    };
  }
}

/**
 * The straight line through the last readings by least squares, and where it is so many milliseconds on: what Prometheus calls
 * `predict_linear`.
 */
class LineAhead {
  readonly #times: number[] = [];
  readonly #values: number[] = [];

  /** Takes a reading; where the line through those of the last `over` milliseconds is `ahead` on, NaN while there are too few. */
  take(time: number, value: number, over: number, ahead: number): number {
    this.#times.push(time);
    this.#values.push(value);
    while (this.#times.length > MOST_ON_LINE || time - itemAt(this.#times, 0) > over) {
      this.#times.shift();
      this.#values.shift();
    }
    const n = this.#times.length;
    if (n < LEAST_ON_LINE) return Number.NaN;
    let [meanTime, meanValue, spread, product] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const [dt, dv] = [itemAt(this.#times, i) - time - meanTime, itemAt(this.#values, i) - meanValue];
      meanTime += dt / (i + 1);
      meanValue += dv / (i + 1);
      spread += dt * (itemAt(this.#times, i) - time - meanTime);
      product += dt * (itemAt(this.#values, i) - meanValue);
    }
    return spread > 0 ? meanValue + (product / spread) * (ahead - meanTime) : meanValue;
  }
}

/** The ways to be warned that are compared. */
export const WAYS = ["rule", "reading", "line"] as const;
export type Way = (typeof WAYS)[number];

/**
 * What a rule would have led to for one target, beside two ways to be warned that need no models, with the same limit, the same hold
 * and the same clear: the reading itself beyond the limit, and the straight line through the last readings as far ahead as the rule
 * looks. Of a rule without a limit there is the rule alone.
 */
export class Trial {
  readonly #condition: Condition;
  readonly #states = new Map<Way, AlertState | undefined>();
  readonly #records = new Map<Way, WarningRecord>();
  readonly #line = new LineAhead();
  /** What the rule said last. */
  verdict: Verdict | undefined;

  constructor(condition: Condition) {
    this.#condition = condition;
  }

  /** Takes a reading; tells what the rule came to by it. */
  take(look: Look): "firing" | "resolved" | undefined {
    const condition = this.#condition;
    if (Number.isNaN(look.value)) return undefined;
    const { low, high } = condition.kind === "skill" ? { low: -Infinity, high: Infinity } : condition.range;
    const isOutside = (value: number): boolean => value < low || value > high;
    const outside = isOutside(look.value);
    const ahead = aheadOf(condition, look.step);
    this.verdict = verdictOf(condition, look);
    const change = this.#turn("rule", this.verdict, look, outside, ahead);
    if (condition.limit === null || condition.kind === "skill") return change;
    const plain = (value: number): Pick<Verdict, "holds" | "clears"> => ({
      holds: Number.isNaN(value) ? undefined : isOutside(value),
      clears: !isOutside(value),
    });
    this.#turn("reading", plain(look.value), look, outside, ahead);
    if (condition.kind === "reading") return change;
    const line = this.#line.take(look.time, look.value, ahead, ahead);
    this.#turn("line", plain(line), look, outside, ahead);
    return change;
  }

  /** How each way has done. */
  get figures(): ReadonlyMap<Way, WarningFigures> {
    return new Map([...this.#records].map(([way, record]) => [way, record.figures]));
  }

  #turn(
    way: Way,
    verdict: Pick<Verdict, "holds" | "clears">,
    look: Look,
    outside: boolean,
    ahead: number,
  ): "firing" | "resolved" | undefined {
    const { state, change } = nextState(this.#condition, this.#states.get(way), verdict, look);
    this.#states.set(way, state);
    let record = this.#records.get(way);
    if (record === undefined) {
      record = new WarningRecord(ahead);
      this.#records.set(way, record);
    }
    record.take(look.time, outside, change);
    return change;
  }
}

/** Milliseconds that a condition looks ahead: none for one of what is. */
function aheadOf({ kind, within }: Condition, step: number): number {
  if (kind !== "forecast" && kind !== "reaches") return 0;
  return typeof within === "number" ? within * step : milliseconds(within);
}
