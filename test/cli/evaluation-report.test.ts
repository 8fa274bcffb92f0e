import { expect, test } from "vitest";
import { evaluationReport } from "../../src/cli/evaluation-report.ts";
import { escapeMarkup, svgChart, ticks } from "../../src/cli/svg-chart.ts";

const hostile = `<script>alert("x")</script>&'`;

const model = (name: string) => ({
  model: name,
  mse: 0.5,
  mae: 0.4,
  skill: 0.1,
  skillSeasonal: null,
  coverage: 0.91,
  intervalScore: 2.2,
  rowsPerSecond: 1000,
  msePerStep: [0.1, 0.2, 0.3],
  coverageOverTime: { row: [0, 10, 20], share: [0.9, null, 0.8] },
  weightsOverTime: {
    row: [0, 10],
    experts: ["persistence", hostile],
    weights: [
      [0.25, 0.75],
      [0.5, 0.5],
    ],
  },
});

test("nothing from outside becomes markup, and there is no script", () => {
  const html = evaluationReport({
    file: hostile,
    rows: 100,
    scored: [20, 100],
    train: 20,
    horizon: 3,
    targets: [hostile],
    coverage: 0.9,
    models: [model(hostile), model("auto")],
    samples: [
      {
        target: hostile,
        model: hostile,
        step: 1,
        row: [1, 2],
        truth: [1, null],
        mean: [1, 2],
        lower: [0, 1],
        upper: [2, 3],
      },
    ],
  });
  expect(html).not.toContain("<script");
  expect(html).toContain(escapeMarkup(hostile));
  expect(html.match(/<svg/g)).toHaveLength(5);
});

test("a chart draws its data inside its frame and breaks a line where a value is missing", () => {
  const svg = svgChart({
    title: "t",
    xLabel: "x",
    yLabel: "y",
    lines: [{ name: "a", x: [0, 1, 2, 3], y: [1, null, 5, 2], color: 0 }],
  });
  const path = /<path d="([^"]*)"/.exec(svg)?.[1] ?? "";
  expect(path.match(/M/g)).toHaveLength(2);
  expect(path).not.toMatch(/NaN|Infinity/);
});

test("a chart of nothing, of one value and of a constant is still a chart", () => {
  for (const y of [[], [1], [3, 3, 3]]) {
    const svg = svgChart({
      title: "t",
      xLabel: "x",
      yLabel: "y",
      lines: [{ name: "a", x: y.map((_, i) => i), y, color: 0 }],
    });
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});

test("ticks are round and inside the range", () => {
  expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6000000000000001, 0.8, 1]);
  expect(ticks(-7, 23, 5)).toEqual([0, 10, 20]);
});
