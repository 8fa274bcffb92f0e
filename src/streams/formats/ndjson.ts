import { EddyError, printable } from "../../models/errors.ts";
import { parseJson } from "../json.ts";
import { readObservation } from "../observation-schema.ts";
import { type Field, Fields } from "./fields.ts";
import type { FormatOptions, LineReader, Reading } from "./reading.ts";

/**
 * One JSON object per line: an observation `{ series?, time?, value }` or `{ series?, time?, values: {...} }`, or a flat object
 * of numbers such as `{ "time": "2024-05-01T12:00:00Z", "temperature": 21.5 }`.
 */
export class NdjsonReader implements LineReader {
  readonly #options: FormatOptions;
  readonly #fields: Fields;
  #row = 0;

  constructor(options: FormatOptions) {
    this.#options = options;
    this.#fields = new Fields(options);
  }

  read(text: string, line: number): Reading {
    if (text.trim() === "")
      return this.refuse(line, "empty-line", "expected a JSON object, got an empty line");
    let parsed: unknown;
    try {
      parsed = parseJson(text, "bad-line", "line");
    } catch (error) {
      const { expected } = error as EddyError;
      const wanted = expected === "JSON" ? "a JSON object" : expected;
      return this.refuse(line, "bad-line", `expected ${wanted}, got ${printable(text)}`);
    }
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
      return this.refuse(line, "bad-line", `expected a JSON object, got ${printable(parsed)}`);
    }
    return this.#isObservation(parsed) ? this.#observation(parsed, line) : this.#flat(parsed, line);
  }

  refuse(line: number, reason: string, message: string): Reading {
    return { line, row: this.#row++, reason, message };
  }

  /** Whether an object speaks of itself as an observation, and nobody has said otherwise. */
  #isObservation(parsed: object): boolean {
    const { time, series, values } = this.#options;
    const renamed = time !== undefined || series !== undefined;
    if (renamed || !(Object.hasOwn(parsed, "value") || Object.hasOwn(parsed, "values"))) return false;
    if (values !== undefined && values.length > 0 && !Object.hasOwn(parsed, "values")) return false;
    return Object.keys(parsed).every((key) => ["id", "series", "time", "value", "values"].includes(key));
  }

  #observation(parsed: object, line: number): Reading {
    const row = this.#row++;
    try {
      const observation = readObservation(
        { ...parsed, series: (parsed as { series?: unknown }).series ?? this.#options.name },
        this.#options.arrival(row),
      );
      const timed = (parsed as { time?: unknown }).time !== undefined;
      const wanted = this.#options.values;
      if (wanted === undefined || wanted.length === 0) return { line, row, observation, timed };
      const values: Record<string, number | null> = Object.create(null);
      for (const name of wanted) {
        if (Object.hasOwn(observation.values, name)) values[name] = observation.values[name];
      }
      return { line, row, observation: { ...observation, values }, timed };
    } catch (error) {
      if (error instanceof EddyError) return { line, row, reason: error.code, message: error.message };
      throw error;
    }
  }

  #flat(parsed: object, line: number): Reading {
    const fields = new Map<string, Field>();
    for (const [name, value] of Object.entries(parsed)) {
      if (value === null || typeof value === "number" || typeof value === "string") fields.set(name, value);
    }
    return this.#fields.read(fields, line, this.#row++);
  }
}
