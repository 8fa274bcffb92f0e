import { describe, expect, it, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { readModel } from "../../../src/models/forecaster/experts/open.ts";
import {
  parseModelSpec,
  printModelSpec,
  systemNames,
  wiringOf,
} from "../../../src/models/network/model-spec.ts";
import { compile } from "../../../src/models/network/program.ts";
import { clockwork, esn, lstm } from "../../../src/models/network/systems.ts";
import { forecaster } from "../forecaster/series.ts";

describe("model specs", () => {
  it.each(systemNames())("%s stands for a network that compiles", (name) => {
    const wiring = wiringOf(name, { inputs: 3, outputs: 2 });
    const program = compile(wiring);
    expect(program.x).toBe(3);
    if (name !== "esn") expect(program.output.n).toBe(2);
  });

  it("are the same as the builder functions", () => {
    expect(wiringOf("lstm:hidden=32,memory=100", { inputs: 2 })).toEqual(
      lstm({ inputs: 2, hidden: 32, memory: 100 }),
    );
    expect(wiringOf("esn:units=50,leak=0.3,radius=1.1", { inputs: 2, seed: 7 })).toEqual(
      esn({ inputs: 2, units: 50, leak: 0.3, radius: 1.1, seed: 7 }),
    );
    expect(wiringOf("clockwork:periods=1x3x9,hidden=4")).toEqual(
      clockwork({ periods: [1, 3, 9], hidden: 4 }),
    );
  });

  it.each([
    "lstm",
    "lstm:hidden=64",
    "deep:layers=8x4,skips=false",
    "leaky:alpha=0.5",
    "auto",
    "naive:season=24",
  ])("%s reads and prints as itself", (text) => expect(printModelSpec(parseModelSpec(text))).toBe(text));

  it.each([
    ["lstm:hiden=3", /^model lstm: expected options among seed, hidden, .*, got "hiden"$/],
    ["lstm:outputs=9", /^model lstm: expected options among seed, hidden, .*, got "outputs"$/],
    ["gru:inputs=3", /^model gru: expected options among seed, hidden, .*, got "inputs"$/],
    ["lstm:hidden=three", /^model lstm, hidden: expected a number, got "three"$/],
    ["lstm:hidden=-3", /^model lstm, hidden: expected a whole number from 1 to 65536, got "-3"$/],
    ["lstm:hidden", /^model lstm: expected options as name=value, got "hidden"$/],
    ["lstm:hidden=1,hidden=2", /^model lstm: expected each option once, got hidden$/],
    ["skip:only=yes", /^model skip, only: expected true or false, got "yes"$/],
    ["", /^model: expected a name/],
    ["LSTM!", /^model: expected a name/],
  ])("%s is refused", (text, message) => expect(() => parseModelSpec(text)).toThrow(message));

  it("an unknown network is refused with the names there are", () => {
    expect(() => wiringOf("lstmm")).toThrow(/^model: expected one of elman, lstm, .*, got "lstmm"$/);
  });
});

test("names that every object has are unknown names like any other, as a model and as an option", () => {
  for (const name of Object.getOwnPropertyNames(Object.prototype)) {
    const refused = (read: () => unknown) => expect(read, name).toThrow(EddyError);
    for (const model of [name, `auto:without=${name}`, `lstm:${name}=1`, `esn:${name}=1`, `auto:${name}=1`]) {
      refused(() => readModel(model));
    }
    refused(() => wiringOf({ name, options: {} }));
  }
  expect(() => readModel("lstm:toString=1")).toThrow(/expected options among .*, got "toString"/);
});

test("a model that is read can be opened and forecasts; what cannot is refused before", () => {
  const values =
    "0 1 2 7 0.5 -1 1.5 1e9 1e300 1e-300 99999 true false after lstm tanh logistic 0x0 1x2 3x0 2x1 1x1x1 constructor".split(
      " ",
    );
  const options: Record<string, string> = {
    elman: "seed hidden orthogonal",
    lstm: "seed candidate forgetBias memory outputs",
    gru: "hidden memory reset inputs",
    leaky: "hidden alpha fastest slowest learned",
    skip: "hidden skip only",
    clockwork: "hidden periods firstStep",
    deep: "layers cell skips",
    esn: "units radius leak inputScale",
  };
  let opened = 0;
  for (const [name, keys] of Object.entries(options)) {
    for (const [key, value] of keys
      .split(" ")
      .flatMap((key) => values.map((value) => [key, value] as const))) {
      const model = `${name}:${key}=${value}`;
      try {
        readModel(model);
      } catch (error) {
        expect((error as EddyError).code, model).toBe("bad-model");
        continue;
      }
      const one = forecaster({ model, horizon: 2 });
      for (let t = 0; t < 3; t++) one.observe(t * 1000, Float64Array.of(t % 3));
      expect(one.mean.every(Number.isFinite), model).toBe(true);
      one.release();
      opened++;
    }
  }
  expect(opened).toBeGreaterThan(100);
  for (const longest of [`deep:layers=${"1x".repeat(70)}1`, "esn:units=1e9", "leaky:hidden=4e9"]) {
    expect(() => readModel(longest), longest).toThrow(/expected (at most|a whole number from 1 to)/);
  }
});
