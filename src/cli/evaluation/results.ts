import { itemAt } from "../../models/item-at.ts";
import type { Figures, Head, ModelResult, StepFigures } from "./figures.ts";
import type { Protocol } from "./protocol.ts";
import type { Tally } from "./scores.ts";

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
const skill = (mse: number, reference: number | null): number | null =>
  reference !== null && reference > 0 ? finite(1 - mse / reference) : null;

const figures = (tally: Tally): Figures => ({
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

/** Makes figures of what was gathered; `deviation` is what the errors of each target were divided by. */
export function summarise(
  model: string,
  { targets, horizon }: Pick<Head, "targets" | "horizon">,
  protocol: Protocol,
  deviation: readonly number[],
  seconds: number,
  rows: number,
  accounts: Pick<ModelResult, "refused" | "counts">,
): ModelResult {
  const { scores } = protocol;
  const steps = Array.from({ length: horizon }, (_, i) => i + 1);
  return {
    model,
    ...figures(scores.overall),
    windows: protocol.windows,
    labels: scores.overall.n,
    coverageQuarters: scores.quarters,
    seconds,
    rowsPerSecond: Math.round(rows / Math.max(seconds, 1e-3)),
    ...accounts,
    steps: steps.map((step) => stepFigures(step, scores.step(step))),
    targets: targets.map((target, d) => {
      const unit = itemAt(deviation, d);
      return {
        target,
        ...figures(scores.target(d)),
        deviation: unit,
        ownMae: finite(scores.target(d).mae * unit),
        steps: steps.map((step) => {
          const cell = scores.cell(step, d);
          return { ...stepFigures(step, cell), ownMae: finite(cell.mae * unit) };
        }),
      };
    }),
  };
}
