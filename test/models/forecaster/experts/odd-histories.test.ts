// Histories that people report smoothing to fail on: what is said stays finite and near what has been.
import { expect, test } from "vitest";
import { ExponentialSmoothing } from "../../../../src/models/forecaster/experts/exponential-smoothing.ts";
import { Repetition } from "../../../../src/models/forecaster/experts/repetition.ts";
import { SeasonalArima } from "../../../../src/models/forecaster/experts/seasonal-arima.ts";
import { normals } from "../series.ts";
import { Bench } from "./bench.ts";

const noise = Array.from({ length: 300 }, normals(4));
const of = (n: number, value: (i: number) => number): number[] =>
  Array.from({ length: n }, (_, i) => value(i));

const histories: Readonly<Record<string, readonly number[]>> = {
  "nothing but zeros": of(60, () => 0),
  "zeros with one value among them": of(60, (i) => (i === 40 ? 7 : 0)),
  "zeros that end with two values": [...of(55, () => 0), 2, 18],
  "demand now and then": of(120, (i) => ((i * 7919) % 5 === 0 ? 3 + (i % 11) : 0)),
  "a constant": of(100, () => 42),
  "values that fade to next to nothing and come back": of(84, (i) =>
    i < 58 ? Math.max(0.1, 2500 * Math.exp(-i / 8)) : i < 64 ? 0.1 : 2090 + 100 * noise[i],
  ),
  "growth by the same share": of(150, (i) => 700 * Math.exp(i / 200) + 3 * noise[i]),
  "five values": [112, 118, 132, 129, 121],
  "values of a billionth": of(90, (i) => 1e-9 * (2 + Math.sin(i / 2))),
  "values of a trillion": of(90, (i) => 1e12 * (2 + Math.sin(i / 2))),
  "a millionth and a million in turn": of(90, (i) => (i % 2 ? 1e6 : 1e-6)),
  "one negative value": of(120, (i) =>
    i === 100 ? -5 : 100 + 40 * Math.sin((2 * Math.PI * i) / 12) + noise[i],
  ),
  "a season that stops": of(120, (i) => (i < 90 ? 1000 + 300 * Math.sin((2 * Math.PI * i) / 12) : 0.5)),
  "a spike at the end": of(120, (i) => (i === 119 ? 1e5 : 50 + noise[i])),
};

for (const Kind of [ExponentialSmoothing, Repetition, SeasonalArima]) {
  test.each(Object.entries(histories))(`${Kind.name} stays near what has been: %s`, (_, values) => {
    const bench = new Bench((layout, shape, features) => new Kind(layout, shape, features), {
      horizon: 24,
      periods: [12],
    });
    let [low, high] = [values[0], values[0]];
    for (const v of values) {
      const said = bench.take([v]);
      [low, high] = [Math.min(low, v), Math.max(high, v)];
      // Of a rise two dozen steps are carried on.
      const room = 5 * (high - low);
      for (const x of said) expect(x >= low - room && x <= high + room, `${x} after ${v}`).toBe(true);
    }
  });
}
