// For how long the event loop of a real server is held, by what it is asked to do:
// node --import tsx scripts/bench/event-loop.ts [--kind WORD] [--rounds 3] [--model auto] [--profile FOLDER]
// `by itself`: without its waits for a processor that other processes had. The first line is a server that is asked for nothing.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import WebSocket from "ws";
import { honestArrow } from "../hostile/arrow-bodies.ts";
import { Target } from "../hostile/target.ts";

const { values } = parseArgs({
  options: {
    kind: { type: "string", default: "" },
    rounds: { type: "string", default: "3" },
    model: { type: "string", default: "auto" },
    profile: { type: "string" },
  },
});

/** One line of the table: what comes before is not measured. */
interface Work {
  readonly name: string;
  before?(target: Target): Promise<void>;
  run(target: Target): Promise<void>;
}

const SERIES = 500;
const NDJSON = "application/x-ndjson";

/** Sends a body until it is taken. */
async function send(target: Target, body: string | Uint8Array, type = NDJSON): Promise<void> {
  for (;;) {
    const answer = await target.ask("/v1/observations", body, type);
    if (answer?.status === 200) return;
    await wait(200);
  }
}

const readings = (n: number, series: (i: number) => string): string =>
  Array.from(
    { length: n },
    (_, i) => `${JSON.stringify({ series: series(i), value: Math.sin(i / 9) })}\n`,
  ).join("");
const fleet = (times: number): string => readings(times * SERIES, (i) => `fleet-${i % SERIES}`);

async function subscribed(target: Target, since?: object): Promise<WebSocket> {
  const ws = new WebSocket(`${target.url.replace("http", "ws")}/v1/stream`, "eddy.v1.json");
  ws.on("error", () => {});
  await once(ws, "open");
  ws.send('{"type":"init"}');
  ws.send(
    JSON.stringify({ type: "subscribe", id: 1, pattern: "*", mode: "stream", ...(since && { since }) }),
  );
  return ws;
}

const told = (ws: WebSocket, type: string): Promise<Record<string, unknown>> =>
  new Promise((resolve) => {
    ws.on("message", (data) => {
      const message = JSON.parse(String(data));
      if (message.type === type) resolve(message);
    });
  });

/** A peer that subscribes to everything and reads nothing. */
async function unread(target: Target): Promise<Socket> {
  const socket = connect(target.port, "127.0.0.1");
  socket.on("error", () => {});
  const masked = (text: string): Buffer =>
    Buffer.concat([Buffer.from([0x81, 0x80 | text.length]), Buffer.alloc(4), Buffer.from(text)]);
  socket.write(
    `GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: eddy.v1.json\r\n\r\n",
  );
  await once(socket, "data");
  socket.pause();
  socket.write(masked('{"type":"init"}'));
  socket.write(masked('{"type":"subscribe","id":0,"pattern":"*","mode":"stream"}'));
  return socket;
}

const WORKS: readonly Work[] = [
  { name: "nothing", run: () => wait(3000) },
  { name: "first reading", run: (target) => send(target, '{"series":"first","value":1}\n') },
  {
    name: "first Arrow body",
    run: (target) => send(target, honestArrow, "application/vnd.apache.arrow.stream"),
  },
  { name: "first table", run: (target) => send(target, "series,value\nfirst,2\nfirst,3\n", "text/csv") },
  {
    name: "first subscriber",
    before: (target) =>
      send(
        target,
        readings(50, () => "first"),
      ),
    run: async (target) => {
      const ws = await subscribed(target);
      await told(ws, "subscribed");
      await send(
        target,
        readings(50, () => "first"),
      );
      ws.terminate();
    },
  },
  {
    name: `${SERIES} series opened`,
    run: (target) => send(target, fleet(1)),
  },
  {
    name: `${SERIES} series, 10,000 readings`,
    before: (target) => send(target, fleet(1)),
    run: async (target) => {
      for (let times = 0; times < 10; times++) await send(target, fleet(2));
    },
  },
  {
    name: `${SERIES} series, checkpoints`,
    before: (target) => send(target, fleet(2)),
    run: () => wait(35_000),
  },
  {
    name: "20 peers that do not read",
    before: (target) => send(target, fleet(1)),
    run: async (target) => {
      const peers = await Promise.all(Array.from({ length: 20 }, () => unread(target)));
      for (let times = 0; times < 5; times++) await send(target, fleet(2));
      for (const peer of peers) peer.destroy();
    },
  },
  {
    name: "1,000 peers that resume",
    before: (target) =>
      send(
        target,
        readings(4000, (i) => `fleet-${i % 5}`),
      ),
    run: async (target) => {
      const one = await subscribed(target);
      const { epoch } = await told(one, "subscribed");
      one.terminate();
      // Each has the last thousand positions to catch up with.
      const peers = await Promise.all(
        Array.from({ length: 1000 }, async () => {
          const ws = await subscribed(target, { epoch, offset: 3000 });
          let frames = 0;
          await new Promise<void>((resolve) => {
            ws.on("message", () => {
              if (++frames >= 1000) resolve();
            });
            ws.on("close", () => resolve());
          });
          return ws;
        }),
      );
      for (const ws of peers) ws.terminate();
    },
  },
];

for (const { name, before, run } of WORKS.filter(({ name }) => name.includes(values.kind))) {
  const blocks: number[] = [];
  const own: number[] = [];
  const took: number[] = [];
  let memory = 0;
  for (let round = 0; round < Number(values.rounds); round++) {
    const folder = mkdtempSync(join(tmpdir(), "eddy-loop-"));
    const profile = values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
    const target = new Target({
      command: [...profile, "dist/cli/main.js"],
      database: join(folder, "loop.db"),
      configuration: { forecast: { model: values.model, horizon: 12 } },
    });
    const refusal = await target.start();
    if (refusal !== undefined) throw new Error(refusal);
    await before?.(target);
    await wait(500);
    const started = performance.now();
    const seen = await target.watch(() => run(target));
    took.push(performance.now() - started);
    blocks.push(seen.block ?? Number.NaN);
    own.push(seen.own ?? Number.NaN);
    memory = Math.max(memory, seen.memory);
    await target.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  const list = (numbers: readonly number[]): string => numbers.map((n) => n.toFixed(0).padStart(6)).join("");
  console.log(
    `${name.padEnd(32)} held ms${list(blocks)}   by itself${list(own)}   took ms${list(took)}   ${memory.toFixed(0)} MiB`,
  );
}
