import { names, text, word } from "../models/kinds.ts";
import type { Option } from "../models/options.ts";
import type { FormatOptions } from "../streams/formats/reading.ts";
import { openFormatNames } from "../streams/formats/recognise.ts";
import { SERIES_OPTIONS, type SeriesOptions } from "../streams/series-specification.ts";
import type { Flag, Values } from "./command.ts";
import { character, flag, toggle } from "./flags.ts";

/** Columns named at most. */
const MOST = 4096;

/** Flags of every command that reads a table of readings. */
export const inputFlags = {
  format: flag(word(openFormatNames), "what the lines are; auto finds out by the first ones", "auto"),
  separator: flag(
    character,
    "what stands between the cells of a table, such as ';' or tab; found by the lines when absent",
  ),
  decimal: flag(word(["auto", "point", "comma"]), "what stands before the fraction of a number", "auto"),
  time: flag(
    text("the name of a column", "COL"),
    "column with the event time, or a date and a clock with a comma between; found when absent",
  ),
  "time-format": flag(
    text("a pattern of times", "PATTERN"),
    "how times are written, such as DD/MM/YYYY HH:mm:ss, %d.%m.%y %H:%M or unix_ms; found when absent",
  ),
  "time-zone": flag(
    text("a zone", "ZONE"),
    "zone of times that name none, such as Europe/Berlin or +02:00; UTC when absent",
  ),
  series: flag(
    names(MOST),
    "columns whose text names the series; found by their names when absent",
    [] as readonly string[],
  ),
  quiet: toggle("do not say what the input was found to be"),
};

type Options = typeof SERIES_OPTIONS;
type Name = keyof Options;
/** The flag of each option. */
type FlagOf<N extends Name> = Options[N] extends { flag: infer F } ? (F extends string ? F : never) : N;
type ForecastFlags = { readonly [N in Name as FlagOf<N>]: Flag<NonNullable<SeriesOptions[N]>> };

const options = Object.entries<Option>(SERIES_OPTIONS);

/** The flag of an option, without its dashes; of one that has none, its own name. */
export const flagName = (name: string): string => {
  const option = options.find(([other]) => other === name)?.[1];
  return option?.flag ?? name;
};

/** Flags of a command that forecasts: those of the options that it takes, all of them where none is named. */
export const forecastFlags = (command?: string): ForecastFlags =>
  Object.fromEntries(
    options
      .filter(
        ([, { flag, commands }]) => flag !== null && (!command || !commands || commands.includes(command)),
      )
      .map(([name, { kind, help, default: fallback }]) => [flagName(name), flag(kind, help, fallback)]),
  ) as unknown as ForecastFlags;

/** The options that the flags say. */
export function seriesOptions(flags: Partial<Values<ForecastFlags>>): SeriesOptions {
  const given: Readonly<Record<string, unknown>> = flags;
  const said = options
    .map(([name]) => [name, given[flagName(name)]] as const)
    // Without a name, the targets are those of the readings.
    .filter(([name, value]) => value !== undefined && !(name === "targets" && (value as []).length === 0));
  return Object.fromEntries(said);
}

export const formatOptions = (
  flags: Values<Omit<typeof inputFlags, "format" | "quiet">> & {
    readonly value?: readonly string[];
    readonly with?: readonly string[];
  },
): Omit<Partial<FormatOptions>, "name" | "arrival"> => ({
  ...(flags.time === undefined ? {} : { time: flags.time }),
  ...(flags["time-format"] === undefined ? {} : { timeFormat: flags["time-format"] }),
  ...(flags["time-zone"] === undefined ? {} : { timeZone: flags["time-zone"] }),
  ...(flags.separator === undefined ? {} : { separator: flags.separator }),
  ...(flags.decimal === "auto" ? {} : { decimal: flags.decimal === "comma" ? "," : "." }),
  ...(flags.series.length === 0 ? {} : { series: flags.series }),
  ...(flags.value === undefined || flags.value.length === 0
    ? {}
    : { values: [...flags.value, ...(flags.with ?? [])] }),
});
