import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { Readable } from "node:stream";
import { run } from "../../src/cli/run.ts";
import type { Output, World } from "../../src/cli/world.ts";

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A world in memory: what comes in is given, what goes out is kept, time stands still unless somebody sleeps. */
export function fakeWorld(input: string, more: Partial<World> = {}, terminal = false) {
  const written = { stdout: "", stderr: "" };
  const clock = { now: Date.UTC(2024, 0, 1), slept: [] as number[] };
  const output = (name: "stdout" | "stderr"): Output => ({
    isTTY: terminal,
    columns: 80,
    write(text) {
      written[name] += typeof text === "string" ? text : Buffer.from(text).toString();
      return undefined;
    },
  });
  const controller = new AbortController();
  const world: World = {
    stdin: Readable.from([Buffer.from(input)]),
    stdout: output("stdout"),
    stderr: output("stderr"),
    fs,
    fetch: () => Promise.reject(new Error("no network in this world")),
    spawn: () => {
      throw new Error("no programs in this world");
    },
    environment: {},
    now: () => clock.now,
    sleep: (milliseconds) => {
      clock.slept.push(milliseconds);
      clock.now += milliseconds;
      return Promise.resolve();
    },
    stop: controller.signal,
    onReload: () => {},
    interrupt: () => controller.abort(),
    ...more,
  };
  return { world, written, clock };
}

/** Runs a command in this process, in a world of its own. */
export async function invoke(typed: string[], input = "", more: Partial<World> = {}): Promise<Result> {
  const { world, written } = fakeWorld(input, more);
  const code = await run(typed, world);
  return { code, ...written };
}

/** Runs the real command as a process of its own. */
export function spawnEddy(typed: string[], input: string | Buffer = ""): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...typed]);
    const out = { stdout: "", stderr: "" };
    child.stdout.on("data", (chunk) => {
      out.stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      out.stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...out }));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** The lines of NDJSON. */
export const parsed = (text: string) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
