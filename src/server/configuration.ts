import { type Static, type TObject, Type } from "@sinclair/typebox";
import { Value } from "@sinclair/typebox/value";
import { EddyError, printable } from "../models/errors.ts";
import {
  MAX_HORIZON,
  MAX_QUANTILES,
  onlyKnown,
  withSomeTargets,
} from "../models/forecaster/specification.ts";
import { Arena } from "../models/kernels/arena.ts";
import { parseJson } from "../streams/json.ts";
import {
  AGGREGATES,
  checkSeriesOptions,
  type SeriesOptions,
  seriesSpecification,
} from "../streams/series-specification.ts";
import { Prices, SERIES_BYTES } from "./engine-prices.ts";
import { matchesPattern } from "./socket/pattern.ts";

const strict = { additionalProperties: false, expected: "an object" };
const text = (expected: string) => Type.String({ minLength: 1, maxLength: 4096, expected });
const whole = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, expected: `a whole number from ${minimum} to ${maximum}` });

const oneOf = <const W extends readonly string[]>(words: W) =>
  Type.Unsafe<W[number]>(
    Type.Union(
      words.map((word) => Type.Literal(word)),
      { expected: `one of ${words.join(", ")}` },
    ),
  );

const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a span of time such as `90s` or `1d`, as the configuration writes it. */
export function milliseconds(duration: string): number {
  const [, number, unit] = DURATION.exec(duration) ?? [];
  return Number(number) * UNITS[unit];
}

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
    ahead: Type.Optional(
      Type.Unsafe<string>(
        Type.String({ pattern: DURATION.source, expected: 'a span of time such as "90s", "12h" or "1d"' }),
      ),
    ),
    storage: Type.Optional(storage),
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
  let read: unknown;
  try {
    read = parseJson(json.replace(/^\ufeff/, ""), "bad-config", name);
  } catch (error) {
    // Where it went wrong is told by the parser, if it was it that refused.
    const { cause } = error as { cause?: Error };
    if (cause === undefined) throw error;
    const received = printable(cause.message.replaceAll(/\s+/g, " "), 200).slice(1, -1);
    throw new EddyError("bad-config", name, { expected: "JSON", received, cause });
  }
  if (!Value.Check(ConfigurationSchema, read)) throw refusal(read, name);
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
  return read;
}

/** How each series is opened: the first entry of `series` that fits its name, over `forecast`. */
export function seriesOptions(configuration: Configuration): (series: string) => SeriesOptions {
  return (series) => {
    const entry = configuration.series?.find(({ match }) => matchesPattern(match, series));
    return optionsOf({ ...configuration.forecast, ...entry });
  };
}

type ForecastOptions = NonNullable<Configuration["forecast"]> & { match?: string };

function optionsOf(options: ForecastOptions): SeriesOptions {
  const { match: _, ...rest } = options;
  const read = rest as SeriesOptions;
  // Limits for all may name columns that a series of other targets does not have.
  return read.targets === undefined ? read : onlyKnown(read, read.targets, read.inputs ?? []);
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

function refusal(read: unknown, name: string): EddyError {
  const first = Value.Errors(ConfigurationSchema, read).First();
  const field = first?.path.slice(1).replaceAll("/", ".") ?? "";
  const subject = field === "" ? name : `${name}: ${field}`;
  if (first?.message === "Unexpected property") {
    const parent = (field.includes(".") ? first.schema : ConfigurationSchema) as Partial<TObject>;
    const known = Object.keys(parent.properties ?? ConfigurationSchema.properties).join(", ");
    return new EddyError("bad-config", subject, {
      expected: `one of ${known}`,
      received: "a field of another name",
    });
  }
  return new EddyError("bad-config", subject, {
    expected: (first?.schema.expected as string | undefined) ?? String(first?.message).toLowerCase(),
    received: first?.value === undefined ? "nothing" : printable(first.value),
  });
}
