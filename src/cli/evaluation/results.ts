import type { Protocol } from "./protocol.ts";
import type { Tally } from "./scores.ts";

export interface Figures {
  readonly mse: number | null;
  readonly mae: number | null;
  /** 1 - mse / mse of persistence. */
  readonly skill: number | null;
  /** 1 - mse / mse of seasonal naive. */
  readonly skillSeasonal: number | null;
  readonly coverage: number | null;
  readonly intervalScore: number | null;
}

export interface ModelResult extends Figures {
  readonly model: string;
  readonly windows: number;
  readonly labels: number;
  /** Coverage in each quarter of the scored rows. */
  readonly coverageQuarters: readonly (number | null)[];
  readonly seconds: number;
  readonly rowsPerSecond: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly steps: readonly (Figures & { step: number })[];
  readonly targets: readonly (Figures & {
    target: string;
    steps: readonly { step: number; mse: number | null; mae: number | null; coverage: number | null }[];
  })[];
}

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
});

/** Makes figures of what was gathered. */
export function summarise(
  model: string,
  { targets, horizon }: Pick<Head, "targets" | "horizon">,
  protocol: Protocol,
  seconds: number,
  rows: number,
  refused: Readonly<Record<string, number>>,
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
    rowsPerSecond: rows / seconds,
    refused,
    steps: steps.map((step) => ({ step, ...figures(scores.step(step)) })),
    targets: targets.map((target, d) => ({
      target,
      ...figures(scores.target(d)),
      steps: steps.map((step) => {
        const { mse, mae, coverage } = figures(scores.cell(step, d));
        return { step, mse, mae, coverage };
      }),
    })),
  };
}

export interface Head {
  readonly file: string;
  readonly rows: number;
  readonly train: number;
  readonly test: readonly number[];
  readonly horizon: number;
  readonly targets: readonly string[];
  readonly inputs: readonly string[];
  readonly season: number | null;
  readonly coverageAsked: number;
}

const digits = (value: number | null, places: number): string =>
  value === null ? "-" : value.toFixed(places);
const percent = (value: number | null): string => (value === null ? "-" : `${(100 * value).toFixed(1)}%`);

/** The result as a person reads it. */
export function printTable(head: Head, results: readonly ModelResult[]): string {
  const heading = [
    "model",
    "mse",
    "mae",
    "skill",
    "vs seasonal",
    "coverage",
    "by quarter",
    "interval",
    "seconds",
    "rows/s",
  ];
  const rows = results.map((r) => [
    r.model,
    digits(r.mse, 4),
    digits(r.mae, 4),
    digits(r.skill, 3),
    digits(r.skillSeasonal, 3),
    percent(r.coverage),
    r.coverageQuarters.map((q) => (q === null ? "-" : (100 * q).toFixed(1))).join(" "),
    digits(r.intervalScore, 3),
    r.seconds.toFixed(1),
    r.rowsPerSecond.toFixed(0),
  ]);
  const widths = heading.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join("  ");
  const refused = results[0].refused;
  const reasons = Object.entries(refused).map(([reason, n]) => `${n} ${reason}`);
  return [
    `${head.file}: ${head.rows} rows, scaled by the first ${head.train}, scored ${head.test.join(":")}; horizon ${head.horizon}; ` +
      `targets ${head.targets.join(", ")}${head.inputs.length > 0 ? `; with ${head.inputs.join(", ")}` : ""}` +
      `; season ${head.season ?? "unknown"}`,
    ...(reasons.length > 0 ? [`set aside: ${reasons.join(", ")}`] : []),
    "",
    line(heading),
    ...rows.map(line),
    "",
  ].join("\n");
}
