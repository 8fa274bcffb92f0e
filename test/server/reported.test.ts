// Kinds of trouble that people report of servers such as this one, rebuilt against a server that listens.
import { connect } from "node:net";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../../src/server/server.ts";
import { temporaryFolder } from "./engine/fixture.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

const folder = temporaryFolder();
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(options: Partial<ServerOptions> = {}): Promise<Server> {
  const server = await startServer({ engine: new ScriptedEngine(), ...options });
  await server.ready;
  closers.push(() => server.close());
  return server;
}

/** Talks over a connection: sends, and resolves with all that came once it holds, or once the connection has ended. */
function talk(port: number, host = "127.0.0.1") {
  const socket = connect(port, host);
  let answer = "";
  let look = (): void => {};
  socket.on("error", () => {});
  socket.setEncoding("utf8").on("data", (data) => {
    answer += data;
    look();
  });
  closers.push(() => socket.destroy());
  return {
    send: (text: string) => void socket.write(text),
    until: (pattern: RegExp): Promise<string> =>
      new Promise((resolve) => {
        look = () => {
          if (pattern.test(answer)) resolve(answer);
        };
        socket.once("close", () => resolve(answer));
        look();
      }),
  };
}

const head = (port: number, more: string): string =>
  `POST /v1/observations HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/x-ndjson\r\n${more}\r\n\r\n`;

test("Expect: 100-continue: a body that is wanted is asked for, also in chunks", async () => {
  const { port } = await start();
  const client = talk(port);
  client.send(head(port, "Expect: 100-continue\r\nTransfer-Encoding: chunked"));
  expect(await client.until(/100 Continue\r\n\r\n/)).toMatch(/^HTTP\/1\.1 100 Continue/);
  const line = '{"series":"a","value":1}\n';
  client.send(`${line.length.toString(16)}\r\n${line}\r\n0\r\n\r\n`);
  expect(await client.until(/"accepted"/)).toMatch(/HTTP\/1\.1 200 OK[\s\S]*"accepted":1/);
});

test.each([
  ["one that is too large", "Content-Length: 99999999", /413/, undefined],
  ["one in a coding that is not read", "Content-Length: 10\r\nContent-Encoding: br", /415/, undefined],
  ["one of a stranger", "Content-Length: 10", /401/, "the-Token-of-the-Server"],
])(
  "Expect: 100-continue: %s is refused before it is sent, and the connection ends",
  async (_, more, status, token) => {
    const { port } = await start(token === undefined ? {} : { token });
    const client = talk(port);
    client.send(head(port, `Expect: 100-continue\r\n${more}`));
    const answer = await client.until(/never/);
    expect(answer).toMatch(status);
    expect(answer).not.toContain("100 Continue");
    expect(answer.toLowerCase()).toContain("connection: close");
  },
);

test("an expectation nobody knows is refused in the words of all errors", async () => {
  const { port } = await start();
  const client = talk(port);
  client.send(head(port, "Expect: a-pony\r\nContent-Length: 2"));
  const answer = await client.until(/never/);
  expect(answer).toMatch(/^HTTP\/1\.1 417 /);
  expect(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")))).toMatchObject({ code: "bad-message" });
});

test("every address: the URL that is told is one that can be opened, by both families", async () => {
  const token = "the-Token-of-the-Server";
  const server = await start({ host: "::", token });
  expect(server.url).toBe(`http://[::1]:${server.port}`);
  for (const host of ["127.0.0.1", "[::1]"]) {
    expect((await fetch(`http://${host}:${server.port}/healthz`)).status).toBe(200);
  }
});

test("a clock set back: readings without a time go on in order, and none is late", async () => {
  let now = Date.UTC(2024, 5, 1, 12);
  const engine = await openEngine({
    database: join(folder(), "a.db"),
    series: { model: "persistence", horizon: 1 },
  });
  const server = await start({ engine, now: () => now });
  const send = async () => {
    const answer = await fetch(`${server.url}/v1/observations`, {
      method: "POST",
      headers: { "content-type": "application/x-ndjson" },
      body: '{"series":"a","value":1}\n{"series":"a","value":2}\n',
    });
    return answer.json();
  };
  expect(await send()).toMatchObject({ accepted: 2 });
  now -= 12 * 3_600_000;
  expect(await send()).toMatchObject({ accepted: 2, late: 0, refused: [] });
  now += 13 * 3_600_000;
  expect(await send()).toMatchObject({ accepted: 2, late: 0 });
});

test("a device that starts in 1970 and then learns the time; two values for one time", async () => {
  const engine = await openEngine({
    database: join(folder(), "a.db"),
    series: { model: "auto", horizon: 2 },
  });
  const server = await start({ engine });
  const send = async (...readings: readonly (readonly [time: string, value: number])[]) => {
    const body = readings.map(([time, value]) => JSON.stringify({ series: "tele", time, value })).join("\n");
    const headers = { "content-type": "application/x-ndjson" };
    return (await fetch(`${server.url}/v1/observations`, { method: "POST", headers, body })).json();
  };
  expect(await send(["1970-01-01T00:00:03Z", 20], ["1970-01-01T00:00:13Z", 20.5])).toMatchObject({
    accepted: 2,
  });
  expect(await send(["2024-06-01T12:00:00Z", 21], ["2024-06-01T12:00:10Z", 21.5])).toMatchObject({
    accepted: 2,
  });
  const answer = await fetch(`${server.url}/v1/series/tele/forecast`);
  const [forecast] = (await answer.json()) as { horizon: { mean: number }[] }[];
  expect(forecast.horizon.every(({ mean }) => mean > 15 && mean < 30)).toBe(true);
  const answered = await send(["2024-06-01T12:00:10Z", 99]);
  expect(answered).toMatchObject({
    refused: [{ line: 1, code: "duplicate-time", message: expect.stringContaining("the first one stands") }],
  });
});
