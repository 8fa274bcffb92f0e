import { parse } from "node:path";
import { EddyError } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import { type FormatOptions, isRefused, type Reading } from "../../streams/formats/reading.ts";
import type { Recognition, TextFormat } from "../../streams/formats/recognise.ts";
import { fileReadings } from "../../streams/sources/file.ts";
import type { World } from "../world.ts";

/** The readings of one series of a recording, which can be gone through again and again. */
export interface Part {
  readonly name: string;
  /** Its readings in batches; with `columns`, only these. */
  batches(columns?: readonly string[]): AsyncIterable<Reading[]>;
}

/** A file that can be read again and again. */
export class Recording {
  readonly path: string;
  readonly #world: World;
  readonly #options: Partial<FormatOptions>;
  readonly #format: TextFormat | "auto";
  #recognised: ((recognition: Recognition) => void) | undefined;

  /** `recognised` is called once, however often the file is read. */
  constructor(
    world: World,
    path: string,
    options: Partial<FormatOptions>,
    format: TextFormat | "auto",
    recognised?: (recognition: Recognition) => void,
  ) {
    this.path = path;
    this.#world = world;
    this.#options = options;
    this.#format = format;
    this.#recognised = recognised;
  }

  async *#batches(columns?: readonly string[]): AsyncGenerator<Reading[]> {
    const options = columns === undefined ? this.#options : { ...this.#options, values: columns };
    const tell = (recognition: Recognition) => {
      this.#recognised?.(recognition);
      this.#recognised = undefined;
    };
    for await (const batch of fileReadings(this.#world.fs, this.path, options, this.#format, tell)) {
      yield batch;
      if (this.#world.stop.aborted) throw new EddyError("bad-file", this.path, { problem: "interrupted" });
    }
  }

  /** Its first observation. */
  async first(): Promise<Observation> {
    for await (const batch of this.#batches()) {
      for (const reading of batch) if (!isRefused(reading)) return reading.observation;
    }
    throw new EddyError("bad-file", this.path, {
      expected: "a recording with observations",
      received: "none",
    });
  }

  /**
   * The series in it, in the order of their first readings. One alone is read from the file each time; many are held in memory,
   * each with rows of its own, a refused line among those of the series before it.
   */
  async parts(columns: readonly string[]): Promise<Part[]> {
    let first: string | undefined;
    for await (const batch of this.#batches(columns)) {
      for (const reading of batch) {
        if (isRefused(reading)) continue;
        const { series } = reading.observation;
        first ??= series;
        if (series !== first) return this.#apart(columns);
      }
    }
    return [{ name: first ?? parse(this.path).name, batches: (chosen) => this.#batches(chosen) }];
  }

  async #apart(columns: readonly string[]): Promise<Part[]> {
    const series = new Map<string, Reading[]>();
    let readings: Reading[] | undefined;
    const early: Reading[] = [];
    for await (const batch of this.#batches(columns)) {
      for (const reading of batch) {
        if (!isRefused(reading)) {
          const name = reading.observation.series;
          readings = series.get(name);
          if (readings === undefined) {
            readings = series.size === 0 ? early : [];
            series.set(name, readings);
          }
        }
        const into = readings ?? early;
        const row = into.length;
        if (isRefused(reading) || reading.timed) into.push({ ...reading, row });
        else into.push({ ...reading, row, observation: { ...reading.observation, time: row * 1000 } });
      }
    }
    return [...series].map(([name, all]) => ({
      name,
      async *batches() {
        yield all;
      },
    }));
  }
}
