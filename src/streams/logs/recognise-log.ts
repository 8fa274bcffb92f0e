import { isMissing, numberForm } from "../formats/numbers.ts";
import { isLogRecord, LogLines, type LogRecord } from "./records.ts";
import { TemplateMiner } from "./templates.ts";
import { SLOT } from "./tokens.ts";

/** Share of the records that must begin as lines of logs do. */
const MOST = 0.6;
/** Names of numbers that tell nothing that could be forecast. */
const NO_READING = /^(?:v|pid|tid|line|lineno|thread|version|.*\.(?:pid|line|port)|_\w+|__\w+)$/i;

/**
 * Whether lines are those of a log rather than readings in its form. They begin as lines of logs do, and they say different
 * things: what says the same sentence in every line, with numbers in it, is readings.
 *
 * @param isTable whether the lines are cut alike by a usual separator: then only a level or a spoken last cell make them a log
 */
export function looksLikeLog(lines: readonly string[], isTable: boolean): boolean {
  const reader = new LogLines();
  const records: { readonly record: LogRecord; readonly line: string }[] = [];
  for (const line of lines) {
    const parsed = reader.parse(line);
    if (isLogRecord(parsed)) records.push({ record: parsed, line });
  }
  if (records.length === 0) return false;
  const logs = records.filter(({ record, line }) => isLog(record, line));
  if (logs.length < MOST * records.length) return false;
  if (
    isTable &&
    logs.filter(({ record, line }) => isLogOfColumns(record, line)).length < MOST * records.length
  ) {
    return false;
  }
  const miner = new TemplateMiner();
  for (const { record } of logs) miner.add(record.message);
  const { templates } = miner;
  if (logs.some(({ record }) => record.message.startsWith('"') && /^"[A-Z]+ /.test(record.message)))
    return true;
  const withNumbers =
    templates.some(({ pattern }) => pattern.includes(SLOT)) || logs.some(({ record }) => hasReading(record));
  // Of one line alone nobody knows what the next will say: its numbers are readings where they have names.
  if (logs.length === 1) {
    return logs.every(({ record }) => record.fields === undefined && !/[=:]\s*[-+]?\d/.test(record.message));
  }
  return templates.length > 1 || !withNumbers;
}

/** What the first lines of a log tell of it. */
export interface LogSurvey {
  /** A time as it is written. */
  readonly time: string | undefined;
  readonly hosts: readonly string[];
  readonly levels: readonly string[];
  readonly unreadable: number;
}

export function surveyLog(lines: readonly string[]): LogSurvey {
  const reader = new LogLines();
  const hosts = new Set<string>();
  const levels = new Set<string>();
  let time: string | undefined;
  let unreadable = 0;
  for (const line of lines) {
    const parsed = reader.parse(line);
    if (typeof parsed === "string") continue;
    if (!isLogRecord(parsed)) {
      unreadable++;
      continue;
    }
    time ??= parsed.time;
    if (parsed.host !== "") hosts.add(parsed.host.slice(0, 80));
    if (parsed.level !== undefined) levels.add(parsed.level);
  }
  return { time, hosts: [...hosts], levels: [...levels], unreadable };
}

/** Whether one line begins as a line of a log does. */
function isLog(record: LogRecord, line: string): boolean {
  const { time, level, host, component, message, fields } = record;
  if (fields !== undefined && /^[\w.@-]+=/.test(message)) return level !== undefined;
  const spoken = words(message) >= 2 || (level !== undefined && words(message) >= 1);
  if (fields !== undefined)
    return spoken && (level !== undefined || (time !== undefined && component !== ""));
  if (message === line) return false;
  if (level !== undefined) return spoken || message.startsWith('"');
  if (time === undefined || !spoken) return false;
  if (host !== "" && component !== "") return true;
  // A time alone: a sentence follows it, behind a blank.
  const at = line.indexOf(time) + time.length;
  return /^[\])]?:?\s/.test(line.slice(at, at + 3)) && isSpoken(message);
}

const isLogOfColumns = (record: LogRecord, line: string): boolean =>
  record.level !== undefined
    ? !/[,;\t|]\s*[\d.,+-]+\s*$/.test(line)
    : isSpoken(record.message) && /^[^,;\t|]+\|/.test(line);

/** Whether a text is made of words more than of numbers. */
function isSpoken(text: string): boolean {
  const parts = text.trim().split(/\s+/);
  const numbers = parts.filter((part) => isMissing(part) || numberForm([part]).numbers === 1).length;
  return words(text) >= 2 && words(text) > numbers;
}

const words = (text: string): number => text.match(/\p{L}{2,}/gu)?.length ?? 0;

const hasReading = ({ fields }: LogRecord): boolean =>
  fields !== undefined &&
  [...fields].some(
    ([name, cell]) => !NO_READING.test(name) && cell !== null && numberForm([cell]).numbers === 1,
  );
