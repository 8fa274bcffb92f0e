import { type Static, Type } from "@sinclair/typebox";
import { EddyError, printable } from "../models/errors.ts";
import { withSomeTargets } from "../models/forecaster/specification.ts";
import { Arena } from "../models/kernels/arena.ts";
import { type Option, onlyKnown } from "../models/options.ts";
import { type AlertRule, checkRule, MOST_RULES } from "../streams/alerts/rule.ts";
import { checked, duration, oneOf, strict, text, whole } from "../streams/checked.ts";
import { parseJson, placeOfFlaw } from "../streams/json.ts";
import { matchesPattern } from "../streams/pattern.ts";
import {
  checkSeriesOptions,
  SERIES_OPTIONS,
  type SeriesOptions,
  seriesSpecification,
} from "../streams/series-specification.ts";
import { checkSource, SOURCE_KINDS, type SourceSettings } from "../streams/sources/kinds.ts";
import { checkTokens, TokenSchema } from "./access/tokens.ts";
import { checkReceivers, receiversSchema } from "./alerts/delivery/settings.ts";
import { Prices, SERIES_BYTES } from "./engine/prices.ts";
import type { CounterNames } from "./sources/counter-names.ts";

/** Options of every series. Each is checked by its own kind, as everywhere. */
const forecast = Object.fromEntries(
  Object.entries<Option>(SERIES_OPTIONS)
    .filter(([, { configuration }]) => configuration !== false)
    .map(([name]) => [name, Type.Optional(Type.Unknown())]),
);
type ForecastOptions = Omit<SeriesOptions, "ahead">;

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
          transitionRows: rows,
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

const series = Type.Object({ match: text("a pattern of series names"), ...forecast }, strict);

/** What `eddy serve --config FILE` may hold. */
const ConfigurationSchema = Type.Object(
  {
    host: Type.Optional(text("an address of this machine")),
    port: Type.Optional(whole(0, 65_535)),
    token: Type.Optional(text("some text")),
    tokens: Type.Optional(
      Type.Array(TokenSchema, { maxItems: 10_000, expected: "a list of tokens, as eddy token prints them" }),
    ),
    requestsPerSecond: Type.Optional(whole(1, 1_000_000)),
    proxies: Type.Optional(
      Type.Array(text("an address or a network"), {
        maxItems: 1000,
        expected: "a list of addresses and networks",
      }),
    ),
    tls: Type.Optional(
      Type.Object(
        { cert: text("the path of a PEM file"), key: text("the path of a PEM file") },
        { ...strict, expected: 'an object with "cert" and "key", paths of PEM files' },
      ),
    ),
    origins: Type.Optional(
      Type.Array(text("an origin such as https://dash.example"), { expected: "a list of origins" }),
    ),
    units: Type.Optional(
      Type.Record(Type.String(), Type.String({ minLength: 1, maxLength: 16 }), {
        maxProperties: 10_000,
        expected:
          'an object of patterns and units of at most 16 characters, such as { "*/temperature": "°C" }',
      }),
    ),
    database: Type.Optional(text("the path of a file")),
    durability: Type.Optional(oneOf(["power", "process"])),
    bodyBytes: Type.Optional(whole(1024, 1 << 30)),
    ahead: Type.Optional(duration()),
    storage: Type.Optional(storage),
    sources: Type.Optional(
      Type.Array(source, { maxItems: 256, expected: 'a list of { "name", "kind", "options" }' }),
    ),
    receivers: Type.Optional(receiversSchema),
    alerts: Type.Optional(
      Type.Array(Type.Unsafe<AlertRule>(Type.Unknown()), {
        maxItems: MOST_RULES,
        expected: `a list of at most ${MOST_RULES} rules`,
      }),
    ),
    forecast: Type.Optional(Type.Unsafe<ForecastOptions>(Type.Object(forecast, strict))),
    series: Type.Optional(
      Type.Array(Type.Unsafe<ForecastOptions & { match: string }>(series), {
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
  const text = json.replace(/^\ufeff/, "");
  let given: unknown;
  try {
    given = parseJson(text, "bad-config", name);
  } catch (error) {
    // No part of the text is told, as secrets stand in it.
    const { cause, expected = "JSON" } = error as EddyError;
    const received = cause === undefined ? "deeper" : placeOfFlaw(text);
    throw new EddyError("bad-config", name, { expected, received });
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
  checkTokens(read.tokens ?? [], name);
  checkReceivers(read.receivers ?? {}, `${name}: receivers`);
  checkRules(read, name);
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

function optionsOf({ match: _, ...options }: ForecastOptions & { match?: string }): SeriesOptions {
  // Limits for all may name columns that a series of other targets does not have.
  return options.targets === undefined
    ? options
    : onlyKnown(SERIES_OPTIONS, options, options.targets, options.inputs ?? []);
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

function checkRules({ alerts = [], receivers = {} }: Configuration, where: string): void {
  const names = new Set<string>();
  for (const [i, rule] of alerts.entries()) {
    const subject = `${where}: alerts.${i}`;
    const { name } = checkRule(rule, { subject, code: "bad-config", receivers: Object.keys(receivers) });
    if (names.has(name)) {
      throw new EddyError("bad-config", `${subject}: name`, {
        expected: "a name that no other rule has",
        received: printable(name),
      });
    }
    names.add(name);
  }
}

function checkForecast(options: ForecastOptions, where: string): void {
  try {
    const { match: _, ...rest } = options as typeof options & { match?: string };
    checkSeriesOptions(rest);
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
