import { itemAt } from "../../models/item-at.ts";
import type { Benchmark } from "./benchmark.ts";
import type { Figures, Head, ModelResult, StepFigures } from "./figures.ts";
import type { Scores, Tally } from "./scores.ts";

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const skill = (mse: number, reference: number | null): number | null =>
  reference !== null && reference > 0 ? finite(1 - mse / reference) : null;

/** The figures of a tally; null where nothing was scored. */
export const figures = (tally: Tally): Figures => ({
  mse: finite(tally.mse),
  mae: finite(tally.mae),
  skill: skill(tally.mse, tally.persistence),
  skillSeasonal: skill(tally.mse, tally.seasonalNaive),
  coverage: finite(tally.coverage),
  intervalScore: finite(tally.intervalScore),
  ...(tally.quantiles.length > 0
    ? {
        quantiles: tally.quantiles.map(({ level, below, pinball }) => ({
          level,
          below: finite(below),
          pinball: finite(pinball),
        })),
      }
    : {}),
});

const stepFigures = (step: number, tally: Tally): StepFigures => ({
  step,
  ...figures(tally),
  msePersistence: finite(tally.persistence),
  mseSeasonalNaive: tally.seasonalNaive,
});

/** Makes figures of what was gathered; `deviation` is what the errors of each target were divided by, null where series differ. */
export function summarise(
  model: string,
  { targets, horizon }: Pick<Head, "targets" | "horizon">,
  { scores, benchmark, windows }: { scores: Scores; benchmark: Benchmark; windows: number },
  deviation: readonly number[] | null,
  seconds: number,
  rows: number,
  accounts: Pick<ModelResult, "refused" | "counts">,
): ModelResult {
  const steps = Array.from({ length: horizon }, (_, i) => i + 1);
  const { overall } = scores;
  return {
    model,
    ...figures(overall),
    benchmark: benchmark.figures,
    windows,
    labels: overall.n,
    coverageQuarters: scores.quarters,
    seconds,
    rowsPerSecond: Math.round(rows / Math.max(seconds, 1e-3)),
    ...accounts,
    steps: steps.map((step) => stepFigures(step, scores.step(step))),
    targets: targets.map((target, d) => {
      const unit = deviation === null ? null : itemAt(deviation, d);
      const own = (mae: number) => (unit === null ? null : finite(mae * unit));
      const tally = scores.target(d);
      return {
        target,
        ...figures(tally),
        deviation: unit,
        ownMae: own(tally.mae),
        steps: steps.map((step) => {
          const cell = scores.cell(step, d);
          return { ...stepFigures(step, cell), ownMae: own(cell.mae) };
        }),
      };
    }),
  };
}
