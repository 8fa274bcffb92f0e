import { Chart } from "../chart/chart.ts";
import type { Line } from "../chart/drawing.ts";
import { showKey } from "../chart/key.ts";
import { shown } from "../chart/numbers.ts";
import { byId, setText } from "./dom.ts";
import type { RecordAnswer } from "./wire.ts";
import { momentWords, readingsWords, shareWords, spanWords, withUnit } from "./words.ts";

/** Experts drawn each by itself; the others are drawn together. */
const HEAVIEST = 7;

/** How right the forecasts of one target have been: error and coverage by step, and what the forecast is mixed of. */
export class RecordCharts {
  #step = 0;
  #unit = "";
  readonly #ahead = (h: number): string =>
    `${Math.round(h)} ${Math.round(h) === 1 ? "step" : "steps"} ahead${this.#step > 0 ? ` (${spanWords(Math.round(h) * this.#step)})` : ""}`;
  readonly #error = new Chart(byId("error-chart"), {
    x: "whole",
    xWords: this.#ahead,
    yWords: (value, step) => (step === undefined ? withUnit(shown(value), this.#unit) : shown(value, step)),
    limits: { low: 0 },
  });
  readonly #held = new Chart(byId("held-chart"), {
    x: "whole",
    xWords: this.#ahead,
    yWords: (value, step) => (step === undefined ? readingsWords(value) : `${Math.round(100 * value)} %`),
    limits: { high: 1 },
  });
  readonly #weights = new Chart(byId("weights-chart"), {
    x: "time",
    xWords: (time) => momentWords(time, this.#step),
    yWords: (value) => `${Math.round(100 * value)} %`,
  });

  show({ steps, readings, level, weights, from, to }: RecordAnswer, step: number, unit: string): void {
    this.#step = step;
    this.#unit = unit;
    const measured = steps.filter(({ count }) => count > 0);
    byId("record").hidden = measured.length === 0;
    byId("weights").hidden = weights === null;
    byId("weights-none").hidden = weights !== null;
    if (measured.length > 0) {
      const x = measured.map(({ step }) => step);
      const line = (
        label: string,
        colour: string,
        y: (one: RecordAnswer["steps"][number]) => number | null,
      ): Line[] => {
        const values = measured.map(y);
        if (values.every((value) => value === null)) return [];
        return [{ label, colour, x, y: values, dashed: colour !== "fan", points: x.length === 1 }];
      };
      const error = {
        bands: [],
        lines: [
          ...line("repeating the last value", "quiet", ({ persistence }) => persistence),
          ...line("the same time a week before", "past", ({ weekBefore }) => weekBefore),
          ...line("the same time a day before", "odd", ({ dayBefore }) => dayBefore),
          ...line("Eddy", "fan", ({ error }) => error),
        ],
      };
      this.#error.draw(error);
      showKey(byId("error-key"), error);
      const held = {
        bands: [],
        lines: line("readings that fell inside", "fan", ({ held }) => held),
        levels:
          level === null ? [] : [{ y: level, colour: "quiet", label: `promised: ${shareWords(level)}` }],
      };
      this.#held.draw(held);
      showKey(byId("held-key"), held);
      const stretch = from === null || to === null ? "" : `, ${spanWords(to - from)}`;
      setText(
        byId("record-note"),
        `As issued, over the last ${readings.toLocaleString("en")} forecasts${stretch}. ${bestWords(steps)}`,
      );
    }
    if (weights !== null) this.#showWeights(weights);
  }

  #showWeights({ times, experts }: NonNullable<RecordAnswer["weights"]>): void {
    const heaviness = (all: readonly number[]): number => all.reduce((sum, w) => sum + Math.abs(w), 0);
    const sorted = [...experts].sort((a, b) => heaviness(b.weights) - heaviness(a.weights));
    const rest = sorted.slice(HEAVIEST);
    const points = times.length === 1;
    const lines: Line[] = sorted.slice(0, HEAVIEST).map(({ name, weights }, i) => ({
      label: name,
      colour: `c${i}`,
      x: times,
      y: weights,
      width: 1.5,
      points,
    }));
    if (rest.length > 0) {
      lines.push({
        label: `${rest.length} others together`,
        colour: "quiet",
        x: times,
        y: times.map((_, i) => rest.reduce((sum, { weights }) => sum + (weights[i] ?? 0), 0)),
        dashed: true,
        width: 1.5,
        points,
      });
    }
    this.#weights.draw({ bands: [], lines });
    showKey(byId("weights-key"), { bands: [], lines });
  }
}

/** Mean error over all steps beside that of the best simple forecast, in words. */
function bestWords(steps: RecordAnswer["steps"]): string {
  const mean = (of: (one: RecordAnswer["steps"][number]) => number | null): number | null => {
    let [sum, count] = [0, 0];
    for (const one of steps) {
      const value = of(one);
      if (value === null && one.count > 0) return null;
      sum += (value ?? 0) * one.count;
      count += one.count;
    }
    return count > 0 ? sum / count : null;
  };
  const own = mean(({ error }) => error);
  const others = [
    ["repeating the last value", mean(({ persistence }) => persistence)],
    ["taking the same time a day before", mean(({ dayBefore }) => dayBefore)],
    ["taking the same time a week before", mean(({ weekBefore }) => weekBefore)],
  ] as const;
  const told = others.flatMap(([name, error]) => {
    if (own === null || error === null || error === 0) return [];
    const share = Math.round(100 * (1 - own / error));
    if (share === 0) return [`as far off as ${name}`];
    return [`${Math.abs(share)} % ${share > 0 ? "less" : "more"} than ${name}`];
  });
  return told.length === 0 ? "" : `On average a forecast was off by ${told.join(", ")}.`;
}
