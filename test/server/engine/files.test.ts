// Whatever is done to the files of a database, or to its clock: what was acknowledged is there, or the lack is said.
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { type Engine, openEngine } from "../../../src/server/engine.ts";
import { type Clock, SqliteStore } from "../../../src/storage/index.ts";
import { Database } from "../../../src/storage/sqlite/driver.ts";
import { sendWaves, temporaryFolder, wave } from "./fixture.ts";

const folder = temporaryFolder();
const series = { model: "persistence", horizon: 2 };
const ENDINGS = ["", "-wal", "-shm", "-open", "-lock"];

/** Copies the files of a database as a kill would leave them now; the path of the copy. */
function killed(database: string, name: string): string {
  const copy = join(folder(), name);
  for (const ending of ENDINGS) {
    if (existsSync(database + ending)) copyFileSync(database + ending, copy + ending);
  }
  return copy;
}

/** Opens it and counts what it has acknowledged; "refused" when it says that something is missing. */
async function outcome(database: string): Promise<number | "refused"> {
  let engine: Engine;
  try {
    engine = await openEngine({ database, series });
  } catch (error) {
    expect(error).toBeInstanceOf(EddyError);
    return "refused";
  }
  const { offset } = engine;
  await engine.close();
  return offset;
}

describe("two servers on one database", () => {
  const ways: Record<string, (database: string) => string> = {
    "its own name": (database) => database,
    "a path with detours": (database) => join(dirname(database), "x", "..", "a.db"),
    "a relative path": (database) => relative(process.cwd(), database),
    "a symlink": (database) => link(symlinkSync, database, join(dirname(database), "link.db")),
    "a symlink to a symlink": (database) =>
      link(symlinkSync, ways["a symlink"](database), join(dirname(database), "far.db")),
    "a symlinked folder": (database) =>
      join(link(symlinkSync, dirname(database), join(dirname(database), "folder")), "a.db"),
    "the lock file deleted": (database) => {
      rmSync(`${database}-lock`);
      return database;
    },
    "everything beside it deleted": (database) => {
      for (const ending of ["-lock", "-open"]) rmSync(database + ending);
      return database;
    },
  };
  const onLinux: typeof ways = {
    "a hard link": (database) => link(linkSync, database, join(dirname(database), "hard.db")),
    "a hard link in another folder": (database) => {
      mkdirSync(join(dirname(database), "other"));
      return link(linkSync, database, join(dirname(database), "other", "hard.db"));
    },
    moved: (database) => {
      renameSync(database, `${database}.moved`);
      return `${database}.moved`;
    },
  };
  const link = (make: (from: string, to: string) => void, from: string, to: string): string => {
    make(from, to);
    return to;
  };
  const all = process.platform === "linux" ? { ...ways, ...onLinux } : ways;

  test.each(Object.keys(all))("%s: the second one is refused, the first loses nothing", async (way) => {
    const database = join(folder(), "a.db");
    const engine = await openEngine({ database, series });
    await sendWaves(engine, ["a"], 0, 20);
    const other = all[way](database);
    await expect(openEngine({ database: other, series })).rejects.toMatchObject({ code: "locked" });
    if (way === "moved") renameSync(other, database);
    await sendWaves(engine, ["a"], 20, 25);
    await engine.close();
    expect(await outcome(database)).toBe(25);
  });

  test.each(["hard link", "moved"])(
    "after a kill, by another name without its log (%s): refused",
    async (way) => {
      const database = join(folder(), "a.db");
      const engine = await openEngine({ database, series });
      await sendWaves(engine, ["a"], 0, 20);
      const dead = killed(database, "dead.db");
      const other = join(folder(), "other.db");
      if (way === "moved") renameSync(dead, other);
      else linkSync(dead, other);
      await expect(openEngine({ database: other, series })).rejects.toThrow(/expected the write-ahead log/);
      await engine.close();
    },
  );
});

describe("files deleted or cut after a kill", () => {
  test("any of them, in any combination: everything is there, or the start is refused", async () => {
    const database = join(folder(), "a.db");
    const engine = await openEngine({ database, series });
    await sendWaves(engine, ["a"], 0, 40);
    const generator = xoroshiro128plus(5);
    const counts = { whole: 0, refused: 0 };
    const lost: string[] = [];
    const kinds = ["kept", "deleted", "emptied", "cut"] as const;
    for (let round = 0; round < 60; round++) {
      const dead = killed(database, `dead-${round}.db`);
      const done: string[] = [];
      for (const ending of ["-wal", "-shm", "-open", "-lock"]) {
        const kind = kinds[uniformInt(generator, 0, 3)];
        // A log that was cut while the record is gone too cannot be told from one that was shorter.
        if (kind === "deleted") rmSync(dead + ending);
        else if (kind === "emptied") truncateSync(dead + ending, 0);
        else if (kind === "cut" && ending !== "-wal") {
          truncateSync(dead + ending, statSync(dead + ending).size >> uniformInt(generator, 1, 4));
        }
        done.push(`${ending} ${kind}`);
      }
      const found = await outcome(dead);
      if (found === 40) counts.whole++;
      else if (found === "refused") counts.refused++;
      else lost.push(`${done.join(", ")}: ${found}`);
    }
    console.log(JSON.stringify({ ...counts, lost: lost.length }));
    expect(lost).toEqual([]);
    expect(Math.min(counts.whole, counts.refused)).toBeGreaterThan(5);
    await engine.close();
  });

  test("the log cut anywhere: refused with the positions, and --reset goes on with what is there", async () => {
    const database = join(folder(), "a.db");
    const engine = await openEngine({ database, series });
    await sendWaves(engine, ["a"], 0, 8);
    const generator = xoroshiro128plus(6);
    let refused = 0;
    for (let round = 0; round < 8; round++) {
      const dead = killed(database, `dead-${round}.db`);
      const { size } = statSync(`${dead}-wal`);
      // None of it, and then some.
      truncateSync(`${dead}-wal`, round === 0 ? 0 : uniformInt(generator, 0, size - 8192));
      try {
        // The end of the file may not be in use.
        const whole = await openEngine({ database: dead, series });
        expect(whole.offset).toBe(8);
        await whole.close();
        continue;
      } catch (error) {
        expect((error as Error).message).toMatch(
          /expected (its write-ahead log|observations up to position 8, which were acknowledged, got (none|observations up to \d+))/,
        );
        refused++;
      }
      const said: string[] = [];
      const log = { info() {}, error() {}, warn: (message: string) => void said.push(message) };
      const again = await openEngine({ database: dead, series, reset: true, log });
      expect(said.join()).toMatch(/going on without/);
      expect(again.offset).toBeLessThan(8);
      await again.ingest([wave("a", 8)]);
      await again.close();
    }
    expect(refused).toBeGreaterThan(3);
    await engine.close();
  });

  test("the database itself deleted or emptied: refused, and its log is left alone", async () => {
    const database = join(folder(), "a.db");
    const engine = await openEngine({ database, series });
    await sendWaves(engine, ["a"], 0, 10);
    for (const [name, destroy] of Object.entries({ deleted: rmSync, emptied: truncateSync })) {
      const dead = killed(database, `${name}.db`);
      const { size } = statSync(`${dead}-wal`);
      destroy(dead);
      await expect(openEngine({ database: dead, series })).rejects.toThrow(
        /expected the database of the files/,
      );
      expect(statSync(`${dead}-wal`).size).toBe(size);
    }
    await engine.close();
  });

  test("another program took the log into the database: nothing is missing, nothing is refused", async () => {
    const database = join(folder(), "a.db");
    const engine = await openEngine({ database, series });
    await sendWaves(engine, ["a"], 0, 10);
    const dead = killed(database, "dead.db");
    const foreign = new Database(dead);
    foreign.prepare("SELECT count(*) FROM journal").get();
    foreign.close();
    expect(existsSync(`${dead}-wal`)).toBe(false);
    expect(await outcome(dead)).toBe(10);
    await engine.close();
  });
});

describe("files deleted, replaced or cut while running", () => {
  const done: Record<string, (database: string) => void> = {
    "-wal deleted": (database) => rmSync(`${database}-wal`),
    "-wal replaced": (database) => {
      rmSync(`${database}-wal`);
      writeFileSync(`${database}-wal`, "");
    },
    "-wal emptied": (database) => truncateSync(`${database}-wal`, 0),
    "-wal cut": (database) => truncateSync(`${database}-wal`, statSync(`${database}-wal`).size - 100),
    "-shm deleted": (database) => rmSync(`${database}-shm`),
    "database deleted": (database) => rmSync(database),
  };

  test.each(Object.keys(done))(
    "%s: noticed without a write, and nothing more is acknowledged",
    async (what) => {
      const database = join(folder(), "a.db");
      const engine = await openEngine({ database, series });
      await sendWaves(engine, ["a"], 0, 20);
      done[what](database);
      while (engine.failed === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
      await expect(engine.ingest([wave("a", 20)])).rejects.toMatchObject({ code: "storage" });
      // As a kill would leave it: what only this process could still reach was saved, or its loss is told.
      const saved = what.startsWith("-wal d") || what.startsWith("-wal r") || what.startsWith("-shm");
      expect(await outcome(killed(database, "dead.db"))).toBe(saved ? 20 : "refused");
      await engine.close();
    },
  );

  test.each(["-lock", "-open"])("%s deleted: written anew", async (ending) => {
    const database = join(folder(), "a.db");
    const engine = await openEngine({ database, series });
    await sendWaves(engine, ["a"], 0, 5);
    rmSync(database + ending);
    while (!existsSync(database + ending)) await new Promise((resolve) => setTimeout(resolve, 20));
    await sendWaves(engine, ["a"], 5, 8);
    expect(engine.failed).toBeUndefined();
    expect(await outcome(killed(database, "dead.db"))).toBe(8);
    await engine.close();
    expect(ENDINGS.filter((one) => existsSync(database + one))).toEqual(["", "-lock"]);
  });
});

test("another process is writing the database: intake is busy, nothing else waits, and it goes on after", async () => {
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series });
  await sendWaves(engine, ["a"], 0, 5);
  const foreign = new Database(database);
  foreign.exec("BEGIN IMMEDIATE");
  for (let n = 5; n < 8; n++) {
    await expect(engine.ingest([wave("a", n)])).rejects.toMatchObject({ code: "busy" });
    expect(engine.failed).toBeUndefined();
    expect(engine.latest("a")?.offset).toBe(5);
  }
  foreign.exec("ROLLBACK");
  foreign.close();
  expect(await engine.ingest([wave("a", 5)])).toMatchObject({ accepted: 1 });
  await engine.close();
});

describe("days are those that the store has been open, whatever the clock says", () => {
  const DAY = 86_400_000;
  const retention = {
    journalRows: 1e9,
    journalDays: 30,
    forecastRows: 1e9,
    forecastDays: 30,
    idRows: 1e9,
    rollUpDays: 730,
    transitionRows: 10,
  };
  class SetClock implements Clock {
    wall = 1_750_000_000_000;
    steady = 0;
    now = () => this.wall;
    monotonic = () => this.steady;
    soon = () => {};
    after = () => () => {};
    pass(milliseconds: number) {
      this.wall += milliseconds;
      this.steady += milliseconds;
    }
  }

  /** A store with a commit an hour over `hours`, and what `trim` then deletes of it. */
  class Kept {
    readonly clock = new SetClock();
    #store: SqliteStore;
    #position = 0;
    readonly #path = join(folder(), "a.db");

    constructor() {
      this.#store = this.#open();
    }
    #open(): SqliteStore {
      return new SqliteStore({ path: this.#path, clock: this.clock });
    }
    commit(): void {
      const hour = this.clock.wall - (this.clock.wall % 3_600_000);
      const at = ++this.#position;
      this.#store.commit({
        series: [],
        entries: [{ series: 1, applied: at - 1, time: this.clock.wall, payload: Uint8Array.of(1) }],
        sources: new Map(),
        derived: {
          upTo: at - 1,
          issued: [],
          rollUps: [{ series: 1, hour, observations: 1, count: 0, absoluteError: 0, held: 0 }],
          alerts: { rules: [], alerts: [], transitions: [] },
        },
      });
    }
    hours(count: number): void {
      for (let i = 0; i < count; i++) {
        this.clock.pass(3_600_000);
        this.commit();
      }
    }
    trim(): void {
      const request = { needed: this.#position, reached: this.#position, retention, limit: 10_000 };
      while (this.#store.trim(request) > 0) {}
    }
    counts(): { journal: number; rollups: number } {
      const db = new Database(this.#path, { readonly: true });
      const count = (table: string) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
      const counts = { journal: count("journal"), rollups: count("rollups") };
      db.close();
      return counts;
    }
    async restart(): Promise<void> {
      await this.#store.close();
      this.clock.steady = 0;
      this.#store = this.#open();
    }
    close(): Promise<void> {
      return this.#store.close();
    }
  }

  const jumps = { "40 days ahead": 40 * DAY, "a century ahead": 36_525 * DAY, "back to 1970": -20_000 * DAY };
  test.each(Object.entries(jumps))(
    "a clock that jumps %s for two seconds deletes nothing",
    async (_, jump) => {
      const kept = new Kept();
      kept.hours(72);
      kept.clock.wall += jump;
      kept.commit();
      kept.trim();
      kept.clock.pass(2000);
      kept.commit();
      kept.trim();
      kept.clock.wall -= jump;
      kept.hours(30);
      kept.trim();
      const { journal, rollups } = kept.counts();
      expect(journal).toBe(104);
      // The hour that the clock made up may go; those that were real stay.
      expect(rollups).toBeGreaterThanOrEqual(103 - 1);
      await kept.close();
    },
  );

  test("a clock that was wrong when the machine started, and a downtime, delete nothing", async () => {
    const kept = new Kept();
    const right = kept.clock.wall;
    kept.clock.wall = 0;
    kept.hours(5);
    kept.clock.wall = right;
    kept.hours(40);
    kept.trim();
    expect(kept.counts().journal).toBe(45);
    await kept.restart();
    kept.clock.wall += 400 * DAY;
    kept.commit();
    kept.trim();
    kept.hours(40);
    kept.trim();
    expect(kept.counts().journal).toBe(86);
    await kept.close();
  });

  test("what is older than asked for goes, also over a restart", async () => {
    const kept = new Kept();
    kept.hours(15 * 24);
    await kept.restart();
    kept.hours(20 * 24);
    kept.trim();
    const { journal, rollups } = kept.counts();
    expect(journal).toBeGreaterThanOrEqual(30 * 24 - 1);
    expect(journal).toBeLessThanOrEqual(30 * 24 + 2);
    expect(rollups).toBeGreaterThanOrEqual(35 * 24);
    kept.clock.pass(800 * DAY);
    kept.hours(48);
    kept.trim();
    expect(kept.counts().rollups).toBeLessThan(100);
    await kept.close();
  });
});
