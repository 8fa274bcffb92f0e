import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { openEngine } from "../../src/server/engine.ts";
import { published } from "../issues.ts";
import { fakeWorld, invoke, parsed, spawnEddy } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-replay-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const minute = (i: number): string => new Date(Date.UTC(2024, 0, 1, 0, i)).toISOString();
const rows = (n: number): string =>
  `time,v\n${Array.from({ length: n }, (_, i) => `${minute(i)},${i % 7}\n`).join("")}`;
const path = file("sensor.csv", rows(30));

describe("eddy replay", () => {
  test("gives the very bytes that eddy pipe gives of the same lines", async () => {
    const flags = ["--horizon", "3", "--series", "name", "--quiet"];
    const text = `name,${rows(40).replaceAll("\n2024", "\na,2024")}`;
    const replayed = await spawnEddy(["replay", file("named.csv", text), ...flags]);
    const piped = await spawnEddy(["pipe", ...flags], text);
    expect([replayed.code, replayed.stderr]).toEqual([0, ""]);
    expect(replayed.stdout.split("\n")).toHaveLength(40);
    expect(replayed.stdout).toBe(piped.stdout);
  });

  test("--quantiles: the bytes of eddy pipe again", async () => {
    const flags = ["--model", "persistence", "--horizon", "2", "--quantiles", "0.25,0.75"];
    const replayed = await invoke(["replay", path, ...flags]);
    const piped = await invoke(["pipe", ...flags], rows(30));
    expect(parsed(replayed.stdout)[20].horizon[1].quantiles).toHaveProperty(["0.75"]);
    expect(replayed.stdout.replaceAll('"sensor"', '"stdin"')).toBe(piped.stdout);
  });

  test("the series is called like the file", async () => {
    const { stdout } = await invoke(["replay", path, "--model", "persistence"]);
    expect(parsed(stdout)[0].series).toBe("sensor");
  });

  test("--speed paces it by its own time, and what is due is written before it waits", async () => {
    const { world, written, clock } = fakeWorld("");
    const before: number[] = [];
    const sleep = world.sleep;
    const pacing = {
      ...world,
      sleep: (milliseconds: number) => {
        before.push(written.stdout.split("\n").length - 1);
        return sleep(milliseconds);
      },
    };
    expect(await run(["replay", path, "--model", "persistence", "--speed", "60"], pacing)).toBe(0);
    expect(clock.slept).toEqual(new Array(29).fill(1000));
    expect(before).toEqual(Array.from({ length: 29 }, (_, i) => i));
    expect(clock.now - Date.UTC(2024, 0, 1)).toBe(29_000);
  });

  test("--from takes what is before at once, and its forecasts are not written; --to ends it", async () => {
    const whole = parsed((await invoke(["replay", path, "--model", "persistence"])).stdout);
    const { world, written, clock } = fakeWorld("");
    const part = ["--speed", "60", "--from", minute(10), "--to", minute(20)];
    expect(await run(["replay", path, "--model", "persistence", ...part], world)).toBe(0);
    expect(parsed(written.stdout)).toEqual(whole.slice(9, 19));
    expect(clock.slept).toHaveLength(9);
  });

  test("on a terminal the space bar stops and starts time, Ctrl-C ends it", async () => {
    const modes: boolean[] = [];
    const stdin = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (on: boolean) => modes.push(on),
    });
    const { world, written, clock } = fakeWorld("", { stdin }, true);
    const keys: Record<number, string> = { 2: " ", 6: " ", 9: "\x03" };
    let looks = 0;
    const sleep = async (milliseconds: number) => {
      stdin.write(keys[++looks] ?? "x");
      await world.sleep(milliseconds);
      await new Promise(setImmediate);
    };
    expect(await run(["replay", path, "--model", "persistence", "--speed", "60"], { ...world, sleep })).toBe(
      0,
    );
    expect(modes).toEqual([true, false]);
    expect(written.stderr).toContain(" paused");
    // Nine looks: four of them while time stood still, and the end in the ninth.
    expect(clock.slept).toEqual(new Array(9).fill(1000));
    expect(parsed(written.stdout)).toHaveLength(4);
  });

  test("--into posts in batches with ids, waits as the full server asks, and tells what it refused", async () => {
    const bodies: string[] = [];
    const tokens: (string | undefined)[] = [];
    let answers = 0;
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk) => {
        body += chunk;
      });
      request.on("end", () => {
        expect([request.method, request.url]).toEqual(["POST", "/v1/observations"]);
        tokens.push(request.headers.authorization);
        if (answers++ === 1) {
          response.writeHead(429, { "retry-after": "7" }).end();
          return;
        }
        bodies.push(body);
        const lines = body.trimEnd().split("\n").length;
        const refused = bodies.length === 1 ? [{ line: 3, code: "bad-number", message: "v: no" }] : [];
        response
          .writeHead(refused.length > 0 ? 207 : 200, { "content-type": "application/json" })
          .end(JSON.stringify({ accepted: lines - refused.length, duplicate: 0, late: 0, refused }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const { world, written, clock } = fakeWorld("", {
        fetch: globalThis.fetch,
        environment: { EDDY_TOKEN: "t" },
      });
      const long = file("long.csv", rows(700));
      expect(await run(["replay", long, "--into", url, "--json"], world)).toBe(0);
      expect(clock.slept).toEqual([7000]);
      expect(tokens).toEqual(new Array(8).fill("Bearer t"));
      const sent = bodies.flatMap(parsed);
      expect(sent).toHaveLength(700);
      expect(sent[0]).toEqual({ id: "long#0", series: "long", time: minute(0), values: { v: 0 } });
      expect(new Set(sent.map(({ id }) => id)).size).toBe(700);
      expect(JSON.parse(written.stdout)).toEqual({ accepted: 699, duplicate: 0, late: 0, refused: 1 });
      expect(written.stderr).toContain(`eddy: ${long} line 4: v: no`);
      expect(written.stderr).toContain(`699 accepted, 0 duplicate, 0 late, 1 refused by ${url}\n`);
    } finally {
      server.close();
    }
  });

  test("a server that is not there, or says no", async () => {
    const gone = await invoke(["replay", path, "--quiet", "--into", "http://127.0.0.1:9"], "", {
      fetch: () => Promise.reject(new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } })),
    });
    expect(gone).toEqual({
      code: 1,
      stdout: "",
      stderr: "eddy: --into: expected a running Eddy server, got http://127.0.0.1:9: ECONNREFUSED\n",
    });
    const no = await invoke(["replay", path, "--quiet", "--into", "http://127.0.0.1:9"], "", {
      fetch: () => Promise.resolve(new Response("token, please", { status: 401 })),
    });
    expect([no.code, no.stderr]).toEqual([
      1,
      'eddy: POST http://127.0.0.1:9/v1/observations: expected 200 or 207 with a receipt, got 401 "token, please"\n',
    ]);
  });
});

test("a database gives the very forecasts that were made live, by the settings its series were born with", async () => {
  const database = join(folder, "live.db");
  const engine = await openEngine({
    database,
    series: { horizon: 2, model: "seasonal-naive", periods: [5] },
  });
  const live = published(engine);
  const observations = Array.from({ length: 40 }, (_, i) => ({
    series: i % 2 ? "odd" : "even",
    time: Date.UTC(2024, 0, 1, 0, i),
    values: i % 2 ? { a: i } : { b: -i, c: i % 3 },
  }));
  await engine.ingest(observations);
  await engine.close();
  expect(live).toHaveLength(19 + 2 * 19);
  const { code, stdout, stderr } = await invoke(["replay", database, "--horizon", "7"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(live.map((forecast) => `${JSON.stringify(forecast)}\n`).join(""));
});

test("on a terminal a bar is drawn and wiped away", async () => {
  const { world, written, clock } = fakeWorld("", {}, true);
  const ticking = { ...world, now: () => (clock.now += 200) };
  expect(await run(["evaluate", path, "--horizon", "2", "--model", "persistence"], ticking)).toBe(0);
  expect(written.stderr).toContain("persistence (1/1) ██");
  expect(written.stderr.endsWith("\r\x1b[K")).toBe(true);
});
