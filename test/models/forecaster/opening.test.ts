import { describe, expect, it } from "vitest";
import { Opening } from "../../../src/models/forecaster/opening.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { forecaster, HOUR, normals, START } from "./series.ts";

/** Which values mislead once the rows have come, as `event` or, of several columns, `event:column`; taken as a forecaster takes them. */
function misleading(rows: readonly (readonly number[])[]): string[] {
  const layout = new Layout(new Arena());
  const opening = new Opening(layout, rows[0].length);
  layout.allocate();
  let gone: Float64Array[] = [];
  for (const [i, row] of rows.entries()) {
    if (opening.open && opening.add(i, Float64Array.from(row))) gone = opening.restart(opening.keep());
  }
  return gone.flatMap((event, i) =>
    [...event.subarray(1)].flatMap((v, c) => {
      const misleads = Number.isNaN(v) && !Number.isNaN(rows[i][c]);
      if (!misleads && !Number.isNaN(rows[i][c])) expect(v).toBe(rows[i][c]);
      return misleads ? [rows[0].length > 1 ? `${i}:${c}` : `${i}`] : [];
    }),
  );
}

const column = (values: readonly number[]): number[][] => values.map((v) => [v]);
const USUAL = [20, 20.5, 19.8, 20.2, 20.1, 19.9, 20.3, 20, 20.4];

describe("an opening", () => {
  it("misleads when its first readings lie far from all that follow", () => {
    for (const first of [1e6, -127, 850, -26_240, 0]) {
      for (let times = 1; times <= 4; times++) {
        const values = [...new Array(times).fill(first), ...USUAL];
        const all = Array.from({ length: times }, (_, i) => `${i}`);
        expect(misleading(column(values)), `${first} × ${times}`).toEqual(all);
      }
    }
  });

  it("misleads by a single reading far from all others, wherever it is", () => {
    for (const spike of [1e6, -127, 850, 1e300]) {
      for (let at = 0; at < 9; at++) {
        const values = USUAL.map((v, i) => (i === at ? spike : v));
        expect(misleading(column(values)), `${spike} at ${at}`).toEqual([`${at}`]);
      }
    }
  });

  it("misleads also where a reading is missing among those that follow, and in a column that begins later", () => {
    const none = Number.NaN;
    expect(misleading(column([1e6, none, ...USUAL.slice(2)]))).toEqual(["0"]);
    expect(misleading(column([1e6, 20, none, 20.5, 19.8, none, 20.1, 20, 20.2]))).toEqual(["0"]);
    const later = [none, none, -127, ...USUAL];
    expect(misleading([1, 2, 1, 2, 1, 2, 1, 2, 1].map((v, i) => [v, later[i]]))).toEqual(["2:1"]);
  });

  it("does not mislead where a series moves as it does", () => {
    const normal = normals(1);
    let v = 100;
    const walk = Array.from({ length: 9 }, () => {
      v += normal();
      return v;
    });
    for (const values of [
      walk,
      [10, 12, 11, 13, 12, 14, 11, 12],
      [0, 0, 0, 5, 0, 0, 0, 0],
      [1, 2, 4, 8, 16, 32, 64, 128],
      [5, 5, 5, 5, 5, 5, 5, 5],
      [0, 1, 0, 1, 1, 0, 1, 0],
      [100, 80, 65, 52, 43, 35, 30, 25],
      [Number.NaN, 3, 4, 3, Number.NaN, 5, 4, 3],
    ])
      expect(misleading(column(values)), `${values}`).toEqual([]);
  });

  it("takes it back when what lay far turns out to be where the series is", () => {
    for (const level of [300, -300, 1e6]) {
      const values = [...USUAL.slice(0, 5), ...[0, 1, -1, 0.5, 2].map((by) => level + by)];
      expect(misleading(column(values)), `${level}`).toEqual([]);
    }
  });

  it("is open for ten events and no more", () => {
    const layout = new Layout(new Arena());
    const opening = new Opening(layout, 1);
    layout.allocate();
    for (let i = 0; i < 10; i++) {
      expect(opening.open).toBe(true);
      expect(opening.add(i, Float64Array.of(i % 3))).toBe(false);
    }
    expect([opening.open, opening.restarted, opening.count(0)]).toEqual([false, false, 0]);
  });
});

describe("a forecaster with a misleading first reading", () => {
  const values = Array.from({ length: 300 }, (_, t) => 20 + 3 * Math.sin(t / 4) + (t % 5) / 10);
  const run = (rows: readonly number[], first: number): number[][] => {
    const model = forecaster({ horizon: 3, model: "auto:without=recurrent" });
    const all: number[][] = [];
    rows.forEach((v, i) => {
      model.observe(START + (first + i) * HOUR, Float64Array.of(v));
      all.push([model.ready ? 1 : 0, ...model.mean, ...model.lower, ...model.upper]);
    });
    return all;
  };

  it("goes on to the same bits as one that never had it", () => {
    const clean = run(values, 1);
    for (const first of [1e6, -127, 850]) {
      const own = run([first, ...values], 0);
      for (let t = 20; t < values.length; t++) expect(own[t + 1], `${first} ${t}`).toEqual(clean[t]);
    }
  });

  it("forecasts from the second event on all the same, finite and in order", () => {
    for (const rows of [
      [1e6, 20, 21, 20, 22],
      [0, 0, 20, 21, 20],
      [-127, -127, 20, 20, 20],
    ]) {
      for (const [t, [ready, ...said]] of run(rows, 0).entries()) {
        expect(ready, `${rows} ${t}`).toBe(t > 0 ? 1 : 0);
        expect(said.every(Number.isFinite)).toBe(true);
      }
    }
  });
});
