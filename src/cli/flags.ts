import { type Kind, toggle as switched, text } from "../models/kinds.ts";
import { readTime } from "../streams/observation-schema.ts";
import type { Flag } from "./command.ts";

/** A flag of a kind; `fallback` is its value when it is absent. */
export function flag<T>(kind: Kind<T>, summary: string): Flag<T | undefined>;
export function flag<T>(kind: Kind<T>, summary: string, fallback: T): Flag<T>;
export function flag<T>(kind: Kind<T>, summary: string, fallback?: T): Flag<T | undefined> {
  return { kind, summary, fallback };
}

/** A flag that is there or not. */
export const toggle = (summary: string): Flag<boolean> => flag(switched, summary, false);

/** What only a command line takes; `read` finds out what the text means, undefined when it means nothing. */
export const typed = <T>(hint: string, expected: string, read: (text: string) => T | undefined): Kind<T> => ({
  hint,
  expected,
  parse: (text) => text,
  read: (value) => read(String(value)),
});

/** A file with pipelines of the user's own. */
export const pipelineFlag = flag(
  text("a file", "FILE"),
  "run the pipelines of a TypeScript or JavaScript file: its default export, see docs/pipelines.md",
);

const CHARACTERS = new Map(Object.entries({ tab: "\t", "\\t": "\t", comma: ",", semicolon: ";", bar: "|" }));

/** One character, or the word for one that is hard to type. */
export const character = typed("CHAR", "one character, or the word tab", (text) => {
  const char = CHARACTERS.get(text) ?? text;
  return char.length === 1 && char !== '"' && char !== "\n" ? char : undefined;
});

/** A moment, in epoch milliseconds. */
export const moment = typed("TIME", "ISO 8601 or epoch milliseconds", (text) => {
  try {
    return readTime(/^\d{9,}$/.test(text) ? Number(text) : text);
  } catch {
    return undefined;
  }
});

/** Where a server is asked. */
export const address = typed("URL", "a URL such as http://127.0.0.1:8787", (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "http:" || url?.protocol === "https:" ? url : undefined;
});
