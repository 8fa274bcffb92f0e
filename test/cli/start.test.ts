// `eddy start` and `eddy serve` in processes of their own.
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { DEFAULT_PORT } from "../../src/cli/serving.ts";
import { openEngine } from "../../src/server/engine.ts";
import { startServer } from "../../src/server/server.ts";
import { Client } from "../server/client.ts";
import { Program } from "../server/process.ts";

/** Processes start slowly on a busy machine. */
const PATIENCE = 180_000;
const folder = fs.mkdtempSync(join(tmpdir(), "eddy-start-"));
const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop("SIGKILL");
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));
const eddy = (...args: string[]): Program => {
  const program = Program.eddy(...args);
  programs.push(program);
  return program;
};

const SERIES = [
  "departures/Atlanta",
  "departures/Chicago",
  "departures/Los Angeles",
  "departures/all airports",
  "machine/disk",
  "machine/load",
  "machine/memory",
  "machine/network-in",
  "machine/network-out",
  "machine/processor",
];

test(
  "start: recorded flights and the machine, forecast live; started again, it goes on",
  async () => {
    const start = (...args: string[]) =>
      eddy("start", "--speed", "20000", "--db", join(folder, "new", "demo.db"), ...args);
    const first = start("--port", "0");
    const url = await first.url();
    await first.until(({ stdout }) => /first forecast \d+\.\d s after the start/.test(stdout));
    const client = await Client.ready(url);
    client.send({ type: "subscribe", id: "all", pattern: "*", mode: "stream" });
    const seen = () =>
      new Set(client.of("data").map(({ forecast }) => (forecast as { series: string }).series));
    await client.until(() => seen().size === SERIES.length);
    expect([...seen()].sort()).toEqual(SERIES);
    expect(await first.stop("SIGINT")).toBe(0);
    const sensor = client
      .of("data")
      .filter(({ forecast }) => (forecast as { series: string }).series === SERIES[0]);
    const issuedAt = (frame: Record<string, unknown>) =>
      Date.parse((frame.forecast as { issuedAt: string }).issuedAt);
    const last = Math.max(...sensor.map(issuedAt));

    // The usual port is taken, by us or by whoever has it: the next free one is used.
    const blocker = createServer().on("error", () => {});
    await new Promise((resolve) =>
      blocker.listen(DEFAULT_PORT, "127.0.0.1", () => resolve(null)).once("error", resolve),
    );
    const second = start();
    const secondUrl = await second.url();
    expect(Number(new URL(secondUrl).port)).toBeGreaterThan(DEFAULT_PORT);
    const again = await Client.ready(secondUrl);
    again.send({ type: "subscribe", id: "one", series: SERIES[0], mode: "stream" });
    await again.until(() => again.of("data").length > 0);
    const [{ offset }] = again.of("subscribed");
    expect(Number(offset)).toBeGreaterThanOrEqual(Number(client.of("data").at(-1)?.offset));
    // Its time goes on from where it was: an hour a reading, some of them before we subscribed.
    expect((issuedAt(again.of("data")[0]) - last) % 3_600_000).toBe(0);
    expect(issuedAt(again.of("data")[0])).toBeGreaterThan(last);
    expect(await second.stop()).toBe(0);
    blocker.close();
  },
  PATIENCE,
);

describe("serve refuses in one line", () => {
  /** Runs a command that ends by itself, in this process. */
  const serve = async (...args: string[]) => {
    const printed = { stdout: "", stderr: "" };
    const output = (name: "stdout" | "stderr") => ({
      isTTY: false,
      columns: 80,
      write: (text: string | Uint8Array) => {
        printed[name] += text;
        return undefined;
      },
    });
    const code = await run(["serve", ...args], {
      stdin: Readable.from([]),
      stdout: output("stdout"),
      stderr: output("stderr"),
      fs,
      environment: {},
      fetch,
      spawn,
      now: Date.now,
      sleep: async () => {},
      stop: AbortSignal.abort(),
      onReload: () => {},
      interrupt: () => {},
    });
    return { code, ...printed };
  };

  test.each([
    [
      ["--host", "0.0.0.0"],
      2,
      '--host: expected a loopback address, or a token beside it (EDDY_TOKEN, or tokens in the configuration), got "0.0.0.0"',
    ],
    [["--port", "70000"], 2, '--port: expected a whole number from 0 to 65535, got "70000"'],
    [["--prot", "1"], 2, "did you mean --port?"],
    [["--config", "no/such/file.json"], 1, "no/such/file.json"],
  ])("%j: exit %i", async (args, code, message) => {
    const result = await serve(...args);
    expect(result).toMatchObject({ code, stdout: "" });
    expect(result.stderr).toContain(message);
    expect(result.stderr.trim().split("\n")).toHaveLength(1);
  });

  test("a wrong configuration, by field", async () => {
    const config = join(folder, "eddy.config.json");
    fs.writeFileSync(config, '{ "forecast": { "horizon": "long" } }');
    expect(await serve("--config", config)).toEqual({
      code: 1,
      stdout: "",
      stderr: `eddy: ${config}: forecast.horizon: expected a whole number from 1 to 512, got "long"\n`,
    });
  });

  test("a taken port, a database in use", async () => {
    const database = join(folder, "b.db");
    const server = await startServer({ engine: openEngine({ database }) });
    await server.ready;
    expect(await serve("--port", String(server.port), "--db", join(folder, "c.db"))).toMatchObject({
      code: 1,
      stderr: `eddy: --port: expected a free port, or 0 for any, got ${server.port}, which another program listens on\n`,
    });
    const locked = await serve("--port", "0", "--db", database);
    expect(locked.code).toBe(1);
    expect(locked.stderr).toContain(database);
    await server.close();
  });
});
