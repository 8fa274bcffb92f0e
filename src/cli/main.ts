#!/usr/bin/env node
// The only file that touches process, argv, standard streams and the exit code.
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { run } from "./run.ts";
import type { Output, World } from "./world.ts";

const controller = new AbortController();

const output = (stream: NodeJS.WriteStream): Output => {
  let closed = false;
  let waiting: (() => void)[] = [];
  const release = () => {
    for (const resume of waiting) resume();
    waiting = [];
  };
  stream.on("drain", release);
  // Whoever read us has gone (`eddy ... | head`): that is an end, not a failure.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    closed = true;
    release();
    if (error.code === "EPIPE") controller.abort();
    else process.exitCode = 1;
  });
  return {
    isTTY: stream.isTTY === true,
    columns: stream.columns ?? 80,
    write(text) {
      if (closed || stream.write(text)) return undefined;
      return new Promise<void>((resume) => waiting.push(resume));
    },
  };
};

const world: World = {
  stdin: process.stdin,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  fs,
  fetch: globalThis.fetch,
  spawn,
  environment: process.env,
  now: Date.now,
  sleep: (milliseconds, idle = false) =>
    new Promise((resolve) => {
      if (controller.signal.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        controller.signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      if (idle) timer.unref();
      controller.signal.addEventListener("abort", done);
    }),
  stop: controller.signal,
  // A terminal that is closed sends the same signal, and means an end.
  onReload: (listener) =>
    void process.on("SIGHUP", () => (process.stdout.isTTY ? controller.abort() : listener())),
  interrupt: () => controller.abort(),
};

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // Once: asked a second time, the system's default holds, an end at once.
  process.once(signal, () => controller.abort());
}

const code = await run(process.argv.slice(2), world);
process.exitCode ||= code;
// A pipe that nobody closes, or a terminal, must not keep a finished command alive.
process.stdin.unref?.();
