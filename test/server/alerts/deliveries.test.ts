// Receivers of a server that runs: told in time, each by itself; what was given up is listed, sent again and counted; nothing secret shows.
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Receivers } from "../../../src/server/alerts/delivery/settings.ts";
import { readConfiguration } from "../../../src/server/configuration.ts";
import { type Server, startServer } from "../../../src/server/server.ts";
import { announced } from "../../outbox.ts";
import { ScriptedEngine } from "../scripted-engine.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;

interface Body {
  readonly alerts: { readonly alert: string; readonly state: string }[];
}

async function hook(answer: (alerts: string[], response: ServerResponse) => void) {
  const arrived: string[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", () => {
      const alerts = (JSON.parse(text) as Body).alerts.map(({ alert, state }) => `${alert} ${state}`);
      arrived.push(...alerts);
      answer(alerts, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/t0ken`, arrived };
}

async function start(receivers: Receivers, given: { engine?: ScriptedEngine; token?: string } = {}) {
  const engine = given.engine ?? new ScriptedEngine();
  const said: string[] = [];
  const note = (_fields: object, message: string) => void said.push(message);
  const server: Server = await startServer({
    engine,
    receivers,
    log: { info: note, warn: note, error: note },
    ...(given.token === undefined ? {} : { token: given.token }),
  });
  closers.push(() => server.close());
  await server.ready;
  const add = (...alerts: Parameters<typeof announced>[0][]): void => {
    for (const alert of alerts) engine.outbox.add(announced(alert));
    engine.outbox.committed();
  };
  const ask = async (method: string, path: string) => {
    const answer = await fetch(`${server.url}${path}`, { method });
    const text = await answer.text();
    return { status: answer.status, text, body: text.startsWith("{") ? JSON.parse(text) : null };
  };
  return { server, engine, add, ask, said };
}

const until = async (holds: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
};
const well = (_alerts: string[], response: ServerResponse) => void response.writeHead(204).end();

test("one receiver that never answers and one that is not there hold up neither another nor the server", async () => {
  const hung = await hook(() => {});
  const ops = await hook(well);
  const { add, ask, server } = await start({
    hung: { webhook: hung.url, wait: "0s" },
    gone: { webhook: "http://127.0.0.1:1/", wait: "0s" },
    siren: { command: ["/bin/sh", "-c", "sleep 600"], wait: "0s" },
    ops: { webhook: ops.url, wait: "0s" },
  });
  const to = ["hung", "gone", "siren", "ops"];
  add(...Array.from({ length: 300 }, (_, n) => ({ subject: `a${n}`, lane: `rule${n % 50}`, n, to })));
  await until(() => ops.arrived.length === 300);
  expect((await ask("GET", "/healthz")).status).toBe(200);
  const { body } = await ask("GET", "/v1/alerts/receivers");
  const brief = body.receivers.map(({ name, waiting, told }: Record<string, unknown>) => [
    name,
    waiting,
    told,
  ]);
  expect(brief.slice(0, 3)).toEqual([
    ["hung", 300, 0],
    ["gone", 300, 0],
    ["siren", 300, 0],
  ]);
  expect(brief[3]).toEqual(["ops", 0, 300]);
  // Its stop does not wait for them for long, and what they were not told stays.
  await server.close();
}, 60_000);

test("what is refused ten times is dead: listed with why, sent again one by one or all, and deleted", async () => {
  let broken = true;
  const ops = await hook((alerts, response) => {
    const bad = broken && alerts.some((alert) => alert.startsWith("bad"));
    response.writeHead(bad ? 413 : 200).end(bad ? "too much" : "");
  });
  const { add, ask, said } = await start({ ops: { webhook: ops.url, wait: "0s", together: 1 } });
  add(
    { subject: "bad1" },
    { subject: "a" },
    { subject: "bad2", lane: "other" },
    { subject: "bad3", lane: "other" },
  );
  await until(
    async () => (await ask("GET", "/v1/alerts/deliveries?state=dead")).body.deliveries.length === 3,
  );
  await until(() => ops.arrived.includes("a firing"));
  const listed = await ask("GET", "/v1/alerts/deliveries?state=dead&limit=2");
  expect(listed.body.deliveries).toMatchObject([
    {
      receiver: "ops",
      state: "dead",
      attempts: 1,
      error: 'status 413: "too much"',
      transition: { alert: "bad3" },
    },
    { transition: { alert: "bad2" } },
  ]);
  const rest = await ask("GET", `/v1/alerts/deliveries?state=dead&limit=2&cursor=${listed.body.next}`);
  expect([rest.body.deliveries.length, rest.body.next]).toEqual([1, null]);
  const [first] = rest.body.deliveries;
  expect(said.filter((words) => words.includes("given up")).length).toBe(3);
  const { text } = await ask("GET", "/metrics");
  expect(text).toContain('eddy_receiver_dead{receiver="ops"} 3\n');
  expect(text).toContain('eddy_receiver_told_total{receiver="ops"} 1\n');

  broken = false;
  expect(await ask("POST", `/v1/alerts/deliveries/${first.id}/retry`)).toMatchObject({
    status: 200,
    body: { retried: 1 },
  });
  await until(() => ops.arrived.filter((alert) => alert === "bad1 firing").length === 2);
  await until(async () => (await ask("GET", `/v1/alerts/deliveries`)).body.deliveries.length === 2);
  const [last] = listed.body.deliveries;
  expect((await ask("DELETE", `/v1/alerts/deliveries/${last.id}`)).status).toBe(204);
  expect((await ask("DELETE", `/v1/alerts/deliveries/${last.id}`)).status).toBe(404);
  expect(await ask("POST", "/v1/alerts/deliveries/retry?receiver=nobody")).toMatchObject({ status: 409 });
  expect((await ask("POST", "/v1/alerts/deliveries/retry")).body).toEqual({ retried: 1 });
  await until(async () => (await ask("GET", `/v1/alerts/deliveries`)).body.deliveries.length === 0);
});

test("what waits can be neither deleted nor sent again, and wrong questions are told", async () => {
  const { add, ask, engine } = await start({ gone: { webhook: "http://127.0.0.1:1/", wait: "10m" } });
  add({ to: ["gone"] });
  const [{ id }] = engine.outbox.list({ before: 1e9, limit: 1 });
  const answers = await Promise.all(
    [
      ["POST", `/v1/alerts/deliveries/${id}/retry`],
      ["DELETE", `/v1/alerts/deliveries/${id}`],
      ["POST", "/v1/alerts/deliveries/999/retry"],
      ["DELETE", "/v1/alerts/deliveries/..%2f"],
      ["GET", "/v1/alerts/deliveries?state=lost"],
      ["GET", "/v1/alerts/deliveries?limit=0"],
      ["GET", "/v1/alerts/deliveries?cursor=-1"],
      ["GET", "/v1/alerts/deliveries?state=dead&state=waiting"],
      ["GET", "/v1/alerts/deliveries?__proto__=1"],
      ["POST", "/v1/alerts/deliveries/retry?to=http://evil.example"],
    ].map(([method = "", path = ""]) => ask(method, path)),
  );
  expect(answers.map(({ status, body }) => [status, body.message])).toMatchInlineSnapshot(`
    [
      [
        409,
        "delivery 1: expected one that was given up, this one still waits",
      ],
      [
        409,
        "delivery 1: expected one that was given up, this one still waits",
      ],
      [
        404,
        "delivery "999": there is none, or it has been told",
      ],
      [
        404,
        "delivery "../": there is none, or it has been told",
      ],
      [
        400,
        "?state: expected one of waiting, reminded, dead, got "lost"",
      ],
      [
        400,
        "?limit: expected a whole number from 1 to 1000, got "0"",
      ],
      [
        400,
        "?cursor: expected the next of the page before, got "-1"",
      ],
      [
        400,
        "?state: expected one, got ["dead","waiting"]",
      ],
      [
        400,
        "query: expected only state, receiver, limit, cursor, got "__proto__"",
      ],
      [
        400,
        "query: expected only receiver, got "to"",
      ],
    ]
  `);
});

test("nothing secret stands in what the server shows or says", async () => {
  const ops = await hook((_alerts, response) => response.writeHead(401).end("bad key s3cret at /t0ken"));
  const { add, ask, said } = await start({
    ops: { webhook: ops.url, secret: SECRET, wait: "0s", headers: { authorization: "s3cret" } },
  });
  add({ subject: "a" });
  await until(async () => (await ask("GET", "/v1/alerts/receivers")).body.receivers[0].failures > 0);
  const shown = await Promise.all(
    ["/v1/alerts/receivers", "/v1/alerts/deliveries", "/metrics"].map((path) => ask("GET", path)),
  );
  const all = [...shown.map(({ text }) => text), ...said].join("\n");
  expect(all).toContain("bad key *** at ***");
  for (const secret of ["s3cret", "t0ken", SECRET, SECRET.slice(6)]) expect(all).not.toContain(secret);
});

test("what waits when the server starts is told, and what waits for nobody is dead", async () => {
  const ops = await hook(well);
  const engine = new ScriptedEngine();
  engine.outbox.add(announced({ subject: "a", to: ["ops", "former"] }));
  const { ask } = await start({ ops: { webhook: ops.url, wait: "10m" } }, { engine });
  await until(() => ops.arrived.length === 1);
  const { body } = await ask("GET", "/v1/alerts/deliveries?receiver=former");
  expect(body.deliveries).toMatchObject([
    { state: "dead", error: "no receiver of this name in the configuration" },
  ]);
  const [{ id }] = body.deliveries;
  expect(await ask("POST", `/v1/alerts/deliveries/${id}/retry`)).toMatchObject({
    status: 409,
    body: { message: 'receiver "former": there is none of this name in the configuration' },
  });
  expect((await ask("POST", "/v1/alerts/deliveries/retry")).body).toEqual({ retried: 0 });
});

describe("receivers of a configuration", () => {
  const hidden = "s3cret-value";
  const wrong: [string, unknown, string][] = [
    [
      "no kind",
      { ops: {} },
      'receivers.ops: expected an object with one of "webhook", "alertmanager" and "command", got none of them',
    ],
    ["two kinds", { ops: { webhook: "http://a/", command: ["x"] } }, "got webhook and command"],
    [
      "a name",
      { "../ops": { webhook: "http://a/" } },
      'receivers: expected names of 1 to 64 letters, digits and . _ -, got "../ops"',
    ],
    [
      "no address",
      { ops: { webhook: hidden } },
      "receivers.ops: webhook: expected an address such as https://ops.example/hook, got text that is none",
    ],
    ["another protocol", { ops: { webhook: `file:///${hidden}` } }, 'got one of "file:"'],
    [
      "a password",
      { ops: { webhook: `https://u:${hidden}@a/` } },
      'got one with a user or a password (say "headers"',
    ],
    [
      "a secret",
      { ops: { webhook: "http://a/", secret: hidden } },
      "receivers.ops: secret: expected whsec_ and 24 to 64 bytes in base64, got other text",
    ],
    ["a short secret", { ops: { webhook: "http://a/", secret: "whsec_c2hvcnQ=" } }, "receivers.ops: secret"],
    [
      "two secrets",
      { ops: { webhook: "http://a/", secret: SECRET, secretFile: "x" } },
      "expected none beside secret",
    ],
    [
      "a header",
      { ops: { webhook: "http://a/", headers: { Host: hidden } } },
      'headers: expected none that Eddy sets itself, got "Host"',
    ],
    [
      "a header that splits",
      { ops: { webhook: "http://a/", headers: { a: `x\r\n${hidden}` } } },
      'got another of "a"',
    ],
    [
      "a span",
      { ops: { webhook: "http://a/", timeout: "1ms" } },
      'receivers.ops: timeout: expected from 100ms to 10m, got "1ms"',
    ],
    [
      "a shell line",
      { ops: { command: `rm ${hidden}` } },
      "receivers.ops: command: expected a list of a program and its arguments",
    ],
    ["an empty command", { ops: { command: [] } }, "receivers.ops: command"],
    ["NUL", { ops: { command: ["a\0b"] } }, "receivers.ops: command.0"],
    [
      "an option of another kind",
      { ops: { command: ["x"], secret: SECRET } },
      "receivers.ops: secret: expected one of command",
    ],
    ["a list", [{ webhook: "http://a/" }], "receivers: expected an object of at most 64 receivers by name"],
    ["__proto__", JSON.parse('{ "__proto__": { "webhook": "http://a/" } }'), "receivers"],
  ];
  test.each(wrong)("%s", (_name, receivers, expected) => {
    let message = "";
    try {
      readConfiguration(JSON.stringify({ receivers }), "eddy.json");
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(expected);
    if (!message.includes("a list of a program")) expect(message).not.toContain(hidden);
    expect(message).not.toContain(SECRET.slice(6));
  });

  test("right ones", () => {
    const receivers = {
      ops: {
        webhook: "https://ops.example/hook?x=1",
        secret: SECRET,
        headers: { authorization: "Basic abc" },
        together: 10,
      },
      pager: {
        alertmanager: "http://127.0.0.1:9093/prefix",
        page: "https://eddy.example/",
        remindEvery: "30s",
      },
      siren: { command: ["/usr/local/bin/siren", "--on"], timeout: "5s", wait: "0s", giveUpAfter: "2h" },
    };
    expect(readConfiguration(JSON.stringify({ receivers }), "eddy.json").receivers).toEqual(receivers);
  });

  test("a secret whose file is not there is told at the start", async () => {
    const ops = { webhook: "http://a/", secretFile: "/no/such/file" };
    await expect(startServer({ engine: new ScriptedEngine(), receivers: { ops } })).rejects.toThrow("ENOENT");
  });
});
