const DAY = 86_400_000;
const WEEK = 7 * DAY;
const YEAR = 365.25 * DAY;
/** A cycle of more steps than this is not resolved by features: within a lifetime it is a trend. */
const MOST_STEPS = 1440;

/** Length of a calendar's features: the widest of the sets below. */
export const CALENDAR_FEATURES = 12;

/**
 * Where an event is in the cycles of the calendar, as harmonics sin and cos 2π k t / P: for steps below six hours the
 * day (k = 1..4) and the week (k = 1, 2), for steps below twenty days the week (k = 1) and the year (k = 1, 2), else the
 * year (k = 1..3). What is left of `out` [12] is 0; returns how many are filled. Known for every future step, so a linear readout per horizon can use it.
 */
export function calendarFeatures(out: Float64Array, time: number, stepMilliseconds: number): number {
  out.fill(0);
  if (stepMilliseconds < DAY / 4) {
    if (DAY / stepMilliseconds > MOST_STEPS) return 0;
    const next = harmonics(out, 0, time / DAY, 4);
    return harmonics(out, next, time / WEEK, 2);
  }
  if (stepMilliseconds < 20 * DAY) {
    const next = harmonics(out, 0, time / WEEK, 1);
    return harmonics(out, next, time / YEAR, 2);
  }
  return harmonics(out, 0, time / YEAR, 3);
}

/** Two seasons as they stand: lengths in steps (0 for none) and the steps of each that have passed. */
interface Seasons {
  period(which: 0 | 1): number;
  phase(which: 0 | 1): number;
  readonly trusted: boolean;
}

/**
 * The same for seasons that come from the series or were given: k = 1..4 of the first (1..3 of one that was found) and k = 1, 2 of
 * the second, as far as a season has so many. Returns how many are filled.
 */
export function seasonFeatures(out: Float64Array, season: Seasons): number {
  out.fill(0);
  const [p, q] = [season.period(0), season.period(1)];
  const first = harmonics(out, 0, season.phase(0) / p, Math.min(season.trusted ? 4 : 3, p >> 1));
  if (q === 0) return first;
  const second = harmonics(out, 8, season.phase(1) / q, Math.min(2, q >> 1));
  return first + second - 8;
}

/** Writes sin and cos 2π k `turns`, k = 1..`count`, to `out` from `at` on; returns where the next would go. */
export function harmonics(out: Float64Array, at: number, turns: number, count: number): number {
  const angle = 2 * Math.PI * (turns - Math.floor(turns));
  for (let k = 1; k <= count; k++) {
    out[at++] = Math.sin(k * angle);
    out[at++] = Math.cos(k * angle);
  }
  return at;
}

/** Season lengths in steps that the calendar suggests, the shorter first; [0, 0] where it suggests none. */
export function calendarPeriods(stepMilliseconds: number): readonly [number, number] {
  const perDay = DAY / stepMilliseconds;
  if (perDay >= 4 && perDay <= MOST_STEPS) {
    const day = Math.round(perDay);
    return [day, 7 * day];
  }
  if (perDay > 0.9 && perDay < 1.1) return [7, 0];
  if (perDay < 1 / 27 && perDay > 1 / 32) return [12, 0];
  return [0, 0];
}

/** Steps of a cycle of the calendar that have passed: the fraction of the cycle times its steps, rounded down. */
export function calendarPhase(time: number, period: number, stepMilliseconds: number): number {
  const cycle =
    period === 7 && stepMilliseconds > DAY / 2
      ? WEEK
      : DAY * Math.max(1, Math.round((period * stepMilliseconds) / DAY));
  // Epoch day 0 was a Thursday: any fixed start of the week will do. A hair forward, so that rounding cannot fall back.
  const turns = time / cycle + 1e-9;
  return Math.min(period - 1, Math.floor((turns - Math.floor(turns)) * period));
}
