import { EddyError, printable } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import { packValues } from "../../storage/journal.ts";
import { Allowance } from "./allowance.ts";
import { flaw, knownValues } from "./check.ts";
import type { EngineSettings } from "./contract.ts";
import type { Admitted, Group } from "./group.ts";
import { isHosted, rowBack } from "./hosting.ts";
import type { EngineParts } from "./parts.ts";
import { SERIES_BYTES } from "./prices.ts";
import { refuse, type Waiting } from "./queue.ts";
import type { SeriesEntry } from "./series.ts";

/** New series that may come at once, in seconds of their rate. */
const NEW_SERIES_BURST = 10;
const DAY = 86_400_000;

/** Why something is refused: code and message. */
type Reason = readonly [code: string, message: string];

/** Decides which observations enter the journal, and opens the series of those that are the first of theirs. */
export class SeriesAdmission {
  readonly #parts: EngineParts;
  readonly #seriesLimit: number;
  readonly #seriesBytes: number;
  readonly #newSeries: Allowance;
  /** How far beyond the clock the time of an observation may lie, milliseconds. */
  readonly ahead: number;

  constructor(parts: EngineParts, settings: EngineSettings) {
    this.#parts = parts;
    this.#seriesLimit = settings.seriesLimit ?? 1_000_000;
    this.#seriesBytes = settings.seriesBytes ?? SERIES_BYTES;
    this.#newSeries = new Allowance(settings.newSeriesPerSecond ?? 100, NEW_SERIES_BURST, parts.clock);
    this.ahead = settings.ahead ?? DAY;
  }

  /** Adds an observation to a group with its series, in memory; or refuses it. */
  admit(waiting: Waiting, latestTime: number, group: Group): void {
    const admitted = this.#entryOf(waiting, latestTime);
    if (!("entry" in admitted)) {
      const [code, message] = admitted;
      waiting.request.stalled ||= code === "busy";
      refuse(waiting, code, message, this.#parts.metrics);
      // Of a name that is none there is nothing to be told.
      if (code !== "bad-observation") this.#parts.refusals.add(waiting.observation.series, code);
      return;
    }
    const { entry, observation } = admitted;
    group.admitted.push(admitted);
    group.entries.push({
      series: entry.stored.id,
      applied: entry.applied,
      time: observation.time,
      payload: packValues(observation, entry.stored.columns),
      ...(observation.id === undefined ? {} : { id: observation.id }),
    });
    this.#repeat(admitted, group);
  }

  /** A row for each pipeline that takes the reading, behind it. */
  #repeat({ observation: { series, time }, ...waiting }: Admitted, group: Group): void {
    const { table } = this.#parts;
    table.hosting.readersOf(series).forEach(({ name }, i) => {
      const entry = table.hosted(name);
      table.pin(entry);
      const observation = rowBack(name, time, i + 1);
      group.admitted.push({ ...waiting, entry, observation, repeats: true });
      group.entries.push({
        series: entry.stored.id,
        applied: entry.applied,
        time,
        payload: packValues(observation, entry.stored.columns),
        follows: true,
      });
    });
  }

  #entryOf(waiting: Waiting, latestTime: number): Admitted | Reason {
    const { table, metrics } = this.#parts;
    const { observation, request } = waiting;
    const wrong = flaw(observation);
    if (wrong) return wrong;
    if (observation.time > latestTime) {
      metrics.add("ahead_total", 1);
      const [time, bound] = [observation.time, latestTime].map((t) => new Date(t).toISOString());
      return ["ahead", `time: expected ${bound} at the latest, by the server's clock, got ${time}`];
    }
    let entry = table.get(observation.series);
    if (table.hosting.has(observation.series) || (entry && isHosted(entry))) {
      const name = printable(observation.series);
      return ["bad-observation", `series: expected the name of a series, got that of the pipeline ${name}`];
    }
    const { rebuilding } = table.checkpoints;
    const readers = table.hosting.readersOf(observation.series);
    if (
      (entry && rebuilding.has(entry)) ||
      (rebuilding.size > 0 && readers.some(({ name }) => rebuilding.has(table.get(name) as SeriesEntry)))
    ) {
      const name = printable(observation.series);
      return ["busy", `series ${name}: readings of it are being taken back; send it again in a moment`];
    }
    try {
      if (!entry) {
        const refusal = this.#refusalOfNew(observation, request.paced);
        if (refusal) return refusal;
        entry = table.open(observation, table.reached);
      }
      table.load(entry);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      return [error.code, error.message];
    }
    table.pin(entry);
    const { columns } = entry.stored;
    const known = knownValues(observation, columns);
    if (known === undefined) return ["unknown-column", `values: expected one of ${columns.join(", ")}`];
    metrics.add("ignored_values_total", Object.keys(observation.values).length - known.count);
    return { ...waiting, entry, observation: known.observation };
  }

  /** Why a series may not be opened; makes room for it otherwise. */
  #refusalOfNew(first: Observation, paced: boolean): Reason | undefined {
    const { table, metrics } = this.#parts;
    if (table.size >= this.#seriesLimit) {
      return ["too-large", `series: expected at most ${this.#seriesLimit}, got a new one`];
    }
    const price = table.price(first);
    if (price > this.#seriesBytes) {
      const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
      const columns = Object.keys(first.values).length;
      return [
        "too-large",
        `series ${printable(first.series)}: expected at most ${mebibytes(this.#seriesBytes)} of state, got ` +
          `${mebibytes(price)} for ${columns} columns (fewer columns, a lighter model, or storage.seriesBytes)`,
      ];
    }
    if (!paced && !this.#newSeries.take()) {
      metrics.add("new_series_refused_total", 1);
      const name = printable(first.series);
      return [
        "busy",
        `series ${name}: expected at most ${this.#newSeries.rate} new series a second; send it again in a second`,
      ];
    }
    table.makeRoom(price);
    return undefined;
  }
}
