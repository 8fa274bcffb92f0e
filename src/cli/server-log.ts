import { type Logger, pino } from "pino";
import { take, word } from "../models/kinds.ts";
import { flag } from "./flags.ts";
import type { World } from "./world.ts";

const LEVELS = ["error", "warn", "info", "debug"] as const;
const FORMATS = ["json", "text"] as const;

export interface LogOptions {
  readonly level?: (typeof LEVELS)[number] | undefined;
  readonly format?: (typeof FORMATS)[number] | undefined;
}

/** Flags of a command that serves. */
export const logFlags = {
  "log-level": flag(word(LEVELS), "least that is told on stderr (default warn, or EDDY_LOG)"),
  "log-format": flag(
    word(FORMATS),
    "a JSON object a line, or text for people (default: text on a terminal, else JSON)",
  ),
} as const;

/** What a server says of itself, on stderr. @throws EddyError `bad-argument` when EDDY_LOG is no level */
export function serverLog(world: World, { level, format }: LogOptions): Logger {
  const { stderr, environment } = world;
  const told = level ?? take(word(LEVELS), environment.EDDY_LOG || "warn", "EDDY_LOG");
  const text = (format ?? (stderr.isTTY ? "text" : "json")) === "text";
  return pino(
    {
      level: told,
      base: null,
      timestamp: () => `,"time":"${new Date(world.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void stderr.write(text ? words(line) : line) },
  );
}

/** A line for people: time, level, what happened, and the rest as `name=value`. */
function words(line: string): string {
  const { time, level, msg, err, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const message = msg ?? (err as { message?: string } | undefined)?.message ?? "";
  const fields = Object.entries(rest).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
  // A message may quote what came from outside: it stays one line, without codes that a terminal would obey.
  const shown = JSON.stringify(message).slice(1, -1).replaceAll('\\"', '"');
  return `${time} ${String(level).toUpperCase().padEnd(5)} ${shown}${fields.join("")}\n`;
}
