import { type Chart, type ChartLine, chartColor, escapeMarkup, svgChart } from "./svg-chart.ts";

/** What `eddy evaluate` measured of one model. */
export interface EvaluatedModel {
  readonly model: string;
  readonly mse: number;
  readonly mae: number;
  readonly skill: number | null;
  readonly skillSeasonal: number | null;
  readonly coverage: number | null;
  readonly intervalScore: number | null;
  readonly rowsPerSecond: number;
  /** Scaled squared error per step, step 1 first. */
  readonly msePerStep: readonly number[];
  /** Share of labels held, over consecutive stretches of the scored rows. */
  readonly coverageOverTime: { readonly row: readonly number[]; readonly share: readonly (number | null)[] };
  /** Mean weight of each expert over the same kind of stretches; empty for a single expert. */
  readonly weightsOverTime: {
    readonly row: readonly number[];
    readonly experts: readonly string[];
    /** [stretch][expert] */
    readonly weights: readonly (readonly number[])[];
  };
}

/** A stretch of one target with what was forecast of it, in the file's units. */
export interface ForecastSample {
  readonly target: string;
  readonly model: string;
  readonly step: number;
  readonly row: readonly number[];
  readonly truth: readonly (number | null)[];
  readonly mean: readonly (number | null)[];
  readonly lower: readonly (number | null)[];
  readonly upper: readonly (number | null)[];
}

export interface EvaluationReport {
  readonly file: string;
  readonly rows: number;
  readonly scored: readonly [number, number];
  readonly train: number;
  readonly horizon: number;
  readonly targets: readonly string[];
  /** Coverage asked for. */
  readonly coverage: number;
  readonly models: readonly EvaluatedModel[];
  readonly samples: readonly ForecastSample[];
  /** Time of a row, where the file has times. */
  readonly timeOf?: (row: number) => string;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1c1f23; --soft: #6a7280; --paper: #fff; --rule: #e4e7eb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa3af; --paper: #15181c; --rule: #2b3036; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 920px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0.2rem; } p { color: var(--soft); margin-top: 0; }
table { border-collapse: collapse; width: 100%; margin: 1.2rem 0 2rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--rule); }
th:first-child, td:first-child { text-align: left; } th { color: var(--soft); font-weight: 500; } tr.best td { font-weight: 600; }
figure { margin: 0 0 1.6rem; } svg { width: 100%; height: auto; display: block; }
svg .grid { stroke: var(--rule); } svg .reference { stroke: var(--soft); stroke-dasharray: 2 3; }
svg .tick { fill: var(--soft); font: 11px system-ui, sans-serif; } svg .legend { fill: var(--ink); font: 12px system-ui, sans-serif; }
svg .title { fill: var(--ink); font: 600 13px system-ui, sans-serif; }
.swatch { display: inline-block; width: 0.7em; height: 0.7em; border-radius: 2px; margin-right: 0.5em; }
`;

const number = (value: number | null, digits = 4): string =>
  value === null || !Number.isFinite(value) ? "–" : String(Number(value.toPrecision(digits)));
const percent = (value: number | null): string => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);

function table(report: EvaluationReport): string {
  const best = Math.min(...report.models.map((m) => m.mse));
  const rows = report.models.map((m, i) => {
    const cells = [
      `<span class="swatch" style="background:${chartColor(i)}"></span>${escapeMarkup(m.model)}`,
      number(m.mse),
      number(m.mae),
      percent(m.skill),
      percent(m.skillSeasonal),
      percent(m.coverage),
      number(m.intervalScore),
      number(m.rowsPerSecond, 3),
    ];
    return `<tr${m.mse === best ? ' class="best"' : ""}>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`;
  });
  const head = [
    "model",
    "MSE",
    "MAE",
    "skill, persistence",
    "skill, seasonal",
    "coverage",
    "interval score",
    "rows/s",
  ];
  return `<table><thead><tr>${head.map((h) => `<th>${h}</th>`).join("")}</tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

/** Weights as stacked bands, so that their sum, 1, is the whole height. */
function weightsChart(model: EvaluatedModel, xFormat: Chart["xFormat"]): string {
  const { row, experts, weights } = model.weightsOverTime;
  if (experts.length < 2 || row.length < 2) return "";
  let base = row.map(() => 0);
  const bands = experts.map((_, e) => {
    const lower = base;
    base = lower.map((v, i) => v + (weights[i]?.[e] ?? 0));
    return { x: row, lower, upper: base, color: e, opacity: 0.75 };
  });
  const lines: ChartLine[] = experts.map((name, e) => ({ name, x: [], y: [], color: e }));
  return svgChart({
    title: `Weights of the experts over time: ${model.model}`,
    xLabel: "row",
    yLabel: "share",
    lines,
    bands,
    yRange: [0, 1],
    ...(xFormat ? { xFormat } : {}),
  });
}

/** What people look at after `eddy evaluate --report`: one self-contained page without scripts. */
export function evaluationReport(report: EvaluationReport): string {
  const time = report.timeOf;
  const xFormat = time ? { xFormat: (row: number) => time(Math.round(row)) } : {};
  const samples = report.samples.map((sample) =>
    svgChart({
      title: `${sample.target}: ${sample.model}, ${sample.step} step${sample.step === 1 ? "" : "s"} ahead`,
      xLabel: time ? "time" : "row",
      yLabel: sample.target,
      lines: [
        { name: "observed", x: sample.row, y: sample.truth, color: 9 },
        { name: "forecast", x: sample.row, y: sample.mean, color: 0 },
      ],
      bands: [{ x: sample.row, lower: sample.lower, upper: sample.upper, color: 0 }],
      ...xFormat,
    }),
  );
  const errors = svgChart({
    title: "Error by horizon",
    xLabel: "steps ahead",
    yLabel: "MSE, scaled",
    lines: report.models.map((m, i) => ({
      name: m.model,
      x: m.msePerStep.map((_, h) => h + 1),
      y: m.msePerStep,
      color: i,
    })),
  });
  const shares = report.models.flatMap((m) =>
    m.coverageOverTime.share.filter((s): s is number => s !== null),
  );
  const coverage = svgChart({
    title: "Coverage over time",
    xLabel: time ? "time" : "row",
    yLabel: "share held",
    lines: report.models.map((m, i) => ({
      name: m.model,
      x: m.coverageOverTime.row,
      y: m.coverageOverTime.share,
      color: i,
    })),
    reference: report.coverage,
    yRange: [Math.max(0, Math.min(report.coverage - 0.1, ...shares) - 0.02), 1],
    ...xFormat,
  });
  const [from, to] = report.scored;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Eddy: ${escapeMarkup(report.file)}</title><style>${STYLE}</style></head><body>
<h1>${escapeMarkup(report.file)}</h1>
<p>${report.rows} rows, trained on all that was seen before each forecast; scaled by the first ${report.train}; targets in rows ${from} to ${to - 1} scored;
horizon ${report.horizon}; ${escapeMarkup(report.targets.join(", "))}</p>
${table(report)}
${samples.join("\n")}
${errors}
${coverage}
${report.models.map((model) => weightsChart(model, time ? xFormat.xFormat : undefined)).join("\n")}
</body></html>
`;
}
