// A server as an operator runs it: a process of its own, with a configuration, signals, logs and what Prometheus reads.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { newToken, tokenHash } from "../../src/server/access/tokens.ts";
import { Client } from "./client.ts";
import { Program } from "./process.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-operations-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const running: Program[] = [];
afterEach(async () => {
  for (const program of running.splice(0)) await program.stop("SIGKILL");
});

const [OPS, SENSOR] = [newToken(), newToken()];
const entry = (name: string, token: string, more: object) => ({ name, sha256: tokenHash(token), ...more });
const ops = entry("ops", OPS, { read: ["*"], admin: ["*"] });
const sensor = entry("sensor", SENSOR, { read: ["boiler"], write: ["boiler"] });

let made = 0;
async function serve(configuration: object, ...more: string[]) {
  const home = join(folder, String(made++));
  const config = `${home}.json`;
  const write = (value: object | string) =>
    writeFileSync(config, typeof value === "string" ? value : JSON.stringify(value));
  write(configuration);
  const program = Program.eddy("serve", "--config", config, "--db", join(home, "data", "eddy.db"), ...more);
  running.push(program);
  const url = await program.url();
  const ask = (path: string, token: string, init: RequestInit = {}) =>
    fetch(url + path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  while ((await fetch(`${url}/readyz`)).status !== 200)
    await new Promise((resume) => setTimeout(resume, 100));
  return { program, url, ask, write, home };
}
const lines = (program: Program) =>
  program.stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

test("tokens are read anew on SIGHUP and when the file changes; a mistake in it changes nothing and is told", async () => {
  const base = { port: 0, tokens: [ops, sensor] };
  const { program, url, ask, write, home } = await serve(base, "--log-level", "info");
  const body = '{"series":"boiler","value":1}';
  const post = () =>
    ask("/v1/observations", SENSOR, {
      method: "POST",
      body,
      headers: { "content-type": "application/x-ndjson" },
    });
  expect((await post()).status).toBe(200);
  const client = await Client.ready(url, SENSOR);

  write('{ "port": 0, "tokens": [ oops');
  program.child.kill("SIGHUP");
  await program.until(({ stderr }) => stderr.includes("the tokens stay as they were"));
  expect((await post()).status).toBe(200);
  expect(await (await ask("/metrics", OPS)).text()).toContain("\neddy_config_last_reload_successful 0\n");

  write({ ...base, tokens: [ops] });
  expect(await client.closed).toEqual({ code: 4401, reason: "the token was revoked" });
  expect((await post()).status).toBe(401);
  const metrics = await (await ask("/metrics", OPS)).text();
  expect(metrics).toContain("\neddy_config_last_reload_successful 1\n");
  expect(metrics).toContain('\neddy_refusals_total{reason="wrong-token"} 1\n');

  // A folder that is made here is private.
  expect(statSync(join(home, "data")).mode & 0o777).toBe(0o700);
  expect(await program.stop("SIGTERM")).toBe(0);
  const told = lines(program);
  expect(told.filter(({ event }) => event === "refused")).toMatchObject([
    { level: "warn", reason: "revoked-token", token: "sensor", peer: "127.0.0.1", what: "connection" },
    { level: "warn", reason: "wrong-token", token: null, what: "POST /v1/observations" },
  ]);
  for (const secret of [OPS, SENSOR, tokenHash(OPS), tokenHash(SENSOR)])
    expect(program.stderr + program.stdout).not.toContain(secret);
}, 120_000);

test("what Prometheus reads has its words, base units and no duplicates", async () => {
  const { program, ask } = await serve({ port: 0, token: OPS });
  const write = (path: string, body: string, type: string) =>
    ask(path, OPS, { method: "POST", body, headers: { "content-type": type } });
  await write(
    "/v1/observations",
    '{"series":"a","value":1}\n{"series":"a","value":2}',
    "application/x-ndjson",
  );
  await write("/write", "cpu value=1\n", "text/plain");
  const text = await (await ask("/metrics", OPS)).text();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
  expect(new Set(names).size).toBe(names.length);
  const explained = [...text.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name);
  expect(names.filter((name) => !explained.includes(name))).toEqual([]);
  expect(names.filter((name) => /milli|_ms|_kb|_mib|_minutes|_hours|_percent/.test(name ?? ""))).toEqual([]);
  expect(text).toMatch(/^eddy_build_info\{version="\d+\.\d+\.\d+",node="v\d+\.\d+\.\d+"\} 1$/m);
  const { error, status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
    input: text,
    encoding: "utf8",
  });
  // Debian's prometheus has it; the rest of the test holds without.
  if (error === undefined) expect([status, stdout, stderr]).toEqual([0, "", ""]);
  expect(await program.stop("SIGTERM")).toBe(0);
}, 120_000);

test("a log for people is one line each, whatever is in it", async () => {
  const { program, url } = await serve({ port: 0, token: OPS }, "--log-format", "text");
  await fetch(`${url}/v1/series/%0a%1b%5b31mred?token=${SENSOR}`, {
    headers: { authorization: "Bearer wrong" },
  });
  await program.until(({ stderr }) => stderr.includes("refused"));
  expect(program.stderr).toMatch(
    /^\S+Z WARN {2}refused event="refused" reason="wrong-token" token=null peer="127\.0\.0\.1" what="GET \/v1\/series\/[^"]*" why="[^"]*"\n$/,
  );
  expect(program.stderr).not.toContain("\u001b");
  expect(program.stderr).not.toContain(SENSOR);
}, 120_000);
