// eddy subscribe and scripts/subscribe.ts, against a real server.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { openEngine } from "../../src/server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../../src/server/server.ts";
import { Program } from "../server/process.ts";
import { fakeWorld, invoke, parsed } from "./invoke.ts";

/** Processes start slowly on a busy machine. */
const PATIENCE = 180_000;
const folder = mkdtempSync(join(tmpdir(), "eddy-subscribe-"));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let databases = 0;
const open = async (
  options: Partial<ServerOptions> = {},
  database = `${databases++}.db`,
): Promise<Server> => {
  const series = { horizon: 2, model: "persistence" };
  const engine = openEngine({ database: join(folder, database), series });
  const server = await startServer({ port: 0, engine, socket: { reconnectAfterMs: 50 }, ...options });
  await server.ready;
  closers.unshift(() => server.close());
  return server;
};
const observe = async (server: Server, t: number): Promise<void> => {
  const batch = ["mote-1/air", "mote-2/air", "mote-1/soil"].map((series, i) => ({
    series,
    time: t * 1000,
    values: { value: t + 10 * i },
  }));
  await (await server.intake).ingest(batch);
};
const subscriptions = async (server: Server): Promise<number> =>
  Number(/eddy_socket_subscriptions (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]);
const subscribed = async (server: Server, count = 1): Promise<void> => {
  while ((await subscriptions(server)) !== count) await new Promise((resolve) => setTimeout(resolve, 20));
};

test("latest: what is known, as many lines as asked for, then an end", async () => {
  const server = await open();
  for (let t = 1; t <= 3; t++) await observe(server, t);
  const { code, stdout, stderr } = await invoke(["subscribe", server.url, "mote-?/air", "--count", "2"]);
  expect([code, stderr]).toEqual([0, ""]);
  const forecasts = parsed(stdout);
  expect(forecasts.map(({ series }) => series).sort()).toEqual(["mote-1/air", "mote-2/air"]);
  expect(forecasts[0]).toMatchObject({ target: "value", level: 0.9, model: "persistence" });
  const one = await invoke(["subscribe", server.url, "mote-1/soil", "--count", "1", "--horizons", "2"]);
  expect(parsed(one.stdout)[0].horizon).toMatchObject([{ step: 2, mean: 23 }]);
});

test("on a terminal it is a table", async () => {
  const server = await open();
  for (let t = 1; t <= 3; t++) await observe(server, t);
  const { world, written } = fakeWorld("", {}, true);
  expect(await run(["subscribe", server.url, "mote-1/air", "--count", "1"], world)).toBe(0);
  expect(written.stdout).toMatch(
    /^time \(UTC\) +series +reading +next +likely between +last step +likely between\n1970-01-01 00:00:03 +mote-1\/air +3 +3 +\S+ to \S+ +3 +\S+ to \S+\n$/,
  );
});

test("stream, ended and begun again at the place it told: every forecast once", async () => {
  const server = await open();
  await observe(server, 1);
  const first = invoke(["subscribe", server.url, "*", "--mode", "stream", "--count", "4"]);
  await subscribed(server);
  for (let t = 2; t <= 5; t++) await observe(server, t);
  const { stdout, stderr } = await first;
  const [, place = ""] = /: --since (\S+) goes on from here\n$/.exec(stderr) ?? [];
  const second = await invoke(["subscribe", server.url, "--since", place, "--count", "8"]);
  const told = [...parsed(stdout), ...parsed(second.stdout)];
  expect(told.map(({ offset }) => offset)).toEqual(Array.from({ length: 12 }, (_, i) => 4 + i));
});

test("a place of another journal is told as a gap", async () => {
  const server = await open();
  for (let t = 1; t <= 3; t++) await observe(server, t);
  const running = invoke(["subscribe", server.url, "--since", "another:7", "--count", "1"]);
  await subscribed(server);
  await observe(server, 4);
  const { code, stderr } = await running;
  expect(code).toBe(0);
  expect(stderr).toContain("forecasts after offset 0 up to 9 cannot be sent any more: another epoch\n");
});

describe("what goes wrong is one line and an exit code", () => {
  test.each([
    [["subscribe"], 2, "eddy: URL: expected a server, such as http://127.0.0.1:8787, got nothing\n"],
    [["subscribe", "boiler*"], 2, 'eddy: URL: expected a URL such as http://127.0.0.1:8787, got "boiler*"\n'],
    [
      ["subscribe", "http://a", "b", "c"],
      2,
      'eddy: "c": not expected, eddy subscribe takes only URL, PATTERN and flags\n',
    ],
    [
      ["subscribe", "http://a", "--since", "7"],
      2,
      'eddy: --since: expected EPOCH:OFFSET:ORDINAL (of alerts EPOCH:SEQUENCE), as eddy subscribe tells it at its end, got "7"\n',
    ],
    [
      ["subscribe", "http://a", "--mode", "all"],
      2,
      'eddy: --mode: expected one of latest, stream, got "all"\n',
    ],
    [
      ["subscribe", "http://a", "--alerts", "--mode", "latest"],
      2,
      "eddy: --mode: not with --alerts: it is about forecasts\n",
    ],
    [["subscribe", "http://a", "--horizons", "0"], 2, /^eddy: --horizons: expected /],
  ] as const)("%j", async (typed, exit, message) => {
    const { code, stdout, stderr } = await invoke([...typed]);
    expect([code, stdout]).toEqual([exit, ""]);
    if (typeof message === "string") expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
  });

  test("a token that is wrong, a pattern that is none", async () => {
    const server = await open({ token: "secret" });
    const wrong = await invoke(["subscribe", server.url], "", { environment: { EDDY_TOKEN: "other" } });
    expect(wrong).toEqual({
      code: 1,
      stdout: "",
      stderr: `eddy: ${server.url}: the token is missing or wrong (Authorization: expected Bearer and a token of the server, got another)\n`,
    });
    const pattern = "x".repeat(257);
    const { code, stderr } = await invoke(["subscribe", server.url, pattern, "--token", "secret"]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `eddy: ${server.url}: subscribe pattern: expected a pattern of 1 to 256 characters, got "${pattern.slice(0, 59)}…\n`,
    );
  });
});

test(
  "a reader that goes away and Ctrl-C are quiet ends",
  async () => {
    const server = await open();
    await observe(server, 1);
    await observe(server, 2);
    const shell = spawn("sh", [
      "-c",
      `"$0" --import tsx src/cli/main.ts subscribe "$1" --mode stream | head -n 1; kill -0 $$`,
      process.execPath,
      server.url,
    ]);
    const out = { stdout: "", stderr: "" };
    shell.stdout.on("data", (chunk) => {
      out.stdout += chunk;
    });
    shell.stderr.on("data", (chunk) => {
      out.stderr += chunk;
    });
    let over = false;
    const closed = new Promise((resolve) => shell.on("close", resolve)).then((code) => {
      over = true;
      return code;
    });
    await subscribed(server);
    for (let t = 3; !over; t++) {
      await observe(server, t);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await closed).toBe(0);
    expect(parsed(out.stdout)).toHaveLength(1);
    expect(out.stderr.replace(/^eddy: \S+ --since \S+ goes on from here\n$/, "")).toBe("");

    const program = Program.eddy("subscribe", server.url);
    await program.until(({ stdout }) => stdout.split("\n").length > 3);
    expect(await program.stop("SIGINT")).toBe(0);
    expect(program.stderr).toBe("");
  },
  PATIENCE,
);

test.each([
  ["scripts/subscribe.ts", []],
  ["src/cli/main.ts", ["subscribe"]],
] as const)(
  "%s brings two series live, and goes on after the server was away",
  async (program, typed) => {
    const database = `away-${typed.length}.db`;
    const first = await open({}, database);
    const flags = typed.length > 0 ? ["--mode", "stream"] : [];
    const running = new Program([program, ...typed, first.url, "mote-?/air", ...flags]);
    closers.push(() => running.stop("SIGKILL"));
    const forecasts = () => parsed(running.stdout.replace(/[^\n]*$/, ""));
    await subscribed(first);
    for (let t = 1; t <= 3; t++) await observe(first, t);
    await running.until(() => forecasts().length >= 4);
    await first.close();
    await running.until(({ stderr }) => stderr.includes("the server is going away; trying again in"));
    const second = await open({ port: first.port }, database);
    // Perhaps before the subscriber is back: it is sent what it missed.
    await observe(second, 4);
    await running.until(() => forecasts().length >= 6);
    expect(forecasts().map(({ series, horizon }) => [series, horizon[0].mean])).toEqual([
      ["mote-1/air", 2],
      ["mote-2/air", 12],
      ["mote-1/air", 3],
      ["mote-2/air", 13],
      ["mote-1/air", 4],
      ["mote-2/air", 14],
    ]);
  },
  PATIENCE,
);
