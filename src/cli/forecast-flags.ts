import { MAX_HORIZON } from "../models/forecaster/specification.ts";
import type { FormatOptions } from "../streams/formats/reading.ts";
import { openFormatNames } from "../streams/formats/recognise.ts";
import type { SeriesOptions } from "../streams/series.ts";
import { AGGREGATES, AHEAD } from "../streams/series-specification.ts";
import type { Values } from "./command.ts";
import {
  character,
  choice,
  columns,
  duration,
  levels,
  limits,
  list,
  number,
  text,
  toggle,
  whole,
  wholes,
} from "./flags.ts";

/** Flags of every command that reads a table of readings. */
export const inputFlags = {
  format: choice(openFormatNames, "what the lines are; auto finds out by the first ones", "auto"),
  separator: character(
    "what stands between the cells of a table, such as ';' or tab; found by the lines when absent",
  ),
  decimal: choice(["auto", "point", "comma"], "what stands before the fraction of a number", "auto"),
  time: text({
    summary: "column with the event time, or a date and a clock with a comma between; found when absent",
    hint: "COL",
  }),
  "time-format": text({
    summary:
      "how times are written, such as DD/MM/YYYY HH:mm:ss, %d.%m.%y %H:%M or unix_ms; found when absent",
    hint: "PATTERN",
  }),
  "time-zone": text({
    summary: "zone of times that name none, such as Europe/Berlin or +02:00; UTC when absent",
    hint: "ZONE",
  }),
  series: list("columns whose text names the series; found by their names when absent", "COL,..."),
  value: list("columns to forecast; every column of numbers when absent", "COL,..."),
  with: list("columns to read as inputs, not forecast", "COL,..."),
  quiet: toggle("do not say what the input was found to be"),
};

/** Flags of every command that forecasts. */
export const forecastFlags = {
  horizon: whole({ summary: "steps ahead", low: 1, high: MAX_HORIZON, fallback: 12 }),
  model: text({ summary: "auto, or one such as persistence, lstm, esn", hint: "SPEC", fallback: "auto" }),
  period: wholes("known season lengths in steps; found online when absent", 2, 100_000),
  coverage: number({
    summary: "share of labels the intervals shall hold",
    hint: "SHARE",
    fallback: 0.9,
    expected: "a number between 0 and 1",
    holds: (value) => value > 0 && value < 1,
  }),
  quantiles: levels("levels whose quantiles every step tells too, such as 0.1,0.5,0.9"),
  every: duration({
    summary:
      "make steps of this length out of the readings, such as 5s, 15m or 1h; every reading is a step when absent",
  }),
  aggregate: choice(AGGREGATES, "how the readings of one step become one value", "mean"),
  lateness: duration({ summary: "hold readings back this long, to put late ones in order", fallback: 0 }),
  ahead: duration({
    summary:
      "how far ahead a reading may be, of the clock or else of the reading before; further on, the next ones must confirm it [1d]",
  }),
  min: limits(
    "least value that can be, of all columns forecast or by column: forecasts keep to it, a reading below it is left out",
  ),
  max: limits("greatest value that can be, in the same way"),
  integer: columns("columns of whole numbers, all without a value: bounds and quantiles are whole"),
  counter: columns(
    "columns that only count up, all without a value: increments are learned from, totals forecast",
  ),
  detail: toggle("tell skill and coverage by step, and the weights of the experts"),
};

/** What is known of times and values beforehand. */
export const inputOptions = (
  flags: Pick<Values<typeof forecastFlags>, "ahead" | "min" | "max" | "integer" | "counter">,
): SeriesOptions => ({
  ahead: flags.ahead ?? AHEAD,
  min: flags.min ?? {},
  max: flags.max ?? {},
  integer: flags.integer,
  counter: flags.counter,
});

export const seriesOptions = (
  flags: Values<typeof forecastFlags> & Pick<Values<typeof inputFlags>, "value" | "with">,
): SeriesOptions => ({
  horizon: flags.horizon,
  model: flags.model,
  periods: flags.period,
  coverage: flags.coverage,
  quantiles: flags.quantiles,
  lateness: flags.lateness,
  every: flags.every ?? 0,
  aggregate: flags.aggregate,
  ...inputOptions(flags),
  detail: flags.detail,
  inputs: flags.with,
  ...(flags.value.length > 0 ? { targets: flags.value } : {}),
});

export const formatOptions = (
  flags: Values<Omit<typeof inputFlags, "format" | "quiet">>,
): Omit<Partial<FormatOptions>, "name" | "arrival"> => ({
  ...(flags.time === undefined ? {} : { time: flags.time }),
  ...(flags["time-format"] === undefined ? {} : { timeFormat: flags["time-format"] }),
  ...(flags["time-zone"] === undefined ? {} : { timeZone: flags["time-zone"] }),
  ...(flags.separator === undefined ? {} : { separator: flags.separator }),
  ...(flags.decimal === "auto" ? {} : { decimal: flags.decimal === "comma" ? "," : "." }),
  ...(flags.series.length === 0 ? {} : { series: flags.series }),
  ...(flags.value.length === 0 ? {} : { values: [...flags.value, ...flags.with] }),
});
