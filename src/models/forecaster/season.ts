import type { Layout, Slice } from "../kernels/layout.ts";
import { calendarPeriods, calendarPhase } from "./calendar.ts";
import type { PeriodFinder } from "./period-finder.ts";

/** Events after which the usual step is trusted where the first intervals differ. */
const PATIENCE = 16;

const DECIDED = 0;
/** 1 when the season runs with the calendar, 0 when it is counted in steps. */
const BY_CALENDAR = 1;
const FIRST = 2;
const SECOND = 4;
const PERIOD = 0;
const PHASE = 1;

/**
 * Up to two season lengths and where the series is in them. Given ones are counted in steps; else the calendar suggests
 * them from the usual step (a day and a week, a week of days, a year of months); else the first is found online.
 */
export class Season {
  readonly #given: readonly number[];
  readonly #state: Slice<Float64Array>;

  constructor(layout: Layout, given: readonly number[]) {
    this.#given = given;
    this.#state = layout.float64("season", 6);
  }

  /** First (k = 0) or second (k = 1) season length in steps; 0 for none. */
  period(k: 0 | 1): number {
    return this.#state.view[(k === 0 ? FIRST : SECOND) + PERIOD];
  }

  /** Steps of the season that have passed at the event `ahead` steps from now. */
  phase(k: 0 | 1, ahead = 0): number {
    const at = k === 0 ? FIRST : SECOND;
    const period = this.#state.view[at + PERIOD];
    return period === 0 ? 0 : (((this.#state.view[at + PHASE] + ahead) % period) + period) % period;
  }

  /** Whether the season is one of the calendar's: its harmonics then come from the time itself. */
  get byCalendar(): boolean {
    return this.#state.view[BY_CALENDAR] === 1;
  }

  /**
   * Whether the season is given or the calendar's. One that was found may be a wave of no whole number of steps: experts
   * may try it, but what others learn is not freed from it.
   */
  get trusted(): boolean {
    return this.#state.view[DECIDED] === 1 && (this.#given.length > 0 || this.byCalendar);
  }

  /** Whether the seasons are those that are found in the series, now or later. */
  get found(): boolean {
    return this.#given.length === 0 && !this.byCalendar;
  }

  /** Takes an event: `steps` whole steps after the one before. Returns whether a season length has just been set. */
  advance(
    events: number,
    time: number,
    stepMilliseconds: number,
    steps: number,
    finder: PeriodFinder,
  ): boolean {
    const state = this.#state.view;
    let changed = false;
    if (state[DECIDED] === 0) changed = this.#decide(events, stepMilliseconds);
    if (this.found && state[FIRST + PERIOD] !== finder.found) {
      state[FIRST + PERIOD] = finder.found;
      state[SECOND + PERIOD] = 0;
      changed = true;
    }
    if (this.found && state[SECOND + PERIOD] !== finder.second) {
      state[SECOND + PERIOD] = finder.second;
      state[SECOND + PHASE] = state[FIRST + PHASE];
      changed = true;
    }
    for (const at of [FIRST, SECOND]) {
      const period = state[at + PERIOD];
      if (period === 0) continue;
      // A year of months is counted: months differ in length.
      if (state[BY_CALENDAR] === 1 && period !== 12)
        state[at + PHASE] = calendarPhase(time, period, stepMilliseconds);
      else state[at + PHASE] = (state[at + PHASE] + steps) % period;
    }
    return changed;
  }

  #decide(events: number, stepMilliseconds: number): boolean {
    const state = this.#state.view;
    if (this.#given.length > 0) {
      state[DECIDED] = 1;
      state[FIRST + PERIOD] = this.#given[0];
      state[SECOND + PERIOD] = this.#given[1] ?? 0;
      return true;
    }
    if (events < PATIENCE && !(events === 3)) return false;
    const [first, second] = calendarPeriods(stepMilliseconds);
    if (events < PATIENCE && first === 0) return false;
    state[DECIDED] = 1;
    state[BY_CALENDAR] = first > 0 ? 1 : 0;
    state[FIRST + PERIOD] = first;
    state[SECOND + PERIOD] = second;
    return first > 0;
  }
}
