// `eddy alerts ...` against a server: what is asked, what is shown, and what goes wrong in one line.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-cli-alerts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly token: string | null;
  readonly body: unknown;
}

/** Runs a command against a server that answers so. */
async function run(
  typed: string[],
  answer: (asked: Asked) => { status?: number; body?: unknown } | Error,
  input = "",
  environment: Record<string, string> = {},
) {
  const asked: Asked[] = [];
  const fetch = (async (url: URL, options: RequestInit) => {
    const headers = new Headers(options.headers);
    const body = options.body === undefined ? undefined : JSON.parse(String(options.body));
    const one = {
      method: String(options.method),
      url: String(url),
      token: headers.get("authorization"),
      body,
    };
    asked.push(one);
    const given = answer(one);
    if (given instanceof Error) throw given;
    const { status = 200 } = given;
    const text = given.body === undefined ? null : JSON.stringify(given.body);
    return new Response(text, { status });
  }) as typeof globalThis.fetch;
  return { asked, ...(await invoke(["alerts", ...typed], input, { fetch, environment })) };
}

const delivery = {
  id: 17,
  receiver: "ops",
  state: "dead",
  attempts: 10,
  error: 'status 400: "no"',
  transition: { rule: "full", state: "firing", summary: "disk/a is 91, above 90" },
};

test("rules and what fires, as tables that no name can upset", async () => {
  const rule = {
    name: "full",
    series: "disk/*",
    when: { reading: "outside", limit: [10, 90] },
    to: ["ops"],
    from: "http",
  };
  const alert = {
    state: "firing",
    rule: "full",
    series: "disk/\u001b[2Ja\n\u202e",
    target: "",
    since: "2026-01-01T00:00:00.000Z",
    summary: "hot",
  };
  const { code, stdout, asked } = await run(["list", "--url", "http://h:1/"], () => ({
    body: { rules: [rule], alerts: [alert] },
  }));
  expect([code, asked]).toEqual([
    0,
    [{ method: "GET", url: "http://h:1/v1/alerts", token: null, body: undefined }],
  ]);
  expect(stdout.replaceAll(/ {2,}/g, "  ")).toBe(
    "rule  series  when  severity  to  from\n" +
      "full  disk/*  reading outside, limit 10 to 90  warning  ops  http\n\n" +
      "state  rule  series  target  since  summary\n" +
      "firing  full  disk/·[2Ja··  -  2026-01-01T00:00:00.000Z  hot\n",
  );
  const none = await run(["list"], () => ({ body: { rules: [], alerts: [] } }));
  expect(none.stdout).toBe("There are no rules.\n\nNothing is pending or firing.\n");
});

test("the token comes from the environment or the flag, --json is what the server said", async () => {
  const body = { receivers: [] };
  const { stdout, asked } = await run(["receivers", "--json"], () => ({ body }), "", { EDDY_TOKEN: "t1" });
  expect([stdout, asked[0].token]).toEqual(['{"receivers":[]}\n', "Bearer t1"]);
  const other = await run(["receivers", "--token", "t2"], () => ({ body }), "", { EDDY_TOKEN: "t1" });
  expect([other.asked[0].token, other.stdout]).toEqual([
    "Bearer t2",
    "There are none in the configuration.\n",
  ]);
});

test("deliveries are read page by page up to the limit", async () => {
  const { stdout, asked, code } = await run(
    ["deliveries", "--state", "dead", "--receiver", "ops", "--limit", "1500"],
    ({ url }) => {
      const first = !url.includes("cursor");
      return { body: { deliveries: Array(first ? 1000 : 500).fill(delivery), next: first ? "42" : "7" } };
    },
  );
  expect(code).toBe(0);
  expect(asked.map(({ url }) => url.replace(/^.*\?/, ""))).toEqual([
    "limit=1000&state=dead&receiver=ops",
    "limit=500&state=dead&receiver=ops&cursor=42",
  ]);
  expect(stdout.split("\n").length).toBe(1502);
  expect(stdout).toContain('disk/a is 91, above 90  status 400: "no"');
  const none = await run(["deliveries"], () => ({ body: { deliveries: [], next: null } }));
  expect(none.stdout).toBe("There are none: everybody has been told.\n");
});

test("transitions are told the newest first", async () => {
  const one = {
    time: "2026-01-01T00:00:00.000Z",
    state: "resolved",
    rule: "full",
    series: "a",
    target: "",
    summary: "fine",
  };
  const { stdout } = await run(["transitions"], () => ({ body: { transitions: [one], next: null } }));
  expect(stdout.split("\n")[1]).toBe("2026-01-01T00:00:00.000Z  resolved  full  a       -       fine");
});

test("rules are put from a file or standard input, one or several", async () => {
  const rules = [
    { name: "a/b", series: "x" },
    { name: "c", series: "y" },
  ];
  const file = join(folder, "rules.json");
  writeFileSync(file, JSON.stringify(rules));
  const { stdout, asked } = await run(["put", file], ({ body }) => ({ status: 201, body }));
  expect(asked.map(({ method, url, body }) => [method, url, body])).toEqual([
    ["PUT", "http://127.0.0.1:8787/v1/alerts/a%2Fb", rules[0]],
    ["PUT", "http://127.0.0.1:8787/v1/alerts/c", rules[1]],
  ]);
  expect(stdout).toBe("a/b is in force\nc is in force\n");
  const piped = await run(["put", "-", "--json"], ({ body }) => ({ body }), JSON.stringify(rules[1]));
  expect(JSON.parse(piped.stdout)).toEqual(rules[1]);
  const nameless = await run(["put", "-"], () => ({}), '[{"name":"a"},{"series":"x"}]');
  expect([nameless.code, nameless.stderr]).toEqual([
    1,
    "eddy: -: 1.name: expected the name of a rule, got undefined\n",
  ]);
  const text = await run(["put", "-"], () => ({}), "{");
  expect([text.code, text.asked.length, text.stderr.split("\n").length]).toEqual([1, 0, 2]);
});

test("one rule is shown and deleted by its name", async () => {
  const { asked, stdout } = await run(["show", "../x"], () => ({ body: { name: "../x" } }));
  expect([asked[0].url, stdout]).toEqual([
    "http://127.0.0.1:8787/v1/alerts/..%2Fx",
    '{\n  "name": "../x"\n}\n',
  ]);
  const gone = await run(["delete", "x"], () => ({ status: 204 }));
  expect([gone.asked[0].method, gone.stdout]).toEqual(["DELETE", "x is gone\n"]);
});

test("what was given up is sent again", async () => {
  const one = await run(["retry", "17"], () => ({ body: { retried: 1 } }));
  expect([one.asked[0].method, one.asked[0].url]).toEqual([
    "POST",
    "http://127.0.0.1:8787/v1/alerts/deliveries/17/retry",
  ]);
  expect(one.stdout).toBe("1 will be sent again\n");
  const all = await run(["retry", "all", "--receiver", "o ps"], () => ({ body: { retried: 12 } }));
  expect(all.asked[0].url).toBe("http://127.0.0.1:8787/v1/alerts/deliveries/retry?receiver=o+ps");
});

describe("what goes wrong is one line", () => {
  const cases: [string, string[], { status?: number; body?: unknown } | Error, number, string][] = [
    [
      "no server",
      ["list"],
      new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } }),
      1,
      "eddy: --url: expected a running Eddy server, got http://127.0.0.1:8787: ECONNREFUSED\n",
    ],
    [
      "a refusal",
      ["show", "x"],
      { status: 404, body: { code: "not-found", message: 'rule "x": there is none of this name' } },
      1,
      'eddy: GET http://127.0.0.1:8787/v1/alerts/x: 404 rule "x": there is none of this name\n',
    ],
    [
      "no token",
      ["list"],
      { status: 401, body: { code: "unauthorised", message: "Authorization: expected Bearer" } },
      1,
      "(the token is taken from EDDY_TOKEN)\n",
    ],
    [
      "another program",
      ["deliveries"],
      { body: { hello: 1 } },
      1,
      'expected a list of deliveries, got {"hello":1}\n',
    ],
    ["no id", ["retry", "x"], {}, 2, 'eddy: ID: expected a number, or all, got "x"\n'],
    [
      "a receiver beside an id",
      ["retry", "1", "--receiver", "a"],
      {},
      2,
      "eddy: --receiver: only beside all\n",
    ],
    [
      "no address",
      ["list", "--url", "ops"],
      {},
      2,
      'eddy: --url: expected a URL such as http://127.0.0.1:8787, got "ops"\n',
    ],
    [
      "no such state",
      ["deliveries", "--state", "lost"],
      {},
      2,
      'eddy: --state: expected one of waiting, reminded, dead, got "lost"\n',
    ],
    ["no such command", ["lsit"], {}, 2, 'got "lsit" (did you mean list?)\n'],
    ["no command", [], {}, 2, "eddy: eddy alerts: expected one of "],
  ];
  test.each(cases)("%s", async (_name, typed, answer, code, message) => {
    const ended = await run(typed, () => answer);
    expect(ended.code).toBe(code);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr.split("\n").length).toBe(2);
  });

  test("eddy alerts --help lists what there is", async () => {
    const { code, stdout } = await run(["--help"], () => ({}));
    expect(code).toBe(0);
    expect(stdout).toContain("  alerts retry ");
    expect(stdout).not.toContain("  forecast ");
  });
});
