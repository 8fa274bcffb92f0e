import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { pages } from "../../scripts/build/option-tables.ts";
import { readArguments } from "../../src/cli/arguments.ts";
import { flagName, seriesOptions } from "../../src/cli/forecast-flags.ts";
import { commands } from "../../src/cli/registry.ts";
import { EddyError } from "../../src/models/errors.ts";
import type { Option } from "../../src/models/options.ts";
import { readConfiguration } from "../../src/server/configuration.ts";
import {
  SERIES_OPTIONS,
  type SeriesOptions,
  seriesSpecification,
} from "../../src/streams/series-specification.ts";

const options: readonly (readonly [string, Option])[] = Object.entries(SERIES_OPTIONS);
const FORECASTING = ["pipe", "forecast", "replay", "evaluate"];

/** What came of an attempt: the value, or what was said. */
const told = <T>(attempt: () => T): T | string => {
  try {
    return attempt();
  } catch (error) {
    if (!(error instanceof EddyError)) throw error;
    return error.message;
  }
};

/** No value of any option, whatever its kind; of each a text that says as much. */
const HOSTILE: readonly (readonly [unknown, string])[] = [
  [null, ""],
  ["", ""],
  [{ "": "x" }, "=x"],
  [[1, 0.5, "a", ""], "1,0.5,a,"],
  ["x".repeat(5000), "x".repeat(5000)],
  [{ a: { b: 1 } }, "a=b=1,a=2"],
];

test("the pages have the tables as the list makes them", () => {
  for (const [path, text] of pages()) expect(readFileSync(path, "utf8"), path).toBe(text);
});

test.each(FORECASTING)(
  "eddy %s has the flag of every option that names no other command, and no more",
  async (name) => {
    const command = await commands[name]?.load();
    for (const [option, { flag, commands: only }] of options) {
      const has = Object.hasOwn(command?.flags ?? {}, flagName(option));
      expect(has, option).toBe(flag !== null && (only === undefined || only.includes(name)));
    }
  },
);

test("commands that an option names are there", () => {
  for (const [, { commands: only = [] }] of options)
    for (const name of only) expect(commands).toHaveProperty(name);
});

describe.each(options.map(([name, option]) => ({ name, ...option })))("$name", ({ name, ...option }) => {
  const byProgram = (value: unknown) => told(() => seriesSpecification({ [name]: value } as SeriesOptions));
  const byConfiguration = (value: unknown) =>
    told(() => readConfiguration(JSON.stringify({ forecast: { [name]: value } }), "c").forecast);

  test("its default is of its kind", () => {
    expect(option.kind.read(option.default)).toEqual(option.default);
  });

  test.each(HOSTILE)(
    "%j is refused in the same words by a program, a configuration and a flag",
    async (value, text) => {
      // What is text for one kind is a name for another.
      if (option.kind.read(value) !== undefined) return;
      const message = byProgram(value);
      expect(message).toMatch(`${name}: expected ${option.kind.expected}, got `);
      if (option.configuration === false) {
        expect(byConfiguration(value)).toMatch(/^c: forecast\.ahead: expected one of horizon, /);
      } else expect(byConfiguration(value)).toBe(`c: forecast.${message}`);
      if (option.flag === null || option.kind.hint === "" || option.kind.read(option.kind.parse(text)))
        return;
      const pipe = await commands.pipe?.load();
      const flag = `--${flagName(name)}`;
      const refused = told(() => pipe && readArguments(pipe, [`${flag}=${text}`]));
      expect(refused).toMatch(`${flag}: expected ${option.kind.typed ?? option.kind.expected}, got "`);
    },
  );
});

test("an option that there is not is told to a program too", () => {
  expect(told(() => seriesSpecification({ horizn: 3 } as SeriesOptions))).toMatch(
    /^horizn: expected one of the options horizon, model, .*, got an option of another name$/,
  );
});

test("flags and a configuration that say the same make the same series", async () => {
  const typed =
    "--horizon 3 --model lstm --period 24,168 --coverage 0.8 --quantiles 0.9,0.1 --value a,b --with c --min 0,b=-1 --min c=2 " +
    "--max 9 --integer a --counter=all --every 15m --aggregate last --lateness 5s --detail";
  const json = `{ "horizon": 3, "model": "lstm", "periods": [24, 168], "coverage": 0.8, "quantiles": [0.1, 0.9], "targets": ["a", "b"],
    "inputs": ["c"], "min": { "*": 0, "b": -1, "c": 2 }, "max": 9, "integer": ["a"], "counter": true, "every": 900000,
    "aggregate": "last", "lateness": "5s", "detail": true }`;
  const pipe = await commands.pipe?.load();
  const read = pipe && readArguments(pipe, typed.split(" "));
  const byFlags = seriesSpecification(seriesOptions(read?.flags ?? {}));
  expect(byFlags).toEqual(
    seriesSpecification(readConfiguration(`{ "forecast": ${json} }`, "c").forecast ?? {}),
  );
  expect(byFlags).toMatchObject({
    min: { a: 0, b: -1, c: 2 },
    counter: ["a", "b"],
    quantiles: [0.1, 0.9],
    every: 900_000,
  });
});
