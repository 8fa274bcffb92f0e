// A file followed through whatever happens to it: every line once, in order, over any number of ends and beginnings.
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isRefused } from "../../src/streams/formats/reading.ts";
import { type FollowOptions, followedFile } from "../../src/streams/sources/follow.ts";
import { sourceContext } from "../../src/streams/sources/source.ts";

let folder = "";
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "eddy-follow-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A program that follows a file, is ended at any moment, and begins again with what it kept. */
class Reader {
  readonly kept = new Map<string, string>();
  readonly values: number[] = [];
  readonly series: string[] = [];
  readonly refused: string[] = [];
  readonly errors: string[] = [];
  readonly #options: FollowOptions;
  #end: (() => Promise<void>) | undefined;
  /** Turns in which nothing came. */
  idle = 0;
  /** It has ended by itself. */
  over = false;

  readonly #fs: typeof fs;

  constructor(options: FollowOptions, files = fs) {
    this.#options = options;
    this.#fs = files;
  }

  /** `dieAfter`: readings after which it ends, in the middle of a batch if need be. */
  async start(dieAfter = Number.POSITIVE_INFINITY): Promise<void> {
    let left = dieAfter;
    let dead = false;
    this.over = false;
    const context = await sourceContext({
      fs: this.#fs,
      kept: new Map(this.kept),
      after: (_, task) => {
        this.idle++;
        const timer = setTimeout(task, 1);
        return () => clearTimeout(timer);
      },
      status: { connected() {}, disconnected() {}, disturbed: (message) => this.errors.push(message) },
    });
    const subscription = followedFile(this.#options, context).subscribe({
      next: (batch) => {
        if (dead) return;
        this.idle = 0;
        for (const [i, reading] of batch.readings.entries()) {
          if (left-- <= 0) {
            dead = true;
            this.over = true;
            return;
          }
          const reached = batch.reached?.(i);
          if (isRefused(reading)) this.refused.push(reading.message);
          else {
            this.values.push(Object.values(reading.observation.values)[0] ?? Number.NaN);
            this.series.push(reading.observation.series);
          }
          for (const [key, text] of Object.entries(reached ?? {})) this.kept.set(key, text);
        }
        setImmediate(() => batch.acknowledge?.());
      },
      error: (error: Error) => {
        this.errors.push(error.message);
        this.over = true;
      },
    });
    this.#end = async () => {
      dead = true;
      subscription.unsubscribe();
      await turn();
    };
  }

  async stop(): Promise<void> {
    await this.#end?.();
    this.#end = undefined;
  }

  async quiet(): Promise<void> {
    this.idle = 0;
    while (this.idle < 4 && !this.over) await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const line = (n: number): string => `2026-01-01T00:00:00.${String(n).padStart(3, "0")}Z,${n}\n`;
const lines = (from: number, to: number): string => {
  let text = "";
  for (let n = from; n < to; n++) text += line(n);
  return text;
};
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe("a file that grows", () => {
  test("lines as they come; one counts once its end is written", async () => {
    const path = join(folder, "log.csv");
    const reader = new Reader({ path });
    await reader.start();
    await reader.quiet();
    expect(reader.errors).toEqual([`${path}: expected a file, got none yet`]);
    fs.writeFileSync(path, `time,value\n${lines(0, 3)}`);
    await reader.quiet();
    fs.appendFileSync(path, line(3).slice(0, 10));
    await reader.quiet();
    expect(reader.values).toEqual(upTo(3));
    fs.appendFileSync(path, line(3).slice(10));
    await reader.quiet();
    expect(reader.values).toEqual(upTo(4));
    expect(reader.series).toEqual(Array(4).fill("log"));
    await reader.stop();
  });

  test("from its end: the heading is known all the same", async () => {
    const path = join(folder, "log.csv");
    fs.writeFileSync(path, `when,depth\n${lines(0, 100)}`);
    const reader = new Reader({ path, from: "end", values: ["depth"] });
    await reader.start();
    await reader.quiet();
    fs.appendFileSync(path, lines(100, 103));
    await reader.quiet();
    await reader.stop();
    expect(reader.values).toEqual([100, 101, 102]);
    await reader.start();
    fs.appendFileSync(path, lines(103, 105));
    await reader.quiet();
    await reader.stop();
    expect(reader.values).toEqual([100, 101, 102, 103, 104]);
  });

  test("lines that are wrong are refused by their number in the file, before and after a restart", async () => {
    const path = join(folder, "log.csv");
    fs.writeFileSync(path, `time,value\n${lines(0, 3)}yesterday,7\n${line(3)}`);
    const reader = new Reader({ path });
    await reader.start();
    await reader.quiet();
    await reader.stop();
    await reader.start();
    fs.appendFileSync(path, `${line(4)}tomorrow,8\n${"x".repeat(3 << 20)}\n${line(5)}`);
    await reader.quiet();
    await reader.stop();
    expect(reader.values).toEqual(upTo(6));
    expect(reader.refused.map((message) => message.slice(0, 30))).toEqual([
      expect.stringMatching(/^line 5: time: expected/),
      expect.stringMatching(/^line 8: time: expected/),
      expect.stringMatching(/^line 9: expected at most/),
    ]);
  });

  test("several readings of one line are cut by an end like any others", async () => {
    const path = join(folder, "list.ndjson");
    const record = (n: number) =>
      `${JSON.stringify({ rows: [0, 1, 2].map((i) => ({ time: 1_700_000_000_000 + 3 * n + i, v: 3 * n + i })) })}\n`;
    fs.writeFileSync(path, [0, 1, 2, 3].map(record).join(""));
    const reader = new Reader({ path });
    for (const dieAfter of [4, 1, 3, Number.POSITIVE_INFINITY]) {
      await reader.start(dieAfter);
      await reader.quiet();
      await reader.stop();
    }
    expect(reader.values).toEqual(upTo(12));
  });

  test("an error of the file system costs nothing that was read, and nothing twice", async () => {
    const path = join(folder, "log.csv");
    fs.writeFileSync(path, `time,value\n${lines(0, 100)}`);
    let failures = 0;
    const promises = {
      ...fs.promises,
      open: async (...given: Parameters<typeof fs.promises.open>) => {
        const handle = await fs.promises.open(...given);
        const read = handle.read.bind(handle) as (...args: unknown[]) => Promise<unknown>;
        let reads = 0;
        handle.read = (async (...args: unknown[]) => {
          if (++reads === 6 && failures < 3) {
            failures++;
            throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO" });
          }
          return read(...args);
        }) as typeof handle.read;
        return handle;
      },
    };
    const reader = new Reader({ path }, { ...fs, promises } as typeof fs);
    await reader.start();
    for (let n = 100; n < 130; n++) {
      fs.appendFileSync(path, line(n));
      await reader.quiet();
    }
    await reader.stop();
    expect(failures).toBe(3);
    expect(reader.errors).toContain("EIO: i/o error, read");
    expect(reader.values).toEqual(upTo(130));
  });

  test("what is no text of lines is told", async () => {
    const wide = join(folder, "wide.csv");
    fs.writeFileSync(wide, Buffer.from(`time,value\n${lines(0, 3)}`, "utf16le"));
    const reader = new Reader({ path: wide });
    await reader.start();
    await reader.quiet();
    await reader.stop();
    expect(reader.errors).toEqual([`${wide}: expected UTF-8, got utf-16le`]);
  });
});

describe("rotation", () => {
  test("two rotations while nobody read: the rest of the first, the second, and the new one", async () => {
    const path = join(folder, "app.log");
    fs.writeFileSync(path, `time,value\n${lines(0, 70)}`);
    const reader = new Reader({ path });
    await reader.start(30);
    await reader.quiet();
    await reader.stop();
    expect(reader.values).toEqual(upTo(30));
    fs.renameSync(path, `${path}.1`);
    fs.writeFileSync(path, `time,value\n${lines(70, 80)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
    fs.renameSync(`${path}.1`, `${path}.2`);
    fs.renameSync(path, `${path}.1`);
    fs.writeFileSync(path, `time,value\n${lines(80, 90)}`);
    fs.writeFileSync(`${path}.3.gz`, "packed long ago");
    await reader.start();
    await reader.quiet();
    await reader.stop();
    expect(reader.values).toEqual(upTo(90));
  });

  test("cut and written anew, and longer than before, between two looks at it; it begins alike", async () => {
    const path = join(folder, "app.csv");
    const heading = `# ${"the same words at the beginning of every file ".repeat(30)}\ntime,value\n`;
    fs.writeFileSync(path, `${heading}${lines(0, 70)}`);
    const reader = new Reader({ path });
    await reader.start();
    await reader.quiet();
    fs.writeFileSync(path, `${heading}${lines(70, 200)}`);
    await reader.quiet();
    await reader.stop();
    expect(reader.values).toEqual(upTo(200));
  });

  test("the file in which reading ended is gone: told, and the new one read from its beginning", async () => {
    const path = join(folder, "app.log");
    fs.writeFileSync(path, `time,value\n${lines(0, 70)}`);
    const reader = new Reader({ path });
    await reader.start();
    await reader.quiet();
    await reader.stop();
    fs.rmSync(path);
    fs.writeFileSync(path, `time,value\n${lines(100, 103)}`);
    await reader.start();
    await reader.quiet();
    await reader.stop();
    expect(reader.values.slice(70)).toEqual([100, 101, 102]);
    expect(reader.errors).toEqual([
      `${path}: expected the file in which reading ended, got another one, which is read from its beginning`,
    ]);
  });

  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("append" as const), n: fc.nat(120) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("rename" as const), n: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("copy" as const), n: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("torn" as const), n: fc.nat(20) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("quiet" as const), n: fc.nat(1) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("die" as const), n: fc.nat(60) }) },
  );

  test("any order of writing, renaming, copying and cutting, ends and beginnings: every line once, in order", async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
        const path = join(folder, `run-${run++}.csv`);
        let written = 80;
        let rotations = 0;
        let seen = true;
        fs.writeFileSync(path, `time,value\n${lines(0, written)}`);
        const reader = new Reader({ path });
        await reader.start();
        // What is rotated away before it has ever been opened is none of its business.
        await reader.quiet();
        const shift = (): void => {
          for (let n = rotations++; n > 0; n--) fs.renameSync(`${path}.${n}`, `${path}.${n + 1}`);
        };
        for (const { kind, n } of steps) {
          // A file of which no reading has been read yet, written and cut between two looks at it, is as it was.
          if (kind === "copy" && !seen) await reader.quiet();
          if (kind === "rename" || kind === "copy") seen = false;
          else if (kind === "quiet" && fs.statSync(path).size > "time,value\n".length) seen = true;
          if (kind === "append") {
            fs.appendFileSync(path, lines(written, written + n));
            written += n;
          } else if (kind === "torn") {
            fs.appendFileSync(path, line(written).slice(0, n));
            await reader.quiet();
            fs.appendFileSync(path, line(written++).slice(n));
          } else if (kind === "rename") {
            shift();
            fs.renameSync(path, `${path}.1`);
            fs.writeFileSync(path, n === 1 ? "time,value\n" : "");
          } else if (kind === "copy") {
            // Copied and cut while it is read: what has not been read is in the copy only.
            shift();
            fs.copyFileSync(path, `${path}.1`);
            fs.truncateSync(path, 0);
            if (n === 1) fs.appendFileSync(path, "time,value\n");
            // A reader that looks again before the file has grown beyond where it stood.
            await reader.quiet();
          } else if (kind === "quiet") await reader.quiet();
          else {
            await reader.stop();
            await reader.start(n);
            await new Promise((resolve) => setTimeout(resolve, 3));
            await reader.stop();
            await reader.start();
          }
        }
        await reader.quiet();
        await reader.stop();
        expect(reader.values).toEqual(upTo(written));
      }),
      { seed: 11, numRuns: 30 },
    );
  }, 60_000);
});
