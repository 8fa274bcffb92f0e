import type { AlertRule } from "../../src/streams/alerts/rule.ts";
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

/** A rule of each kind; by `QUIET` it is chance what is told. */
export const QUIET = "quiet";
export const RULES: readonly AlertRule[] = [
  { name: "high", series: "*", target: "value", when: { reading: "above", limit: 0.8 }, to: ["ops"] },
  {
    name: "slow",
    series: "*",
    when: { reading: "outside", limit: [-0.7, 0.7] },
    hold: 3,
    clear: { limit: [-0.6, 0.6], hold: "4s" },
  },
  {
    name: "soon",
    series: "*",
    target: "v*",
    when: { forecast: "above", limit: 0.7, within: 2, probability: 0.5 },
  },
  {
    name: "date",
    series: "*",
    when: { reaches: "below", limit: -0.8, within: "3s" },
    hold: 1,
    clear: { hold: 1 },
  },
  { name: "odd", series: "*", when: { surprise: 0.05 }, clear: { hold: 1 } },
  { name: "skill", series: "*", when: { skill: 0.3 }, hold: 5, clear: { hold: 2 } },
  { name: QUIET, series: "*", when: { silent: "400ms" } },
];

/** The n-th observation of a series: a wave with gaps, a second column, and now and then one that comes late. */
export function observation(series: string, n: number): Record<string, unknown> {
  const time = 1_700_000_000_000 + 1000 * (n % 17 === 16 ? n - 3 : n) + (n % 17 === 16 ? 500 : 0);
  const value = n % 23 === 7 ? null : Math.sin(n / 5) + 0.1 * Math.sin(n * 1.7);
  return { id: `${series}-${n}`, series, time, values: { value, other: Math.cos(n / 9) } };
}
