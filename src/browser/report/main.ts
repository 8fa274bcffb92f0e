// The script of a report: the figures that `eddy evaluate --report` has put into the file, as tables and charts.
import "./report.css";
import type { Report } from "../../cli/evaluation/report-data.ts";
import { Chart, type ChartOptions, recolour } from "../chart/chart.ts";
import type { Cell, Drawing, Limits, Line } from "../chart/drawing.ts";
import { showKey } from "../chart/key.ts";

type Table = readonly (readonly string[])[];

/** Weights drawn each by itself; the others are drawn together. */
const HEAVIEST = 8;
const COLOURS = 10;

const element = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
};
const report: Report = JSON.parse(element("report").textContent ?? "");
const { head, results, shown, curves, timed } = report;

const colour = (i: number): string => `c${i % COLOURS}`;
const fixed = (value: Cell | undefined, places: number): string =>
  value === null || value === undefined ? "–" : value.toFixed(places);
const percent = (value: Cell | undefined): string =>
  value === null || value === undefined ? "–" : `${(100 * value).toFixed(1)}%`;
const short = (value: number): string => {
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(1);
  return String(Number(value.toPrecision(4)));
};

const first = curves.times[0] ?? 0;
const long = (curves.times.at(-1) ?? first) - first > 40 * 86_400_000;
/** Times as the recording has them, not as the clock of whoever reads the report. */
const moment = (i: number): string => {
  const place = Math.max(0, Math.min(curves.rows.length - 1, Math.round(i)));
  if (!timed) return `row ${curves.rows[place]}`;
  const iso = new Date(curves.times[place] ?? 0).toISOString();
  return long ? iso.slice(0, 10) : iso.slice(5, 16).replace("T", " ");
};

const counted = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const line = (label: string, y: readonly Cell[], name: string, dashed = false): Line => ({
  label,
  x: counted(y.length),
  y,
  colour: name,
  dashed,
});

const charts = new Map<string, Chart>();
/** Draws into the element of that id; with one place only, as points. */
function draw(id: string, drawing: Drawing, options: ChartOptions): void {
  let chart = charts.get(id);
  const host = element(id);
  if (chart === undefined) {
    chart = new Chart(host, options);
    charts.set(id, chart);
    const key = document.createElement("ul");
    key.className = "key";
    host.after(key);
  }
  const lines = drawing.lines.map((one) => (one.x.length === 1 ? { ...one, points: true } : one));
  chart.draw({ ...drawing, lines });
  showKey(host.nextElementSibling as HTMLElement, drawing);
}

function table(
  host: HTMLElement,
  heading: readonly string[],
  rows: Table,
  best: Record<number, number> = {},
): void {
  const row = (tag: string, cells: readonly string[], r: number): HTMLElement => {
    const made = document.createElement("tr");
    for (const [c, text] of cells.entries()) {
      const cell = document.createElement(tag);
      cell.textContent = text;
      if (best[c] === r) cell.className = "best";
      made.append(cell);
    }
    return made;
  };
  host.replaceChildren(row("th", heading, -1), ...rows.map((cells, r) => row("td", cells, r)));
}

const least = (values: readonly Cell[]): number =>
  values.reduce<number>((best, value, i) => {
    const so = values[best] ?? null;
    return value !== null && (so === null || value < so) ? i : best;
  }, -1);

const one = results.find(({ model }) => model === shown);
if (one === undefined) throw new Error(`no figures of ${shown}`);

(document.querySelector("h1") as HTMLElement).textContent = head.file;
element("protocol").textContent =
  `${head.rows} rows${head.seriesCount > 1 ? ` of ${head.seriesCount} series` : ""} · ` +
  `scaled by ${head.train === null ? "their own training rows" : `the first ${head.train}`} · ` +
  `scored ${head.test === null ? "in rows of their own" : `rows ${head.test[0]} to ${head.test[1] - 1}`} · ` +
  `horizon ${head.horizon} · ${head.targets.length} ${head.targets.length === 1 ? "target" : "targets"} · curves: ${shown}`;
table(
  element("figures"),
  ["model", "mse", "mae", "skill", "vs seasonal", "coverage", "by quarter", "interval score", "rows/s"],
  results.map((r) => [
    r.model,
    fixed(r.mse, 4),
    fixed(r.mae, 4),
    fixed(r.skill, 3),
    fixed(r.skillSeasonal, 3),
    percent(r.coverage),
    r.coverageQuarters.map((q) => (q === null ? "–" : (100 * q).toFixed(1))).join(" "),
    fixed(r.intervalScore, 3),
    r.rowsPerSecond.toFixed(0),
  ]),
  results.length > 1
    ? {
        1: least(results.map((r) => r.mse)),
        2: least(results.map((r) => r.mae)),
        7: least(results.map((r) => r.intervalScore)),
      }
    : {},
);
table(
  element("targets"),
  ["target", "mse", "mae", "mae, own units", "skill", "vs seasonal", "coverage", "interval score"],
  one.targets.map((t) => [
    t.target,
    fixed(t.mse, 4),
    fixed(t.mae, 4),
    t.ownMae === null ? "–" : short(t.ownMae),
    fixed(t.skill, 3),
    fixed(t.skillSeasonal, 3),
    percent(t.coverage),
    fixed(t.intervalScore, 3),
  ]),
);

const target = element("target") as HTMLSelectElement;
for (const [d, name] of head.targets.entries()) {
  const option = document.createElement("option");
  option.value = String(d);
  option.textContent = name;
  target.append(option);
}
let chosen = curves.curves.length - 1;
/** What is seen of the forecasts; all of them at first. */
let view: Limits | null = null;
const buttons = curves.curves.map(({ step }, s) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = step === 1 ? "1 step" : `${step} steps`;
  button.addEventListener("click", () => {
    chosen = s;
    drawForecast();
  });
  return button;
});
element("steps").append(...buttons);
target.addEventListener("change", drawForecast);

function drawForecast(): void {
  for (const [s, button] of buttons.entries()) button.setAttribute("aria-pressed", String(s === chosen));
  const curve = curves.curves[chosen];
  const found = curve?.targets[Number(target.value) || 0];
  if (curve === undefined || found === undefined) return;
  const { step } = curve;
  const ahead = `forecast, ${step} ${step === 1 ? "step" : "steps"} ahead`;
  const x = counted(found.mean.length);
  draw(
    "forecast",
    {
      bands: [
        {
          label: `its ${Math.round(100 * head.coverageAsked)}% interval`,
          colour: colour(0),
          opacity: 0.2,
          x,
          lower: found.lower,
          upper: found.upper,
        },
      ],
      lines: [line(ahead, found.mean, colour(0)), line("truth", found.label, colour(1))],
      ...(view === null ? {} : { view }),
    },
    {
      x: "words",
      xWords: moment,
      yWords: short,
      moved: (asked) => {
        const last = found.mean.length - 1;
        view = asked === null ? null : [Math.max(0, asked[0]), Math.min(last, asked[1])];
        if (view !== null && view[1] - view[0] < 2) view = null;
        drawForecast();
      },
    },
  );
}

const { steps } = one;
const seasonal = steps.map(({ mseSeasonalNaive }) => mseSeasonalNaive);
const byStep = (label: string, values: readonly Cell[], name: string, dashed = false): Line => ({
  ...line(label, values, name, dashed),
  x: steps.map(({ step }) => step),
});
draw(
  "horizon",
  {
    bands: [],
    lines: [
      ...results
        .filter(({ model }) => model !== "persistence")
        .map((r, m) =>
          byStep(
            r.model,
            r.steps.map(({ mse }) => mse),
            colour(m),
          ),
        ),
      byStep(
        "persistence",
        steps.map(({ msePersistence }) => msePersistence),
        "quiet",
        true,
      ),
      ...(seasonal.some((value) => value !== null)
        ? [byStep(`seasonal naive (${head.season})`, seasonal, colour(4), true)]
        : []),
    ],
  },
  { x: "whole", xWords: (h) => `${Math.round(h)} ahead`, yWords: short, limits: { low: 0 } },
);

// Of many series the curves are those of the first.
const [start, end] = head.test ?? one.series?.[0]?.test ?? [1, 1];
const [from, to] = [start - 1, end - head.horizon - 1];
const bins = curves.coverage.length;
const rowOf = (i: number): string => `row ${Math.round(from + ((i + 0.5) / bins) * (to - from))}`;
draw(
  "error",
  {
    bands: [],
    lines: [
      line(shown, curves.error, colour(0)),
      line("persistence", curves.errorPersistence, "quiet", true),
    ],
  },
  { x: "words", xWords: rowOf, yWords: short, limits: { low: 0 } },
);
const covered = curves.coverage.filter((value) => value !== null);
draw(
  "coverage",
  {
    bands: [],
    lines: [line("share of labels inside their interval", curves.coverage, colour(2))],
    levels: [{ y: head.coverageAsked, colour: "quiet", label: "asked for" }],
  },
  {
    x: "words",
    xWords: rowOf,
    yWords: (value) => `${Number((100 * value).toFixed(1))}%`,
    limits: { low: Math.max(0, Math.min(head.coverageAsked - 0.1, ...covered)), high: 1 },
  },
);

/** The heaviest experts each by itself, the others together; weights of a regression may be below 0. */
function weightLines(): Line[] {
  const of = (e: number): number[] => curves.weights.map(({ weights }) => weights[e] ?? 0);
  const heaviness = (e: number): number => of(e).reduce((sum, w) => sum + Math.abs(w), 0);
  const order = curves.experts.map((_, e) => e).sort((a, b) => heaviness(b) - heaviness(a));
  const lines = order.slice(0, HEAVIEST).map((e, i) => line(curves.experts[e] ?? "", of(e), colour(i)));
  const rest = order.slice(HEAVIEST);
  if (rest.length > 0) {
    const sums = curves.weights.map(({ weights }) => rest.reduce((sum, e) => sum + (weights[e] ?? 0), 0));
    lines.push(line(`${rest.length} others together`, sums, "quiet", true));
  }
  return lines;
}
draw(
  "weights",
  { bands: [], lines: weightLines() },
  {
    x: "words",
    xWords: (i) =>
      `row ${curves.weights[Math.max(0, Math.min(curves.weights.length - 1, Math.round(i)))]?.row}`,
    yWords: (value) => `${Math.round(100 * value)}%`,
  },
);

drawForecast();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
