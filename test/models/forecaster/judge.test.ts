import { describe, expect, it } from "vitest";
import type { Forecaster } from "../../../src/models/forecaster/forecaster.ts";
import { Judge } from "../../../src/models/forecaster/judge.ts";
import { Units } from "../../../src/models/forecaster/units.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { seeded } from "../../../src/models/network/seeded.ts";
import { feed, forecaster, normals } from "./series.ts";

const arena = new Arena();

/**
 * A judge of one column of readings that are said to be forecast as `forecast(t)`, by the measure at the time, with usual errors
 * of 1: what it lets through, and what a person would have read of it in observations.
 */
class Judged {
  readonly units: Units;
  readonly judge: Judge;
  #labels = 0;

  constructor() {
    const layout = new Layout(arena);
    this.units = new Units(layout, 1);
    this.judge = new Judge(layout, 1, this.units);
    layout.allocate();
    // The unit is a power of two; with 1 all numbers are what they are.
    this.units.toUnits(new Float64Array(1), Float64Array.of(1));
  }

  take(u: number, forecast: number): number {
    return this.judge.take(0, u, forecast, 1, this.#labels++, { step: 1.4, deviation: 10 });
  }

  /** Takes the readings one by one; returns what the models see. */
  all(readings: readonly number[], forecast: (t: number) => number, from = 0): number[] {
    return readings.map((u, i) => this.take(u, forecast(from + i)));
  }
}

const wave = (t: number): number => 50 + 10 * Math.sin(t / 4);
/** 200 readings as forecast, but for the usual errors. */
function begun(seed = 1): Judged {
  const normal = normals(seed);
  const judged = new Judged();
  for (let t = 0; t < 200; t++) expect(judged.take(wave(t) + 1.25 * normal(), wave(t))).not.toBeNaN();
  return judged;
}

describe("a judge", () => {
  it("holds a single spike of any size and sign, whatever it is, and takes the next reading", () => {
    for (const spike of [1e6, -1e6, 1e12, -127, 300, -26_240, 1e-9, Number.MAX_VALUE / 1e300]) {
      const judged = begun();
      const seen = judged.all([spike, wave(201), wave(202)], wave, 200);
      expect(seen, `${spike}`).toEqual([Number.NaN, wave(201), wave(202)]);
      expect([judged.judge.held(0), judged.judge.changes(0)], `${spike}`).toEqual([1, 0]);
      expect([judged.units.scale(0), judged.units.zero(0)]).toEqual([1, 0]);
    }
  });

  it("takes every reading while it has hardly any labels to judge by", () => {
    const judged = new Judged();
    for (const v of [1, 1000, -5, 1e6]) expect(judged.take(v, 0)).toBe(v);
  });

  it("passes over missing readings without a word", () => {
    const judged = begun();
    for (let i = 0; i < 50; i++) expect(judged.take(Number.NaN, wave(i))).toBeNaN();
    expect(judged.judge.held(0)).toBe(0);
    expect(judged.take(wave(3), wave(3))).toBe(wave(3));
  });

  it("believes a level shift once readings agree, up or down, and lets the models go on as if nothing had been", () => {
    for (const by of [200, -200, 5000, -1e5]) {
      const judged = begun();
      const normal = normals(2);
      const clean = Array.from({ length: 30 }, (_, i) => wave(200 + i) + 1.25 * normal());
      const seen = judged.all(
        clean.map((v) => v + by),
        wave,
        200,
      );
      expect(judged.judge.held(0), `${by}`).toBeLessThanOrEqual(4);
      for (let i = 5; i < 30; i++) expect(Math.abs(seen[i] - clean[i]), `${by} ${i}`).toBeLessThan(8);
    }
  });

  it("recognises a change of unit, by powers of ten exactly", () => {
    for (const factor of [1000, 1 / 1000, 10, 100, 60, 1 / 3.6]) {
      const judged = begun();
      const normal = normals(3);
      const clean = Array.from({ length: 60 }, (_, i) => wave(200 + i) + 1.25 * normal());
      const seen = judged.all(
        clean.map((v) => v * factor),
        wave,
        200,
      );
      expect(judged.judge.held(0), `${factor}`).toBeLessThanOrEqual(12);
      // By other factors what is left is the usual error of finding them: nothing is far from what it was.
      for (let i = 20; i < 60; i++) expect(Math.abs(seen[i] - clean[i]), `${factor} ${i}`).toBeLessThan(15);
      if (Number.isInteger(Math.log10(factor))) {
        for (let i = 20; i < 60; i++) expect(seen[i] / clean[i], `${factor} ${i}`).toBeCloseTo(1, 9);
      }
    }
  });

  it("recognises a temperature told in degrees of another kind, and back again, from its second reading on", () => {
    const fahrenheit = (v: number): number => 1.8 * v + 32;
    const kelvins = (t: number): number => wave(t) + 250;
    for (const [name, forecast, told] of [
      ["Celsius to Fahrenheit", wave, fahrenheit],
      ["Fahrenheit to Celsius", wave, (v: number) => (v - 32) / 1.8],
      ["Fahrenheit to kelvins", wave, (v: number) => (v - 32) / 1.8 + 273.15],
      ["kelvins to Fahrenheit", kelvins, (v: number) => fahrenheit(v - 273.15)],
    ] as const) {
      const judged = new Judged();
      const normal = normals(3);
      for (let t = 0; t < 200; t++) judged.take(forecast(t) + 1.25 * normal(), forecast(t));
      const clean = Array.from({ length: 60 }, (_, i) => forecast(200 + i) + 1.25 * normal());
      const seen = judged.all(clean.map(told), forecast, 200);
      expect(judged.judge.held(0), name).toBe(1);
      for (let i = 1; i < 60; i++) expect(seen[i], `${name} ${i}`).toBeCloseTo(clean[i], 9);
      const again = judged.all(clean, forecast, 200);
      for (let i = 0; i < 60; i++) expect(again[i], `${name} and back ${i}`).toBeCloseTo(clean[i], 9);
    }
  });

  it("holds temperatures told now and then in degrees of another kind, however often that happens", () => {
    const normal = normals(5);
    const judged = new Judged();
    for (let t = 0; t < 1000; t++) {
      const v = wave(t) + 1.25 * normal();
      const odd = t > 100 && t % 12 === 5;
      const seen = judged.take(odd ? (v - 32) / 1.8 : v, wave(t));
      if (t > 20) expect(Number.isNaN(seen), `${t}`).toBe(odd);
    }
    expect(judged.judge.changes(0)).toBe(0);
  });

  it("is told nothing more by an error code that is repeated, and waits no longer than eight times for what has stopped", () => {
    for (const code of [-127, 850, -2e8]) {
      const judged = begun();
      for (let i = 0; i < 8; i++) {
        expect(judged.take(code, wave(200 + i)), `${code}, ${i}`).toBeNaN();
        // What can hardly be is not followed, neither now nor when it comes again.
        if (code === -2e8) expect(judged.judge.stays(0, 1)).toBeLessThan(0.01);
      }
      expect([judged.judge.held(0), judged.judge.changes(0)]).toEqual([8, 0]);
      expect(judged.take(wave(208), wave(208))).toBe(wave(208));
      // It counts as one far reading: what is there to stay is believed from its second one on, as ever.
      const shifted = judged.all(
        [1, -1, 0.5, 0, -0.5].map((v, i) => 300 + v + wave(209 + i)),
        wave,
        209,
      );
      expect(shifted.filter((v) => Number.isNaN(v)).length).toBeLessThanOrEqual(2);
    }
    const stopped = begun();
    for (let i = 0; i < 20; i++) stopped.take(-500, wave(200 + i));
    expect(stopped.judge.held(0)).toBeLessThanOrEqual(8);
  });

  it("knows an error code that comes again and again, and does not follow it", () => {
    const normal = normals(8);
    const judged = new Judged();
    for (let t = 0; t < 1500; t++) {
      const odd = t > 200 && t % 12 === 7;
      const seen = judged.take(odd ? (t % 24 === 7 ? -999 : 850) : wave(t) + 1.25 * normal(), wave(t));
      if (t > 20) expect(Number.isNaN(seen), `${t}`).toBe(odd);
      // Both have come by then.
      if (odd && t > 240) expect(judged.judge.stays(0, 1), `${t}`).toBe(0);
    }
    expect(judged.judge.changes(0)).toBe(0);
  });

  it("takes what was an error code once where it is as forecast", () => {
    const judged = begun();
    expect(judged.take(300, wave(200))).toBeNaN();
    const warmer = (t: number): number => wave(t) + 2.5 * (t - 201);
    const normal = normals(9);
    for (let t = 201; t < 320; t++) {
      const seen = judged.take(Math.abs(warmer(t) - 300) < 3 ? 300 : warmer(t) + normal(), warmer(t));
      expect(seen, `${t}`).not.toBeNaN();
    }
  });

  it("seldom takes wild readings in a row for another measure, and follows them less and less", () => {
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    let misled = 0;
    const followed: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const normal = normals(100 + seed);
      const judged = begun(seed);
      for (let t = 200; t < 230; t++) {
        judged.take(wave(t) + 300 * normal(), wave(t));
        if (t >= 220) followed.push(judged.judge.stays(0, 1));
      }
      if (judged.judge.changes(0) > 0) misled++;
      else expect(judged.judge.held(0), `${seed}`).toBeGreaterThan(25);
      expect(judged.take(wave(230), wave(230)), `${seed}`).toBe(wave(230));
    }
    // Two that happen to lie together are no less than a level that has shifted.
    expect(misled).toBeLessThanOrEqual(5);
    expect(mean(followed)).toBeLessThan(0.2);
  });

  it("is back at once after some readings from elsewhere, however little they agree among each other", () => {
    for (const odd of [
      [242.1, 241.3],
      [-127, -125, -131, -126],
      [900, 912, 905, 899, 908, 902],
    ]) {
      const judged = begun();
      const normal = normals(7);
      judged.all(odd, wave, 200);
      const after = Array.from({ length: 20 }, (_, i) => wave(200 + odd.length + i) + normal());
      const seen = judged.all(after, wave, 200 + odd.length);
      // What the odd ones left in the zero is gone with it.
      for (let i = 0; i < 20; i++) expect(seen[i], `${odd[0]}, ${i}`).toBe(after[i]);
      expect(judged.units.zero(0)).toBe(0);
    }
  });

  it("takes for another zero what is no temperature in another unit", () => {
    // 500 is no temperature that anybody measures; 50 C are 122 F, and 130 are not.
    for (const [level, by] of [
      [450, 1.8 * 500 + 32 - 500],
      [0, 80],
    ]) {
      const judged = new Judged();
      const normal = normals(4);
      const forecast = (t: number): number => level + wave(t);
      for (let t = 0; t < 200; t++) judged.take(forecast(t) + 1.25 * normal(), forecast(t));
      judged.all(
        Array.from({ length: 20 }, (_, i) => forecast(200 + i) + by + 1.25 * normal()),
        forecast,
        200,
      );
      expect([judged.judge.changes(0), judged.units.scale(0)], `${by}`).toEqual([1, 1]);
    }
  });

  it("goes on as before after an error code repeated some times", () => {
    for (const code of [-127, 850, 1e6]) {
      for (let times = 2; times <= 10; times++) {
        const judged = begun();
        judged.all(new Array(times).fill(code), wave, 200);
        const after = Array.from({ length: 20 }, (_, i) => wave(200 + times + i));
        const seen = judged.all(after, wave, 200 + times);
        const missed = seen.filter((v) => Number.isNaN(v)).length;
        expect(missed, `${code} × ${times}`).toBeLessThanOrEqual(2);
        for (let i = 3; i < 20; i++)
          expect(Math.abs(seen[i] - after[i]), `${code} × ${times}, ${i}`).toBeLessThan(3);
      }
    }
  });

  it("never goes on for ever without taking a reading, whatever comes", () => {
    const random = seeded(4, "test");
    const judged = begun();
    let held = 0;
    let longest = 0;
    for (let t = 200; t < 2200; t++) {
      const seen = judged.take(10 ** (8 * random()) * (random() < 0.5 ? -1 : 1), wave(t));
      held = Number.isNaN(seen) ? held + 1 : 0;
      longest = Math.max(longest, held);
    }
    expect(longest).toBeLessThanOrEqual(45);
  });

  it("holds what a stuck sensor repeats, and after hundreds of repeats takes it for what there is", () => {
    const judged = begun();
    const stuck = wave(199);
    // The forecast follows what is repeated, so that nothing of it is far.
    const seen = Array.from({ length: 400 }, () => judged.take(stuck, stuck));
    const held = seen.map((v) => Number.isNaN(v));
    expect(held.slice(30, 250).every((one) => one)).toBe(true);
    expect(held.slice(320).some((one) => one)).toBe(false);
  });
});

/** A wave with noise about it, before any fault. */
function signal(length: number, seed: number): number[] {
  const normal = normals(seed);
  let e = 0;
  return Array.from({ length }, (_, t) => {
    e = 0.6 * e + 0.4 * normal();
    return 30 + 6 * Math.sin((2 * Math.PI * t) / 24) + e;
  });
}

/** Mean absolute error of the first step over rows `from` to `to`, against `truth`. */
function error(
  model: Forecaster,
  sent: readonly number[],
  truth: readonly number[],
  from: number,
  to: number,
): number {
  let [sum, n, said] = [0, 0, Number.NaN];
  feed(
    model,
    sent.map((v) => [v]),
    (t) => {
      if (t > from && t <= to) {
        sum += Math.abs(said - truth[t]);
        n++;
      }
      said = model.mean[0];
    },
  );
  return sum / n;
}

describe("a forecaster's judge", () => {
  it("does not stretch intervals to a reading that can hardly be", () => {
    const normal = normals(90);
    const model = forecaster({ horizon: 3, model: "auto:without=recurrent" });
    feed(
      model,
      Array.from({ length: 200 }, (_, t) => [t === 199 ? 999_999 : 20 + normal()]),
    );
    expect(model.taken[0]).toBe(0);
    for (let i = 0; i < 3; i++) expect(model.upper[i]).toBeLessThan(30);
  });

  it("says of every reading whether it was taken and how surprising it was", () => {
    const rows = signal(300, 1);
    rows[150] = Number.NaN;
    rows[200] = 1e6;
    const model = forecaster({ horizon: 3, model: "auto:without=recurrent" });
    const shares: number[] = [];
    feed(
      model,
      rows.map((v) => [v]),
      (t) => {
        if (t === 0) expect(model.surprise[0]).toBeNaN();
        if (t === 150) expect([model.surprise[0], model.taken[0]]).toEqual([Number.NaN, Number.NaN]);
        else expect(model.taken[0], `${t}`).toBe(t === 200 ? 0 : 1);
        if (t === 200) expect(model.surprise[0]).toBeLessThan(1e-9);
        else if (t > 50 && t !== 150) {
          expect(model.surprise[0]).toBeGreaterThan(0);
          expect(model.surprise[0]).toBeLessThanOrEqual(1);
          shares.push(model.surprise[0]);
        }
      },
    );
    expect(model.held(0)).toBe(1);
    // One in ten lies outside of the 90 % interval: it is told a share of less than a tenth.
    const surprising = shares.filter((p) => p < 0.1).length / shares.length;
    expect(surprising).toBeGreaterThan(0.04);
    expect(surprising).toBeLessThan(0.17);
  });

  it("tells bounds that span both what was forecast and a far reading that may stay", () => {
    const normal = normals(6);
    const model = forecaster({ horizon: 3, quantiles: [0.1, 0.5, 0.9] });
    for (let t = 0; t < 300; t++) model.observe(t * 60_000, Float64Array.of(500 + 8 * normal()));
    for (let t = 300; t < 304; t++) {
      model.observe(t * 60_000, Float64Array.of(0));
      for (let h = 0; h < 3; h++) {
        expect(model.lower[h]).toBeLessThanOrEqual(0);
        expect(model.upper[h]).toBeGreaterThan(505);
        expect(model.quantiles[0][h]).toBe(0);
        expect(Math.abs(model.quantiles[1][h] - 500)).toBeLessThan(10);
        expect(model.quantiles[2][h]).toBeGreaterThan(500);
        expect(model.mean[h]).toBeGreaterThan(100);
        expect(model.mean[h]).toBeLessThan(480);
      }
    }
    model.release();
  });

  it("keeps forecasts within reach of the clean ones right after a spike of any size, as any reading", () => {
    const clean = signal(260, 2);
    const usual = error(forecaster({ horizon: 3, model: "auto:without=recurrent" }), clean, clean, 30, 250);
    for (const [at, spike] of [
      [0, 1e6],
      [0, -127],
      [1, 1e6],
      [2, 1e9],
      [5, -1e6],
      [12, 1e6],
      [40, 850],
      [100, -26_240],
      [180, 1e15],
    ] as const) {
      const sent = clean.map((v, t) => (t === at ? spike : v));
      const model = forecaster({ horizon: 3, model: "auto:without=recurrent" });
      const own = error(model, sent, clean, Math.max(30, at + 2), 250);
      expect(own / usual, `${spike} at ${at}`).toBeLessThan(1.6);
    }
  });

  it("does not hold on-off devices, sparse series and heavy tails for long", () => {
    const random = seeded(5, "test");
    const normal = normals(5);
    let [on, level] = [0, 0];
    const kinds: Record<string, (t: number) => number> = {
      "mostly 0, now and then 5": () => (random() < 0.05 ? 5 : 0),
      "rarely 5": () => (random() < 0.01 ? 5 : 0),
      "on and off": () => {
        if (random() < 0.05) on = 1 - on;
        return on * 1000;
      },
      "a compressor": (t) => (t % 37 < 12 ? 150 : 2) + 0.5 * normal(),
      "heavy tails": () => normal() / Math.max(0.02, Math.abs(normal())),
      "bursts that stay a while": () => {
        level = random() < 0.02 ? 200 * random() : 0.8 * level;
        return level + Math.abs(normal());
      },
      "rain, in days": () => Math.max(0, Math.exp(1.5 * normal()) - 2),
    };
    for (const [name, value] of Object.entries(kinds)) {
      const model = forecaster({ horizon: 4, model: "auto:without=recurrent" });
      let [early, late] = [0, 0];
      let before = 0;
      feed(
        model,
        Array.from({ length: 1500 }, (_, t) => [value(t)]),
        (t) => {
          const held = model.held(0) - before;
          before = model.held(0);
          if (t < 500) early += held / 500;
          else late += held / 1000;
        },
      );
      expect(early, name).toBeLessThan(0.06);
      expect(late, name).toBeLessThan(0.03);
      for (let h = 1; h <= 4; h++) expect(model.skill(h, 0) ?? 0, name).toBeGreaterThan(-0.1);
    }
  });

  it("learns that a device switches on now and then, over a noisy rest too", () => {
    for (const [share, noise] of [
      [0.05, 0],
      [0.1, 0],
      [0.05, 0.05],
      [0.1, 0.05],
    ]) {
      const random = seeded(9, "test");
      const model = forecaster({ horizon: 2, model: "auto:without=recurrent" });
      let [on, held, inside, before] = [0, 0, 0, 0];
      let [low, high] = [0, 0];
      const rows = Array.from({ length: 2000 }, () => {
        const five = random() < share ? 5 : 0;
        return [five + noise * (random() - 0.5)];
      });
      feed(model, rows, (t) => {
        const v = rows[t][0];
        if (t >= 500) {
          if (v > 4) on++;
          if (v > 4 && model.held(0) > before) held++;
          if (v >= low && v <= high) inside += 1 / 1500;
        }
        before = model.held(0);
        [low, high] = [model.lower[0], model.upper[0]];
      });
      const name = `${share} of readings, noise ${noise}`;
      // One in ten or in twenty is the way of the series and no fault.
      expect(held / on, name).toBeLessThan(0.2);
      expect(inside, name).toBeGreaterThan(0.86);
    }
  });

  it("does not call slow or resting sensors stuck again and again", () => {
    const normal = normals(6);
    const kinds: Record<string, (t: number) => number> = {
      // Whole degrees: many equal readings in a row, every time.
      "slow integers": (t) => Math.round(20 + 3 * Math.sin((2 * Math.PI * t) / 288)),
      "the sun, zero every night": (t) =>
        Math.max(0, Math.round(300 * Math.sin((2 * Math.PI * t) / 24) + 20 * normal())),
      "a tank that empties now and then": (t) => 80 - (Math.floor(t / 60) % 5) * 10,
    };
    for (const [name, value] of Object.entries(kinds)) {
      const model = forecaster({ horizon: 4, model: "auto:without=recurrent" });
      let late = 0;
      feed(
        model,
        Array.from({ length: 1400 }, (_, t) => [value(t)]),
        (t) => {
          if (t === 699) late = -model.held(0);
        },
      );
      late += model.held(0);
      expect(late / 700, name).toBeLessThan(0.02);
    }
  });

  it("is nearly its old self soon after a burst whose readings lie mostly inside of the range", () => {
    const wild = 30;
    const seeds = [17, 37, 47, 57, 67];
    for (const seed of seeds) {
      const normal = normals(seed);
      const noise = normals(seed + 1);
      const model = forecaster({ horizon: 2, model: "auto:without=recurrent" });
      const clean = Array.from({ length: 960 }, (_, t) => {
        const weekend = Math.floor(t / 24) % 7 > 4 ? 0.35 : 1;
        return weekend * (500 + 350 * Math.sin((2 * Math.PI * t) / 24)) * (1 + 0.02 * normal());
      });
      let error = 0;
      feed(
        model,
        clean.map((v, t) => [t >= 850 && t < 850 + wild ? v + 450 * noise() : v]),
        (t) => {
          if (t >= 900 && t < 959) error += Math.abs(model.mean[0] - clean[t + 1]) / 59;
        },
      );
      // A usual error is about 9; a wild reading is 360 off.
      expect(error, `seed ${seed}`).toBeLessThan(16);
      model.release();
    }
  });

  it("takes a constant series that starts to move for what it is", () => {
    const normal = normals(7);
    for (const [name, value] of Object.entries({
      "from 20": (t: number) => (t < 300 ? 20 : 20 + 4 * Math.sin(t / 5) + 0.3 * normal()),
      "from 0": (t: number) => (t < 300 ? 0 : 4 * Math.sin(t / 5) + 0.3 * normal()),
      "a step": (t: number) => (t < 300 ? 7 : 900 + normal()),
    })) {
      const rows = Array.from({ length: 600 }, (_, t) => [value(t)]);
      const model = forecaster({ horizon: 2, model: "auto:without=recurrent" });
      let inside = 0;
      let [low, high] = [0, 0];
      feed(model, rows, (t) => {
        if (t >= 400 && rows[t][0] >= low && rows[t][0] <= high) inside += 1 / 200;
        [low, high] = [model.lower[0], model.upper[0]];
      });
      expect(model.held(0), name).toBeLessThan(12);
      expect(inside, name).toBeGreaterThan(0.75);
    }
  });

  it("leaves the other columns alone while one is faulty", () => {
    const columns = [1, 2, 3].map((seed) => signal(500, 10 + seed));
    const normal = normals(8);
    const clean = Array.from({ length: 500 }, (_, t) => columns.map((column) => column[t]));
    const faults: Record<string, (v: number, t: number) => number> = {
      spike: (v, t) => (t === 250 ? 1e9 : v),
      "wild for 30": (v, t) => (t >= 250 && t < 280 ? v + 1e5 * normal() : v),
      "in thousands": (v, t) => (t >= 250 ? v * 1000 : v),
      stuck: (v, t) => (t >= 250 && t < 400 ? 31 : v),
      gone: (v, t) => (t >= 250 ? Number.NaN : v),
    };
    for (const options of [
      { targets: ["a", "b", "c"], inputs: [] },
      { targets: ["a", "b"], inputs: ["c"] },
    ]) {
      const others = (rows: readonly (readonly number[])[]): [number, Forecaster] => {
        const model = forecaster({ horizon: 3, model: "auto:without=recurrent", ...options });
        const D = options.targets.length;
        let sum = 0;
        let said = new Float64Array(3);
        feed(model, rows, (t) => {
          if (t > 251) for (const d of [0, 1]) sum += Math.abs(said[d] - clean[t][d]);
          said = model.mean.slice(0, D);
        });
        return [sum, model];
      };
      const [usual] = others(clean);
      for (const [name, fault] of Object.entries(faults)) {
        const [own, model] = others(clean.map(([a, b, c], t) => [a, b, fault(c, t)]));
        expect(own / usual, `${name}, ${options.inputs}`).toBeLessThan(1.15);
        expect(model.held(0) + model.held(1), name).toBe(0);
      }
    }
  });

  it("goes on from a checkpoint amid far readings, of a stuck value and of a change, to the same bits", () => {
    const clean = signal(300, 9);
    const options = { horizon: 4, quantiles: [0.2, 0.8], model: "auto:without=recurrent" };
    const cases: Record<string, [(v: number, t: number) => number, number[]]> = {
      "far readings in doubt": [(v, t) => (t >= 200 && t < 203 ? 1e6 * (1 + (t % 7)) : v), [201, 202]],
      "another unit": [(v, t) => (t >= 200 ? v * 1000 : v), [201, 202, 205]],
      "a stuck value": [(v, t) => (t >= 200 && t < 260 ? 31.5 : v), [205, 215, 250, 261]],
      "a first reading in doubt": [(v, t) => (t === 0 ? -1e6 : v), [1, 2, 4, 9]],
    };
    for (const [name, [fault, at]] of Object.entries(cases)) {
      const rows = clean.map((v, t) => [fault(v, t)]);
      for (const stop of at) {
        const whole = forecaster(options);
        feed(whole, rows.slice(0, stop));
        const resumed = forecaster(options);
        feed(
          resumed,
          signal(37, 3).map((v) => [v]),
        );
        resumed.restore(whole.save());
        feed(
          whole,
          rows,
          (t) => {
            feed(resumed, rows.slice(0, t + 1), () => {}, t);
            expect(issued(resumed), `${name} ${stop}: ${t}`).toEqual(issued(whole));
          },
          stop,
        );
        expect(Buffer.compare(resumed.save(), whole.save()), name).toBe(0);
        whole.release();
        resumed.release();
      }
    }
  });

  it("sees nothing of what is to come: another future, with faults, leaves earlier forecasts bit-identical", () => {
    const normal = normals(11);
    const base = signal(260, 10).map((v, t) => {
      if (t === 0) return 1e6;
      if (t === 90 || t === 150) return -127;
      if (t >= 110 && t < 130) return Number.NaN;
      if (t >= 170) return (v - 32) / 1.8;
      return v;
    });
    const options = { horizon: 5, quantiles: [0.1, 0.9] };
    const say = (rows: readonly number[]): number[][] => {
      const model = forecaster(options);
      const all: number[][] = [];
      feed(
        model,
        rows.map((v) => [v]),
        () =>
          all.push([...issued(model), model.surprise[0], model.taken[0], model.held(0), model.changes(0)]),
      );
      model.release();
      return all;
    };
    const own = say(base);
    for (const change of [1, 3, 90, 91, 112, 150, 170, 171, 172, 175, 200]) {
      const other = base.map((v, t) => (t > change ? 500 * normal() : v));
      expect(say(other).slice(0, change + 1), `${change}`).toEqual(own.slice(0, change + 1));
    }
  });
});

function issued(model: Forecaster): number[] {
  return [...model.mean, ...model.lower, ...model.upper, ...model.quantiles.flatMap((values) => [...values])];
}
