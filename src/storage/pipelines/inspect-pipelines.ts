import { crc32 } from "../checksum.ts";
import { Database } from "../sqlite/driver.ts";
import { storageError } from "../sqlite/errors.ts";
import { APPLICATION_ID } from "./pipeline-store.ts";

/** What a store keeps of one pipeline. */
export interface PipelineInspection {
  readonly pipeline: string;
  /** Events taken and outputs given, as of its last good save. */
  readonly events: number;
  readonly outputs: number;
  /** Its saves, oldest first. */
  readonly saves: readonly { readonly events: number; readonly bytes: number; readonly good: boolean }[];
  /** Figures of its stages at its last save, such as `recurrent.loss`; null where one is not known. */
  readonly figures: Readonly<Record<string, number | null>>;
}

interface SaveRow {
  readonly pipeline: string;
  readonly events: number;
  readonly outputs: number;
  readonly state: Uint8Array;
  readonly checksum: number;
}

/**
 * What a store of pipelines holds, each save verified; undefined for a file of another kind. It may be in use meanwhile, and is not changed.
 *
 * @throws EddyError `storage` for a file that cannot be read
 */
export function inspectPipelines(path: string): readonly PipelineInspection[] | undefined {
  let db: Database | undefined;
  try {
    db = new Database(path, { readonly: true, fileMustExist: true });
    if (db.pragma("application_id", { simple: true }) !== APPLICATION_ID) return undefined;
    const names = db
      .prepare<[], string>("SELECT DISTINCT pipeline FROM saves ORDER BY pipeline")
      .pluck()
      .all();
    const saves = db.prepare<[string], SaveRow>("SELECT * FROM saves WHERE pipeline = ? ORDER BY events");
    const figures = db.prepare<[string, string], { readonly figure: string; readonly value: number | null }>(
      `SELECT figure, value FROM metrics WHERE pipeline = ?
         AND events = (SELECT max(events) FROM metrics WHERE pipeline = ?) ORDER BY figure`,
    );
    return names.map((pipeline) => {
      const found = saves.all(pipeline).map((row) => ({ ...row, good: crc32(row.state) === row.checksum }));
      const last = found.findLast(({ good }) => good);
      return {
        pipeline,
        events: last?.events ?? 0,
        outputs: last?.outputs ?? 0,
        saves: found.map(({ events, state, good }) => ({ events, bytes: state.byteLength, good })),
        figures: Object.fromEntries(
          figures.all(pipeline, pipeline).map(({ figure, value }) => [figure, value]),
        ),
      };
    });
  } catch (error) {
    throw storageError(path, error);
  } finally {
    db?.close();
  }
}
