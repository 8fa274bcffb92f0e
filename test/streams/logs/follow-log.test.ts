// A log that is followed, counted, and taken up again after an end at any reading: nothing missing, nothing twice, the same templates.
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followedFile } from "../../../src/streams/sources/follow.ts";
import { sourceContext } from "../../../src/streams/sources/source.ts";
import { randomFrom, shopLog } from "./lines.ts";

let folder = "";
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "eddy-log-"));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** Follows until nothing more comes, or so many readings have been taken; what is kept and taken goes on over calls. */
async function follow(
  path: string,
  kept: Map<string, string>,
  taken: string[],
  dieAfter = Number.POSITIVE_INFINITY,
): Promise<void> {
  let left = dieAfter;
  let idle = 0;
  let over = false;
  const context = await sourceContext({
    kept: new Map(kept),
    now: () => Date.UTC(2025, 10, 25),
    after: (_, task) => {
      idle++;
      const timer = setTimeout(task, 1);
      return () => clearTimeout(timer);
    },
  });
  const subscription = followedFile({ path, count: "30s" }, context).subscribe((batch) => {
    idle = 0;
    if (over) return;
    for (const [i, reading] of batch.readings.entries()) {
      if (left-- <= 0) {
        over = true;
        return;
      }
      taken.push("reason" in reading ? reading.message : JSON.stringify(reading.observation));
      for (const [key, text] of Object.entries(batch.reached?.(i) ?? {})) kept.set(key, text);
    }
    setImmediate(() => batch.acknowledge?.());
  });
  while (idle < 5 && !over) await new Promise((resolve) => setTimeout(resolve, 2));
  subscription.unsubscribe();
  await new Promise((resolve) => setImmediate(resolve));
}

test("ended after any number of readings, it goes on to the same ones", async () => {
  const path = join(folder, "shop.log");
  const lines = shopLog(1500, 21);
  lines.splice(200, 0, "x".repeat(3 << 20));
  lines.splice(700, 0, "\u0000\u0001\u0002\u0003\u0004\u0005");
  fs.writeFileSync(path, `${lines.join("\n")}\n`);
  const expected: string[] = [];
  await follow(path, new Map(), expected);
  expect(expected.length).toBeGreaterThan(150);
  const random = randomFrom(1);
  for (let round = 0; round < 4; round++) {
    const kept = new Map<string, string>();
    const taken: string[] = [];
    while (taken.length < expected.length) {
      const before = taken.length;
      await follow(path, kept, taken, 1 + Math.floor(random() * 60));
      if (taken.length === before) break;
    }
    expect(taken).toEqual(expected);
  }
});

test("rotated while nobody reads, the rest of the old file comes first", async () => {
  const path = join(folder, "shop.log");
  const lines = shopLog(1200, 22);
  const whole = join(folder, "whole.log");
  fs.writeFileSync(whole, `${lines.join("\n")}\n`);
  const expected: string[] = [];
  await follow(whole, new Map(), expected);
  const kept = new Map<string, string>();
  const taken: string[] = [];
  fs.writeFileSync(path, `${lines.slice(0, 500).join("\n")}\n`);
  await follow(path, kept, taken, 40);
  fs.renameSync(path, `${path}.1`);
  fs.writeFileSync(path, `${lines.slice(500).join("\n")}\n`);
  await follow(path, kept, taken);
  expect(taken).toEqual(expected);
});
