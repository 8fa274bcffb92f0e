import type { Forecaster } from "../models/forecaster/forecaster.ts";
import type { Issue, IssueDetail, TargetIssue } from "../models/issue.ts";
import { itemAt } from "../models/item-at.ts";

/** Where and when an issue is made. */
export interface IssuedAt {
  readonly series: string;
  /** Epoch milliseconds. */
  readonly time: number;
  readonly offset: number;
  /** Usual milliseconds between steps. */
  readonly step: number;
  readonly detail: boolean;
  /** Per target: what is to be taken from its forecasts. */
  readonly added: Float64Array;
}

/** The forecast as it stands in the forecaster; nothing while it is not ready, or knows no reading of any target. */
export function issueOf(forecaster: Forecaster, at: IssuedAt): Issue | undefined {
  if (!forecaster.ready) return undefined;
  const { targets: names, horizon, coverage: level, quantiles, model } = forecaster.specification;
  const targets: TargetIssue[] = [];
  // Of a target without any reading so far there is nothing to say.
  for (let d = 0; d < names.length; d++) if (forecaster.knows(d)) targets.push(targetOf(forecaster, d, at));
  if (targets.length === 0) return undefined;
  return {
    series: at.series,
    time: at.time,
    step: at.step,
    offset: at.offset,
    level,
    model,
    horizon,
    quantileLevels: quantiles,
    experts: at.detail ? forecaster.experts : [],
    targets,
  };
}

function targetOf(forecaster: Forecaster, d: number, { added, detail }: IssuedAt): TargetIssue {
  const { targets, horizon: H } = forecaster.specification;
  const D = targets.length;
  const less = itemAt(added, d);
  const column = (rows: Float64Array): Float64Array => {
    const told = new Float64Array(H);
    for (let i = 0; i < H; i++) told[i] = itemAt(rows, i * D + d) - less;
    return told;
  };
  const skill = steps(H, (h) => forecaster.skill(h, d));
  const coverage = steps(H, (h) => forecaster.coverage(h, d));
  return {
    name: itemAt(targets, d),
    coverage: meanOfKnown(coverage),
    skill: meanOfKnown(skill),
    observed: itemAt(forecaster.observed, d) - less,
    surprise: itemAt(forecaster.surprise, d),
    taken: itemAt(forecaster.taken, d),
    mean: column(forecaster.mean),
    lower: column(forecaster.lower),
    upper: column(forecaster.upper),
    quantiles: forecaster.quantiles.map(column),
    ...(detail ? { detail: detailOf(forecaster, d, skill, coverage) } : {}),
  };
}

function detailOf(
  forecaster: Forecaster,
  d: number,
  persistence: Float64Array,
  coverage: Float64Array,
): IssueDetail {
  const { horizon: H } = forecaster.specification;
  let weights = new Float64Array(forecaster.experts.length);
  for (let h = 1; h <= H; h++) {
    const w = forecaster.weights(h, d);
    weights = weights.map((sum, e) => sum + itemAt(w, e) / H);
  }
  return {
    persistence,
    seasonalNaive: steps(H, (h) => forecaster.skill(h, d, "seasonal")),
    coverage,
    weights,
  };
}

function steps(H: number, of: (h: number) => number | null): Float64Array {
  const values = new Float64Array(H);
  for (let h = 1; h <= H; h++) values[h - 1] = of(h) ?? Number.NaN;
  return values;
}

function meanOfKnown(values: Float64Array): number {
  let sum = 0;
  let n = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    n++;
  }
  return n > 0 ? sum / n : Number.NaN;
}
