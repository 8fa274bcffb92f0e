import type BetterSqlite3 from "better-sqlite3";
import { EddyError } from "../../models/errors.ts";

/**
 * The package that reaches SQLite. From Node 22 on it is better-sqlite3 13, which speaks Node-API. Its predecessor, compiled against
 * the headers of Node 24.19 or newer, ends the process whenever the collector frees a statement while no JavaScript runs
 * (https://github.com/nodejs/node/issues/65446); Node 20 has to have it, as 13 does not run there.
 */
export const SQLITE_PACKAGE =
  Number(process.versions.napi) >= 10 ? ("better-sqlite3" as const) : ("better-sqlite3-12" as const);

async function load(): Promise<{ readonly default: typeof BetterSqlite3 }> {
  try {
    return await (SQLITE_PACKAGE === "better-sqlite3"
      ? import("better-sqlite3")
      : import("better-sqlite3-12"));
  } catch (cause) {
    throw new EddyError("storage", SQLITE_PACKAGE, {
      problem: "the package is not installed",
      hint: "npm install, without --omit=optional",
      cause,
    });
  }
}

/** A database file, opened. */
export const Database: typeof BetterSqlite3 = (await load()).default;
export type Database = BetterSqlite3.Database;
