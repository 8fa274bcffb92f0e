import type { Forecast, ForecastDetail, Observed } from "../models/forecast.ts";
import type { Forecaster } from "../models/forecaster/forecaster.ts";

/** The last moment that a date can tell. */
const MAX_TIME = 8.64e15;

const iso = (time: number): string => new Date(Math.max(-MAX_TIME, Math.min(MAX_TIME, time))).toISOString();

const mean = (values: readonly (number | null)[]): number | null => {
  let sum = 0;
  let n = 0;
  for (const value of values) {
    if (value === null) continue;
    sum += value;
    n++;
  }
  return n > 0 ? sum / n : null;
};

/** Where and when a forecast was issued. */
export interface IssuedAt {
  readonly series: string;
  readonly time: number;
  readonly offset: number;
  /** Usual milliseconds between steps. */
  readonly stepMilliseconds: number;
  readonly detail: boolean;
  /** Per target: what is to be taken from its forecasts. */
  readonly added: Float64Array;
}

/** The forecast as it stands in the forecaster, in words: one object per target. */
export function wordForecasts(forecaster: Forecaster, at: IssuedAt): Forecast[] {
  const { targets, horizon, coverage, quantiles, model } = forecaster.specification;
  const D = targets.length;
  const issuedAt = iso(at.time);
  const times = Array.from({ length: horizon }, (_, i) => iso(at.time + (i + 1) * at.stepMilliseconds));
  const steps = Array.from({ length: horizon }, (_, i) => i + 1);
  return targets.flatMap((target, d) => {
    // Of a target without any reading so far there is nothing to say.
    if (!forecaster.knows(d)) return [];
    const skill = steps.map((h) => forecaster.skill(h, d));
    const held = steps.map((h) => forecaster.coverage(h, d));
    return {
      series: at.series,
      target,
      issuedAt,
      offset: at.offset,
      horizon: steps.map((step, i) => ({
        step,
        time: times[i],
        mean: forecaster.mean[i * D + d] - at.added[d],
        lower: forecaster.lower[i * D + d] - at.added[d],
        upper: forecaster.upper[i * D + d] - at.added[d],
        ...(quantiles.length > 0
          ? {
              quantiles: Object.fromEntries(
                quantiles.map((level, k) => [
                  String(level),
                  forecaster.quantiles[k][i * D + d] - at.added[d],
                ]),
              ),
            }
          : {}),
      })),
      level: coverage,
      coverage: mean(held),
      skill: mean(skill),
      model,
      observed: observed(forecaster, d, at.added[d]),
      ...(at.detail ? { detail: detail(forecaster, d, skill, held) } : {}),
    };
  });
}

function observed(forecaster: Forecaster, d: number, added: number): Observed {
  const [value, surprise, taken] = [forecaster.observed[d], forecaster.surprise[d], forecaster.taken[d]];
  return {
    value: Number.isNaN(value) ? null : value - added,
    surprise: Number.isNaN(surprise) ? null : surprise,
    taken: Number.isNaN(taken) ? null : taken === 1,
  };
}

function detail(
  forecaster: Forecaster,
  d: number,
  persistence: readonly (number | null)[],
  coverage: readonly (number | null)[],
): ForecastDetail {
  const { horizon } = forecaster.specification;
  const weights = new Float64Array(forecaster.experts.length);
  for (let h = 1; h <= horizon; h++) {
    const w = forecaster.weights(h, d);
    for (let e = 0; e < weights.length; e++) weights[e] += w[e] / horizon;
  }
  return {
    skill: {
      persistence,
      seasonalNaive: persistence.map((_, i) => forecaster.skill(i + 1, d, "seasonal")),
    },
    coverage,
    weights: Object.fromEntries(forecaster.experts.map((name, e) => [name, weights[e]])),
  };
}
