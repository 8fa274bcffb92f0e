import { EddyError } from "../../models/errors.ts";
import type { Database } from "./driver.ts";
import type { OpenRecordContent } from "./open-record.ts";

/** What was found when the database was opened. */
export interface Found {
  readonly path: string;
  readonly db: Database;
  /** The record of the process that had it before, if it was not closed in order. */
  readonly left: OpenRecordContent | undefined;
  /** Length of the log before it was opened. */
  readonly logBytes: number;
  /** Last position it holds. */
  readonly position: number;
  /** Whether it says itself that it was closed in order. */
  readonly closed: boolean;
  readonly durability: "power" | "process";
}

/**
 * Whether everything that was acknowledged is there, as far as what is left of the last process can tell; throws `storage` when
 * not. With `reset`, or where nobody was promised more, returns what there is to say instead.
 */
export function checkComplete(found: Found, reset: boolean): string | undefined {
  const { path, db, left, logBytes, position, closed, durability } = found;
  const missing =
    left !== undefined
      ? left.reached > position && {
          expected: `observations up to position ${left.reached}, which were acknowledged`,
          received: position === 0 ? "none" : `observations up to ${position}`,
        }
      : logBytes === 0 &&
        !closed && {
          expected: `the write-ahead log ${path}-wal beside it, as it was not closed in order`,
          received: "none",
        };
  if (missing === false) return undefined;
  const problem = new EddyError("storage", path, {
    ...missing,
    hint: "its log was deleted, cut or left behind: put it back, restore a savepoint, or go on without what is missing by --reset",
  });
  // What was not synced may be gone after a power cut; nobody was promised more.
  if (!reset && (left === undefined || durability === "power")) throw problem;
  const flaw = db.pragma("quick_check(1)", { simple: true });
  if (flaw !== "ok") {
    throw new EddyError("storage", path, {
      expected: "whole pages",
      received: `damaged ones: ${String(flaw)}`,
      hint: "restore a savepoint or another copy",
    });
  }
  return `${problem.message}: going on without`;
}
