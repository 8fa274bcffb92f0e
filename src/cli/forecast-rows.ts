import type { Forecast, PipelineOutput } from "../models/forecast.ts";
import type { AlertDataMessage } from "../protocol/server-messages.ts";

const NAME = 28;
const NUMBER = 10;
const RANGE = 24;

const short = (value: number | null | undefined): string => {
  if (value === null || value === undefined) return "-";
  return Math.abs(value) >= 1e5 ? value.toPrecision(5) : String(Number(value.toPrecision(5)));
};

const left = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);

/** The first line of a table of forecasts. */
export const HEADING = `${[
  "time (UTC)".padEnd(19),
  "series".padEnd(NAME),
  "reading".padStart(NUMBER),
  "next".padStart(NUMBER),
  "likely between".padEnd(RANGE),
  "last step".padStart(NUMBER),
  "likely between",
].join("  ")}\n`;

/** A forecast as one line of that table: the reading it was made at, its first step and its last. */
export function forecastRow(told: Forecast | PipelineOutput): string {
  const time = told.issuedAt.slice(0, 19).replace("T", " ");
  if ("output" in told) return `${time}  ${left(told.series, NAME)}  ${JSON.stringify(told.output)}\n`;
  const { series, target, observed, horizon } = told;
  const [first] = horizon;
  const last = horizon.length > 1 ? horizon.at(-1) : undefined;
  const range = (step: Forecast["horizon"][number] | undefined): string =>
    step === undefined ? "" : `${short(step.lower)} to ${short(step.upper)}`;
  const cells = [
    time,
    left(target === "value" ? series : `${series} ${target}`, NAME),
    short(observed.value).padStart(NUMBER),
    short(first?.mean).padStart(NUMBER),
    range(first).padEnd(RANGE),
    last === undefined ? "" : short(last.mean).padStart(NUMBER),
    range(last),
  ];
  return `${cells.join("  ").trimEnd()}\n`;
}

/** The beginning or the end of an alert as one line. */
export function alertRow({
  time,
  state,
  severity,
  rule,
  series,
  target,
  summary,
}: AlertDataMessage["alert"]): string {
  const about = target === "" || target === "value" ? series : `${series} ${target}`;
  const when = time.slice(0, 19).replace("T", " ");
  return `${when}  ${state.padEnd(8)}  ${severity.padEnd(8)}  ${left(rule, NAME)}  ${left(about, NAME)}  ${summary}\n`;
}
