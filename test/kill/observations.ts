import type { SeriesOptions } from "../../src/streams/series.ts";

const MODELS: Readonly<Record<string, SeriesOptions>> = {
  auto: { model: "auto", horizon: 3 },
  echo: { model: "esn", horizon: 2 },
  lstm: { model: "lstm", horizon: 2 },
  late: { model: "auto", horizon: 2, lateness: 4000 },
  plain: { model: "persistence", horizon: 1 },
};

/** The series of the kill test. */
export const SERIES = Object.keys(MODELS);

export const seriesOptions = (series: string): SeriesOptions => MODELS[series];

/** The n-th observation of a series: a wave with gaps, a second column, and now and then one that comes late. */
export function observation(series: string, n: number): Record<string, unknown> {
  const time = 1_700_000_000_000 + 1000 * (n % 17 === 16 ? n - 3 : n) + (n % 17 === 16 ? 500 : 0);
  const value = n % 23 === 7 ? null : Math.sin(n / 5) + 0.1 * Math.sin(n * 1.7);
  return { id: `${series}-${n}`, series, time, values: { value, other: Math.cos(n / 9) } };
}
