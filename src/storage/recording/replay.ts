import { asyncScheduler, Observable, type SchedulerLike } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { diskFiles, type Files } from "./files.ts";
import { recordedBatches } from "./recording.ts";

/** A row of a recording, by the names of its columns; times in epoch milliseconds, null where there is nothing. */
export type RecordedRow = Readonly<Record<string, number | string | null>>;

export interface ReadRecordingOptions {
  /** How many times faster than it was recorded; `max` (the default): as fast as it is taken. */
  readonly speed?: number | "max";
  /** The column that says when a row was. Default `time`. */
  readonly time?: string;
  /** Whose clock paces the rows. */
  readonly scheduler?: SchedulerLike;
  readonly files?: Files;
}

/**
 * Reads a recording as a stream, row by row, each subscription from its beginning. `path` is one file, or what the
 * `Recording` was given: then all its files, in their order. With a speed, rows come as far apart as they were recorded, divided by it.
 *
 * A recording whose file is torn is read as far as it is whole; a missing one is an error of the stream, as is a speed that is not above 0.
 */
export function readRecording(path: string, options: ReadRecordingOptions = {}): Observable<RecordedRow> {
  const { speed = "max", time = "time", scheduler = asyncScheduler, files = diskFiles } = options;
  return new Observable((subscriber) => {
    if (speed !== "max" && !(speed > 0 && Number.isFinite(speed))) {
      throw new EddyError("bad-argument", "speed", {
        expected: "max, or a number above 0",
        received: printable(speed),
      });
    }
    const rows = rowsOf(recordingFiles(path, files), files);
    if (speed === "max") {
      for (const row of rows) {
        if (subscriber.closed) return;
        subscriber.next(row);
      }
      subscriber.complete();
      return;
    }
    let first = Number.NaN;
    const begun = scheduler.now();
    const read = (): void => {
      for (;;) {
        if (subscriber.closed) return;
        const { value: row, done } = rows.next();
        if (done) {
          subscriber.complete();
          return;
        }
        const at = Number(row[time]);
        if (Number.isNaN(first)) first = at;
        const wait = (at - first) / speed - (scheduler.now() - begun);
        if (wait > 0) {
          subscriber.add(
            scheduler.schedule(() => {
              subscriber.next(row);
              guarded();
            }, wait),
          );
          return;
        }
        subscriber.next(row);
      }
    };
    const guarded = (): void => {
      try {
        read();
      } catch (error) {
        subscriber.error(error);
      }
    };
    guarded();
  });
}

/** The files of a recording, in their order. */
function recordingFiles(path: string, files: Files): string[] {
  if (files.exists(path)) return [path];
  const found: string[] = [];
  for (let number = 1; ; number++) {
    const sealed = `${path}-${String(number).padStart(6, "0")}.arrow`;
    if (files.exists(sealed)) found.push(sealed);
    else {
      if (files.exists(`${sealed}.partial`)) found.push(`${sealed}.partial`);
      break;
    }
  }
  if (found.length > 0) return found;
  throw new EddyError("bad-file", path, { expected: "a recording", received: "no file" });
}

function* rowsOf(paths: readonly string[], files: Files): Generator<RecordedRow> {
  for (const path of paths) {
    for (const batch of recordedBatches(path, files)) {
      const names = batch.schema.fields.map(({ name }) => name);
      const columns = names.map((_, c) => batch.getChildAt(c));
      for (let r = 0; r < batch.numRows; r++) {
        yield Object.fromEntries(names.map((name, c) => [name, plain(columns[c]?.get(r))]));
      }
    }
  }
}

function plain(value: unknown): number | string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "number" || typeof value === "string") return value;
  return Number(value);
}
