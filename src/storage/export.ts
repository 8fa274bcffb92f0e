import { type AlertTransition, transitionInWords } from "../models/alert.ts";
import { told } from "../models/forecast.ts";
import { type Issue, moment, momentOf, type TargetIssue } from "../models/issue.ts";
import { itemAt } from "../models/item-at.ts";
import { type Observation, VALUE } from "../models/observation.ts";
import {
  batchMessage,
  batchOf,
  type ColumnPlan,
  type ColumnValues,
  END_OF_STREAM,
  schemaMessage,
  schemaOf,
} from "./arrow/batches.ts";

export const EXPORT_FORMATS = ["arrow", "csv", "ndjson"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** Rows per record batch, and per piece of text. */
const ROWS = 4096;

type Cell = number | string | null;

/** A table to be written: what its columns are, and each row in their order. */
interface Sheet<T> {
  readonly columns: readonly ColumnPlan[];
  cells(item: T): readonly (readonly Cell[])[];
  /** The objects of its NDJSON lines. */
  lines(item: T): readonly unknown[];
}

/** Observations: `series`, `time` and one column of numbers per name in `columns`. */
export function exportObservations(
  observations: Iterable<Observation>,
  columns: readonly string[],
  format: ExportFormat,
): Generator<string | Uint8Array> {
  return write(observations, format, {
    columns: [
      { name: "time", kind: "time" },
      { name: "series", kind: "text" },
      ...columns.map((name): ColumnPlan => ({ name, kind: "number" })),
    ],
    cells: ({ time, series, values }) => [
      [time, series, ...columns.map((name) => (Object.hasOwn(values, name) ? (values[name] ?? null) : null))],
    ],
    lines({ series, time, values }) {
      const names = Object.keys(values);
      const when = Number.isInteger(time) ? new Date(time).toISOString() : time;
      return names.length === 1 && names[0] === VALUE
        ? [{ series, time: when, value: values[VALUE] }]
        : [{ series, time: when, values }];
    },
  });
}

/**
 * Forecasts as issued: one row per series, target and step; in NDJSON one forecast per line, as it was published. `levels`
 * are the quantiles that get a column, `q0.1` and so on, empty where a series was not asked for it.
 */
export function exportForecasts(
  issues: Iterable<Issue>,
  format: ExportFormat,
  levels: readonly number[] = [],
): Generator<string | Uint8Array> {
  return write(issues, format, {
    columns: [
      { name: "issued", kind: "time" },
      { name: "series", kind: "text" },
      { name: "target", kind: "text" },
      { name: "offset", kind: "number" },
      { name: "step", kind: "count" },
      { name: "time", kind: "time" },
      { name: "mean", kind: "number" },
      { name: "lower", kind: "number" },
      { name: "upper", kind: "number" },
      { name: "level", kind: "number" },
      { name: "coverage", kind: "number" },
      { name: "skill", kind: "number" },
      { name: "model", kind: "text" },
      ...levels.map((level): ColumnPlan => ({ name: `q${level}`, kind: "number" })),
    ],
    cells: (issue) => issue.targets.flatMap((target) => stepCells(issue, target, levels)),
    lines: told,
  });
}

/** What has been told of alerts: one row per beginning and end. */
export function exportTransitions(
  transitions: Iterable<AlertTransition>,
  format: ExportFormat,
): Generator<string | Uint8Array> {
  const text = ["rule", "series", "target", "state", "severity", "limit", "summary", "alert", "id"] as const;
  return write(transitions, format, {
    columns: [
      { name: "time", kind: "time" },
      { name: "sequence", kind: "number" },
      ...text.map((name): ColumnPlan => ({ name, kind: "text" })),
      { name: "offset", kind: "number" },
      { name: "value", kind: "number" },
      { name: "probability", kind: "number" },
      { name: "crossesFrom", kind: "number" },
      { name: "crossesAt", kind: "number" },
      { name: "crossesTo", kind: "number" },
    ],
    cells: ({ time, sequence, offset, value, probability, crosses, limit, ...rest }) => [
      [
        time,
        sequence,
        ...text.map((name) => (name === "limit" ? JSON.stringify(limit) : rest[name])),
        offset,
        value,
        probability,
        crosses?.from ?? null,
        crosses?.at ?? null,
        crosses === null || crosses.to === Number.POSITIVE_INFINITY ? null : crosses.to,
      ],
    ],
    lines: (one) => [transitionInWords(one)],
  });
}

/** A row of cells per step. */
const stepCells = (
  issue: Issue,
  { name, mean, lower, upper, coverage, skill, quantiles }: TargetIssue,
  levels: readonly number[],
): Cell[][] =>
  Array.from(mean, (value, i) => [
    moment(issue.time),
    issue.series,
    name,
    issue.offset,
    i + 1,
    momentOf(issue, i + 1),
    value,
    itemAt(lower, i),
    itemAt(upper, i),
    issue.level,
    known(coverage),
    known(skill),
    issue.model,
    ...levels.map((level) => quantiles[issue.quantileLevels.indexOf(level)]?.[i] ?? null),
  ]);

const known = (value: number): number | null => (Number.isNaN(value) ? null : value);

function write<T>(items: Iterable<T>, format: ExportFormat, sheet: Sheet<T>): Generator<string | Uint8Array> {
  if (format === "arrow") return arrow(items, sheet);
  return format === "csv" ? csv(items, sheet) : ndjson(items, sheet);
}

function* ndjson<T>(items: Iterable<T>, sheet: Sheet<T>): Generator<string> {
  let text = "";
  let rows = 0;
  for (const item of items) {
    for (const line of sheet.lines(item)) {
      text += `${JSON.stringify(line)}\n`;
      if (++rows % ROWS > 0) continue;
      yield text;
      text = "";
    }
  }
  if (text !== "") yield text;
}

function* csv<T>(items: Iterable<T>, sheet: Sheet<T>): Generator<string> {
  let text = `${sheet.columns.map(({ name }) => quoted(name)).join(",")}\n`;
  let rows = 0;
  for (const item of items) {
    for (const cells of sheet.cells(item)) {
      text += `${cells.map((cell, c) => cellText(cell, itemAt(sheet.columns, c))).join(",")}\n`;
      if (++rows % ROWS > 0) continue;
      yield text;
      text = "";
    }
  }
  if (text !== "") yield text;
}

function cellText(cell: Cell, { kind }: ColumnPlan): string {
  if (cell === null) return "";
  if (typeof cell === "string") return quoted(cell);
  return kind === "time" && Number.isInteger(cell) ? new Date(cell).toISOString() : String(cell);
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

function* arrow<T>(items: Iterable<T>, sheet: Sheet<T>): Generator<Uint8Array> {
  const schema = schemaOf(sheet.columns);
  yield schemaMessage(schema);
  let columns: Cell[][] = sheet.columns.map(() => []);
  let rows = 0;
  const message = (): Uint8Array =>
    batchMessage(schema, batchOf(schema, columns satisfies readonly ColumnValues[]));
  for (const item of items) {
    for (const cells of sheet.cells(item)) {
      for (const [c, cell] of cells.entries()) itemAt(columns, c).push(cell);
      if (++rows < ROWS) continue;
      yield message();
      columns = sheet.columns.map(() => []);
      rows = 0;
    }
  }
  if (rows > 0) yield message();
  yield END_OF_STREAM;
}
