import { spawn } from "node:child_process";
import fs from "node:fs";
import { Readable } from "node:stream";
import type { World } from "../../../src/cli/world.ts";

/** A world for commands whose output is kept. */
export function collectingWorld(): {
  world: World;
  bytes(): Uint8Array;
  text(): string;
  errors(): string;
} {
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  const output = (into: Buffer[]): World["stdout"] => ({
    isTTY: false,
    columns: 80,
    write(text) {
      into.push(Buffer.from(text as string));
      return undefined;
    },
  });
  return {
    world: {
      stdin: Readable.from([]),
      stdout: output(out),
      stderr: output(errors),
      fs,
      fetch: globalThis.fetch,
      spawn,
      environment: {},
      now: Date.now,
      sleep: () => Promise.resolve(),
      stop: new AbortController().signal,
      onReload() {},
      interrupt() {},
    },
    bytes: () => Buffer.concat(out),
    text: () => Buffer.concat(out).toString(),
    errors: () => Buffer.concat(errors).toString(),
  };
}
