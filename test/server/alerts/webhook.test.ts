// Webhooks as a receiver sees them: signed after Standard Webhooks, bounded in time and bytes, nothing secret told.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, test } from "vitest";
import { webhook } from "../../../src/server/alerts/delivery/webhook.ts";
import { deliveryWorld } from "../../../src/server/alerts/delivery/world.ts";
import type { Delivery } from "../../../src/storage/outbox.ts";
import { announced } from "../../outbox.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const SECRET = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const OTHER = `whsec_${Buffer.alloc(24, 9).toString("base64")}`;
const never = new AbortController().signal;

const deliveries = (count = 1): Delivery[] =>
  Array.from({ length: count }, (_, n) => {
    const { lane, subject, text } = announced({ subject: `a${n}`, n });
    return {
      id: n + 1,
      receiver: "ops",
      lane,
      subject,
      firing: true,
      text,
      state: "waiting",
      attempts: 0,
      error: null,
    };
  });

interface Request {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly port: number | undefined;
}

async function listen(answer: (request: Request, response: ServerResponse) => void) {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text) => {
      body += text;
    });
    request.on("end", () => {
      const one = { headers: request.headers, body, port: request.socket.remotePort };
      requests.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/t0ken-in-path`, requests };
}

const send = (settings: Parameters<typeof webhook>[1], list = deliveries(), stop: AbortSignal = never) =>
  webhook("ops", settings, deliveryWorld()).send(list, stop);

test("a message bears its alerts, a name that repeats with it, the time of the attempt and a signature", async () => {
  const { url, requests } = await listen((_request, response) => response.writeHead(204).end());
  const settings = { webhook: url, secret: SECRET };
  expect(await send(settings, deliveries(3))).toEqual({ told: true });
  expect(await send(settings, deliveries(3))).toEqual({ told: true });
  expect(await send(settings, deliveries(2))).toEqual({ told: true });
  const [first, again, smaller] = requests;
  const told = new Webhook(SECRET).verify(first.body, first.headers as Record<string, string>);
  expect(told).toMatchObject({
    version: 1,
    receiver: "ops",
    alerts: [{ alert: "a0" }, { alert: "a1" }, { alert: "a2" }],
  });
  expect(Math.abs(Number(first.headers["webhook-timestamp"]) - Date.now() / 1000)).toBeLessThan(60);
  expect(again.headers["webhook-id"]).toBe(first.headers["webhook-id"]);
  expect(smaller.headers["webhook-id"]).not.toBe(first.headers["webhook-id"]);
  expect(first.headers["webhook-id"]).toMatch(/^msg_[\w-]{27}$/);
  for (let n = 0; n < 20; n++) await send(settings);
  // Connections are used again.
  expect(new Set(requests.map(({ port }) => port)).size).toBeLessThan(5);
  expect(() => new Webhook(OTHER).verify(first.body, first.headers as Record<string, string>)).toThrow();
  expect(() =>
    new Webhook(SECRET).verify(`${first.body} `, first.headers as Record<string, string>),
  ).toThrow();
});

test("the time is that of the attempt: one that comes late is not taken for a replay", async () => {
  const { url, requests } = await listen((_request, response) => response.writeHead(500).end());
  let now = Date.UTC(2026, 0, 1, 0, 0, 0, 999);
  const receiver = webhook("ops", { webhook: url, secret: SECRET }, deliveryWorld({ now: () => now }));
  await receiver.send(deliveries(), never);
  now += 3_600_000;
  await receiver.send(deliveries(), never);
  const [first, later] = requests.map(({ headers }) => headers);
  expect([first["webhook-timestamp"], later["webhook-timestamp"]]).toEqual(["1767225600", "1767229200"]);
  expect(later["webhook-id"]).toBe(first["webhook-id"]);
  expect(later["webhook-signature"]).not.toBe(first["webhook-signature"]);
});

test("while a file holds two secrets, either verifies; it is read again with every message", async () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-secret-"));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  const secretFile = join(folder, "secret");
  writeFileSync(secretFile, `${OTHER}\n${SECRET}\n`);
  const { url, requests } = await listen((_request, response) => response.writeHead(200).end("ok"));
  const receiver = webhook("ops", { webhook: url, secretFile }, deliveryWorld());
  await receiver.send(deliveries(), never);
  writeFileSync(secretFile, `${OTHER}\n`);
  await receiver.send(deliveries(), never);
  const verified = requests.map(({ body, headers }) =>
    [OTHER, SECRET].map((secret) => {
      try {
        return new Webhook(secret).verify(body, headers as Record<string, string>) !== undefined;
      } catch {
        return false;
      }
    }),
  );
  expect(verified).toEqual([
    [true, true],
    [true, false],
  ]);
  rmSync(secretFile);
  const outcome = await receiver.send(deliveries(), never);
  expect([outcome.told, requests.length]).toEqual([false, 2]);
  expect(JSON.stringify(outcome)).toContain("ENOENT");
});

test("without a secret there is no signature, and headers of one's own come along", async () => {
  const { url, requests } = await listen((_request, response) => response.writeHead(200).end());
  await send({ webhook: url, headers: { authorization: "Bearer abc", "X-Team": "storage" } });
  const { headers } = requests[0];
  expect(headers).toMatchObject({
    authorization: "Bearer abc",
    "x-team": "storage",
    "content-type": "application/json",
  });
  expect(headers["webhook-signature"]).toBeUndefined();
});

describe("what is answered", () => {
  const answers: [string, (response: ServerResponse) => void, object][] = [
    ["200 with a body", (r) => r.writeHead(200).end("thanks"), { told: true }],
    ["202", (r) => r.writeHead(202).end(), { told: true }],
    [
      "400",
      (r) => r.writeHead(400).end("no such field\n\nsee manual"),
      { refused: true, reason: 'status 400: "no such field see manual"' },
    ],
    ["413", (r) => r.writeHead(413).end(), { refused: true, tooLarge: true, reason: "status 413" }],
    ["401", (r) => r.writeHead(401).end(), { refused: false, reason: "status 401" }],
    ["404", (r) => r.writeHead(404).end(), { refused: false }],
    ["500", (r) => r.writeHead(500).end("oops"), { refused: false, reason: 'status 500: "oops"' }],
    ["429 in seconds", (r) => r.writeHead(429, { "retry-after": "7" }).end(), { retryAfter: 7000 }],
    [
      "503 for a year",
      (r) => r.writeHead(503, { "retry-after": "31536000" }).end(),
      { retryAfter: 3_600_000 },
    ],
    [
      "503 until the past",
      (r) => r.writeHead(503, { "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }).end(),
      { retryAfter: 0 },
    ],
    [
      "nonsense to wait for",
      (r) => r.writeHead(429, { "retry-after": "soon" }).end(),
      { reason: "status 429" },
    ],
  ];
  test.each(answers)("%s", async (_name, answer, expected) => {
    const { url } = await listen((_request, response) => answer(response));
    expect(await send({ webhook: url })).toMatchObject(expected);
  });

  test("a redirect is not followed", async () => {
    const elsewhere = await listen((_request, response) => response.writeHead(200).end());
    const { url } = await listen((_request, response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    expect(await send({ webhook: url })).toMatchObject({
      told: false,
      reason: "status 307 (redirects are not followed)",
    });
    expect(elsewhere.requests).toEqual([]);
  });

  test("an answer without end is not read to its end", async () => {
    let sent = 0;
    const { url } = await listen((_request, response) => {
      response.writeHead(500);
      const more = (): void => {
        while (!response.destroyed && sent < 64 << 20) {
          sent += 65_536;
          if (!response.write(Buffer.alloc(65_536, 97))) break;
        }
      };
      response.on("drain", more);
      more();
    });
    const outcome = await send({ webhook: url });
    expect(outcome).toMatchObject({ told: false });
    expect(JSON.stringify(outcome).length).toBeLessThan(400);
    expect(sent).toBeLessThan(32 << 20);
  });

  test.each(["no answer at all", "an answer that stops half way"])("%s ends in time", async (kind) => {
    const { url } = await listen((_request, response) => {
      if (kind !== "no answer at all") response.writeHead(200, { "content-length": "100" }).write("half");
    });
    expect(await send({ webhook: url, timeout: "200ms" })).toEqual({
      told: false,
      reason: "no answer within 0.2 s",
    });
  });

  test("nobody there, and a stop", async () => {
    expect(await send({ webhook: "http://127.0.0.1:1/x" })).toMatchObject({ told: false });
    const { url } = await listen(() => {});
    const stop = new AbortController();
    const sent = send({ webhook: url }, deliveries(), stop.signal);
    stop.abort();
    expect(await sent).toMatchObject({ told: false });
    expect(await send({ webhook: url }, deliveries(), stop.signal)).toMatchObject({ told: false });
  });

  test("what a receiver repeats of our secrets is not told", async () => {
    const { url } = await listen(({ headers }, response) =>
      response
        .writeHead(500)
        .end(`got ${headers.authorization} (${headers.authorization?.slice(7)}) at t0ken-in-path`),
    );
    const outcome = await send({ webhook: url, headers: { authorization: "Bearer s3cret-key" } });
    expect(outcome).toMatchObject({ reason: 'status 500: "got *** (***) at ***"' });
  });
});
