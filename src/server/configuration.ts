import { type Static, Type } from "@sinclair/typebox";
import { EddyError, printable } from "../models/errors.ts";
import {
  MAX_HORIZON,
  MAX_QUANTILES,
  onlyKnown,
  withSomeTargets,
} from "../models/forecaster/specification.ts";
import { Arena } from "../models/kernels/arena.ts";
import { checked, duration, oneOf, strict, text, whole } from "../streams/checked.ts";
import { parseJson } from "../streams/json.ts";
import { matchesPattern } from "../streams/pattern.ts";
import {
  AGGREGATES,
  checkSeriesOptions,
  type SeriesOptions,
  seriesSpecification,
} from "../streams/series-specification.ts";
import { checkSource, SOURCE_KINDS, type SourceSettings } from "../streams/sources/kinds.ts";
import { Prices, SERIES_BYTES } from "./engine/prices.ts";
import type { CounterNames } from "./sources/counter-names.ts";

const share = Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1, expected: "a number between 0 and 1" });

const columnName = text("the name of a column");
const limit = Type.Union([Type.Number(), Type.Record(Type.String(), Type.Number(), { maxProperties: 257 })], {
  expected: 'a number, or { "column": number }',
});
const someTargets = Type.Union([Type.Boolean(), Type.Array(columnName, { maxItems: 257 })], {
  expected: "true, or a list of columns",
});

const forecast = {
  model: Type.Optional(text('a model such as "auto" or "lstm:hidden=64"')),
  horizon: Type.Optional(whole(1, MAX_HORIZON)),
  coverage: Type.Optional(share),
  quantiles: Type.Optional(
    Type.Array(share, { maxItems: MAX_QUANTILES, expected: `a list of at most ${MAX_QUANTILES} levels` }),
  ),
  periods: Type.Optional(
    Type.Array(whole(2, 100_000), { maxItems: 16, expected: "a list of season lengths" }),
  ),
  targets: Type.Optional(
    Type.Array(text("the name of a column"), { maxItems: 256, expected: "a list of columns" }),
  ),
  inputs: Type.Optional(
    Type.Array(text("the name of a column"), { maxItems: 256, expected: "a list of columns" }),
  ),
  seed: Type.Optional(whole(0, Number.MAX_SAFE_INTEGER)),
  lateness: Type.Optional(whole(0, 86_400_000)),
  every: Type.Optional(whole(0, 31_536_000_000)),
  aggregate: Type.Optional(oneOf(AGGREGATES)),
  steps: Type.Optional(oneOf(["event", "count"])),
  detail: Type.Optional(Type.Boolean({ expected: "true or false" })),
  min: Type.Optional(limit),
  max: Type.Optional(limit),
  integer: Type.Optional(someTargets),
  counter: Type.Optional(someTargets),
};

const days = Type.Optional(whole(0, 36_500));
const rows = Type.Optional(whole(0, Number.MAX_SAFE_INTEGER));

/** What is kept, where, and for how long; docs/recovery.md tells what each means. */
const storage = Type.Object(
  {
    checkpointEvery: Type.Optional(whole(100, 86_400_000)),
    generations: Type.Optional(whole(2, 16)),
    memoryBytes: Type.Optional(whole(1, Number.MAX_SAFE_INTEGER)),
    maxBytes: Type.Optional(whole(1 << 20, Number.MAX_SAFE_INTEGER)),
    queueLimit: Type.Optional(whole(1, 10_000_000)),
    seriesBytes: Type.Optional(whole(1 << 16, 2 ** 31)),
    newSeriesPerSecond: Type.Optional(whole(1, 1_000_000)),
    seriesLimit: Type.Optional(whole(1, 10_000_000)),
    retention: Type.Optional(
      Type.Object(
        {
          journalRows: rows,
          journalDays: days,
          forecastRows: rows,
          forecastDays: days,
          idRows: rows,
          rollUpDays: days,
        },
        strict,
      ),
    ),
  },
  strict,
);

const source = Type.Object(
  {
    name: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
      expected: "a name of 1 to 64 letters, digits and . _ -",
    }),
    kind: oneOf(SOURCE_KINDS),
    options: Type.Object({}, { additionalProperties: true, expected: "an object" }),
  },
  { ...strict, expected: 'an object with "name", "kind" and "options"' },
);

/** What `eddy serve --config FILE` may hold. */
const ConfigurationSchema = Type.Object(
  {
    host: Type.Optional(text("an address of this machine")),
    port: Type.Optional(whole(0, 65_535)),
    token: Type.Optional(text("some text")),
    origins: Type.Optional(
      Type.Array(text("an origin such as https://dash.example"), { expected: "a list of origins" }),
    ),
    database: Type.Optional(text("the path of a file")),
    durability: Type.Optional(oneOf(["power", "process"])),
    bodyBytes: Type.Optional(whole(1024, 1 << 30)),
    ahead: Type.Optional(duration()),
    storage: Type.Optional(storage),
    sources: Type.Optional(
      Type.Array(source, { maxItems: 256, expected: 'a list of { "name", "kind", "options" }' }),
    ),
    forecast: Type.Optional(Type.Object(forecast, strict)),
    series: Type.Optional(
      Type.Array(Type.Object({ match: text("a pattern of series names"), ...forecast }, strict), {
        maxItems: 10_000,
        expected: "a list of { match, ... }",
      }),
    ),
  },
  { ...strict, expected: "a JSON object" },
);
export type Configuration = Static<typeof ConfigurationSchema>;

/**
 * Reads a configuration. `name` is what errors call it, such as the path of the file.
 *
 * @throws EddyError `bad-config`: one line naming the field, what was expected and what came
 * @example
 * ```ts
 * readConfiguration('{ "port": 8787 }', "eddy.config.json").port; // 8787
 * ```
 */
export function readConfiguration(json: string, name: string): Configuration {
  let given: unknown;
  try {
    given = parseJson(json.replace(/^\ufeff/, ""), "bad-config", name);
  } catch (error) {
    // Where it went wrong is told by the parser, if it was it that refused.
    const { cause } = error as { cause?: Error };
    if (cause === undefined) throw error;
    const received = printable(cause.message.replaceAll(/\s+/g, " "), 200).slice(1, -1);
    throw new EddyError("bad-config", name, { expected: "JSON", received, cause });
  }
  const read = checked(ConfigurationSchema, given, name);
  const { forecast: common = {}, series, storage: stored } = read;
  const bound = stored?.seriesBytes ?? SERIES_BYTES;
  const prices = new Prices(new Arena());
  const check = (options: ForecastOptions, where: string): void => {
    checkForecast(options, where);
    checkWeight({ ...common, ...options }, where, prices, bound);
  };
  check(common, `${name}: forecast`);
  series?.forEach((entry, i) => {
    check(entry, `${name}: series.${i}`);
  });
  checkSources(read.sources ?? [], name);
  return read;
}

/**
 * How each series is opened: the first entry of `series` that fits its name, over `forecast`. One among `counters` is a counter
 * unless the configuration says what is one.
 */
export function seriesOptions(
  configuration: Configuration,
  counters?: CounterNames,
): (series: string) => SeriesOptions {
  return (series) => {
    const entry = configuration.series?.find(({ match }) => matchesPattern(match, series));
    const counter = counters?.has(series) === true ? { counter: true } : {};
    return optionsOf({ ...counter, ...configuration.forecast, ...entry });
  };
}

type ForecastOptions = NonNullable<Configuration["forecast"]> & { match?: string };

function optionsOf(options: ForecastOptions): SeriesOptions {
  const { match: _, ...rest } = options;
  const read = rest as SeriesOptions;
  // Limits for all may name columns that a series of other targets does not have.
  return read.targets === undefined ? read : onlyKnown(read, read.targets, read.inputs ?? []);
}

/** A source that could never be opened is told at the start. */
function checkSources(sources: readonly SourceSettings[], where: string): void {
  const names = new Set<string>();
  for (const [i, source] of sources.entries()) {
    checkSource(source, `${where}: sources.${i}.options`);
    if (names.has(source.name)) {
      throw new EddyError("bad-config", `${where}: sources.${i}.name`, {
        expected: "a name that no other source has",
        received: printable(source.name),
      });
    }
    names.add(source.name);
  }
}

function checkForecast(options: ForecastOptions, where: string): void {
  try {
    const { match: _, ...rest } = options as typeof options & { match?: string };
    checkSeriesOptions(rest as SeriesOptions);
  } catch (cause) {
    if (!(cause instanceof EddyError)) throw cause;
    throw cause.about(`${where}.${cause.subject}`, "bad-config");
  }
}

/** A series that could never be opened is told at the start, not with every observation of it. */
function checkWeight(options: ForecastOptions, where: string, prices: Prices, bound: number): void {
  const price = prices.of(seriesSpecification(withSomeTargets(optionsOf(options))));
  if (price <= bound) return;
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  throw new EddyError("bad-config", where, {
    expected: `a series of at most ${mebibytes(bound)} of state (storage.seriesBytes)`,
    received: `one of ${mebibytes(price)}`,
    hint: "fewer steps, a lighter model, or more storage.seriesBytes",
  });
}
