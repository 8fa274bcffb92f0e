// Subscribers: messages that are none, frames that are none, peers that do not read, resumes from anywhere.
import { connect } from "node:net";
import WebSocket from "ws";
import { arrowBodies, honestArrow } from "../arrow-bodies.ts";
import { inputs, type Kind } from "../kind.ts";
import { NAMES, type Random } from "../random.ts";
import type { Target } from "../target.ts";

/** Opens a connection; undefined when it was refused. */
function open(
  target: Target,
  withToken: boolean,
  subprotocol = "eddy.v1.json",
): Promise<WebSocket | undefined> {
  return new Promise((resolve) => {
    const ws = new WebSocket(`${target.url.replace("http", "ws")}/v1/stream`, subprotocol, {
      headers: withToken ? target.authorisation : {},
    });
    ws.on("error", () => resolve(undefined));
    ws.once("close", () => resolve(undefined));
    ws.once("open", () => resolve(ws));
  });
}

const init = (target: Target): string =>
  JSON.stringify({ type: "init", ...(target.token === undefined ? {} : { token: target.token }) });

/** Resolves when the server has closed it, or after a while. */
function over(ws: WebSocket, milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      ws.terminate();
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    ws.once("close", done);
  });
}

/** A message of the protocol with something wrong with it, or something that is no message. */
export function message(random: Random): string {
  const name = random.pick(NAMES);
  const number = random.pick([0, -1, 1e-9, 1e9, 2 ** 53, 1e308, -0, 0.5, random.size(1e6)]);
  const good = random.pick<object>([
    { type: "init", token: name },
    { type: "subscribe", id: number, pattern: "*", maxRate: number },
    { type: "subscribe", id: name, series: name },
    {
      type: "subscribe",
      id: 1,
      pattern: "*".repeat(random.size(300)),
      mode: random.pick(["latest", "stream", name]),
    },
    { type: "subscribe", id: 2, pattern: "**a*?[".repeat(random.size(40)), horizons: [number] },
    { type: "subscribe", id: 3, pattern: "*", since: { epoch: name, offset: number } },
    { type: "subscribe", id: 4, series: name, since: { epoch: name, offset: 1, ordinal: number } },
    { type: "subscribe", id: 5, series: name, mode: "stream", since: { epoch: name, [name]: number } },
    { type: "subscribe", id: number, series: "a", observed: number, maxRate: name },
    { type: "unsubscribe", id: number },
    { type: "ack", id: 1, offset: number },
    { type: "observe", series: name, value: number },
    { type: "observe", series: "socket", values: { [name]: number }, id: name },
    { type: "ping", [name]: number },
    { type: name },
  ]);
  return random.pick<() => string>([
    () => JSON.stringify(good),
    () => random.spoiled(JSON.stringify(good)),
    () => JSON.stringify(good).replace(/\d+/, "[".repeat(random.size(50_000))),
    () => `${"[".repeat(random.size(50_000))}1${"]".repeat(random.size(50_000))}`,
    () => {
      const depth = random.size(50_000);
      return "[".repeat(depth) + "]".repeat(depth);
    },
    () => {
      const depth = random.size(20_000);
      return `{"type":"observe","series":"a","value":${'{"a":'.repeat(depth)}1${"}".repeat(depth)}}`;
    },
  ])();
}

/** After `init` without the token nothing may be answered but errors. */
function isIn(text: string): boolean {
  return /"type":"(ready|subscribed|data|ack)"/.test(text);
}

export const messages: Kind = {
  name: "socket messages",
  weight: 4,
  async run(target, random, count, outcome) {
    await inputs(count, outcome, async () => {
      const knows = random.chance(0.5);
      const ws = await open(target, knows && random.chance(0.5));
      if (ws === undefined) return;
      let said = "";
      ws.on("message", (data) => {
        said += String(data).slice(0, 200);
      });
      const closed = over(ws, 150);
      if (knows) ws.send(init(target));
      for (let times = random.between(1, 8); times > 0 && ws.readyState === ws.OPEN; times--) {
        const text = message(random);
        ws.send(random.chance(0.1) ? Buffer.from(text) : text);
      }
      await closed;
      if (!knows && target.token !== undefined && isIn(said)) {
        outcome.letIn++;
        outcome.wrong.push(`without the token a socket was told ${said.slice(0, 80)}`);
      }
    });
  },
};

/** Observations as Arrow that is none, or that declares what is not there, among messages and honest tables. */
export const tables: Kind = {
  name: "socket tables (Arrow)",
  weight: 3,
  async run(target, random, count, outcome) {
    await inputs(count, outcome, async (i) => {
      const knows = random.chance(0.7);
      const ws = await open(target, knows, "eddy.v1.arrow");
      if (ws === undefined) return;
      let said = "";
      let receipts = 0;
      ws.on("message", (data, isBinary) => {
        if (!isBinary && String(data).startsWith('{"type":"receipt"')) receipts++;
        said += isBinary ? '"type":"data"' : String(data).slice(0, 200);
      });
      const closed = over(ws, 200);
      if (knows) ws.send(init(target));
      if (knows) ws.send('{"type":"subscribe","id":1,"pattern":"*"}');
      for (let times = random.between(1, 5); times > 0 && ws.readyState === ws.OPEN; times--) {
        ws.send(
          random.pick<() => string | Uint8Array>([
            () => arrowBodies(random, i),
            () => arrowBodies(random, i + 1),
            () => random.bytes(random.size(2000)),
            () => honestArrow.subarray(0, random.between(0, honestArrow.length)),
            () => Buffer.concat([honestArrow, honestArrow]),
            () => message(random),
          ])(),
        );
      }
      await closed;
      if (!knows && target.token !== undefined && (isIn(said) || receipts > 0)) {
        outcome.letIn++;
        outcome.wrong.push(`without the token a socket was told ${said.slice(0, 80)}`);
      }
    });
  },
};

/** A text, binary or control frame with nothing wrong with it, or with one bit of it swapped. */
function nearlyRight(random: Random): Buffer {
  const opcode = random.pick([1, 1, 2, 8, 9, 10]);
  const payload =
    opcode === 8 ? Buffer.from([3, 232]) : Buffer.from('{"type":"ping"}'.slice(0, random.between(0, 15)));
  const mask = random.bytes(4);
  const masked = payload.map((byte, i) => byte ^ mask[i % 4]);
  const whole = Buffer.concat([Buffer.from([128 | opcode, 128 | payload.length]), mask, masked]);
  if (random.chance(0.7)) whole[random.between(0, whole.length - 1)] ^= 1 << random.between(0, 7);
  return whole;
}

/** Bytes of a frame as RFC 6455 has them, each part of which may be wrong. */
export function frame(random: Random): Buffer {
  if (random.chance(0.4)) return nearlyRight(random);
  const payload = random.bytes(random.size(400));
  const length = random.pick([payload.length, 126, 127, random.between(0, 127)]) & 127;
  const head = Buffer.from([random.between(0, 255), (random.chance(0.8) ? 128 : 0) | length]);
  const extended =
    length === 126
      ? Buffer.from([random.between(0, 255), random.between(0, 255)])
      : length === 127
        ? random.bytes(8)
        : Buffer.alloc(0);
  return Buffer.concat([head, extended, random.bytes(4), payload]);
}

export const frames: Kind = {
  name: "socket frames",
  weight: 3,
  async run(target, random, count, outcome) {
    await inputs(count, outcome, async () => {
      const upgrade =
        `GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${random.pick(["eddy.v1.json", "eddy.v1.arrow"])}\r\n\r\n`;
      const parts: Buffer[] = [Buffer.from(upgrade)];
      for (let times = random.between(1, 5); times > 0; times--) parts.push(frame(random));
      const answer = await target.raw(Buffer.concat(parts), 150);
      if (target.token === undefined || !isIn(answer)) return;
      outcome.letIn++;
      outcome.wrong.push("a socket without the token was let in by its frames");
    });
  },
};

/** Peers that send and never read: what they are answered must not pile up. */
export const deaf: Kind = {
  name: "peers that do not read",
  weight: 0.4,
  async run(target, random, count, outcome) {
    await inputs(count, outcome, () => floodUnread(target, random), 3);
  },
};

function floodUnread(target: Target, random: Random): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(target.port, "127.0.0.1");
    const masked = (text: string): Buffer => {
      const payload = Buffer.from(text);
      const head =
        payload.length < 126
          ? Buffer.from([0x81, 0x80 | payload.length])
          : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
      // A mask of zeros leaves the payload as it is.
      return Buffer.concat([head, Buffer.alloc(4), payload]);
    };
    const bad = random.pick([
      '{"type":"observe"}',
      '{"type":"observe","series":"a","value":"x"}',
      '{"type":"subscribe","id":1}',
      '{"type":"ping"}',
      '{"type":"observe","series":"unread","value":1}',
    ]);
    const many = Buffer.concat(Array.from({ length: 2000 }, () => masked(bad)));
    const timer = setTimeout(() => socket.destroy(), 1500);
    socket.on("error", () => {});
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    // The handshake is read, and nothing after it.
    socket.once("data", () => {
      socket.pause();
      socket.write(masked(init(target)));
      socket.write(masked('{"type":"subscribe","id":0,"pattern":"*","mode":"stream"}'));
      const send = (): void => {
        if (socket.writable && socket.write(many)) setImmediate(send);
        else socket.once("drain", send);
      };
      send();
    });
    socket.write(
      `GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:${target.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: eddy.v1.json\r\n\r\n",
    );
  });
}

/** Many peers that come back at once, from positions of long ago, none and beyond. */
export const resumes: Kind = {
  name: "resumes from anywhere",
  weight: 2,
  async run(target, random, count, outcome) {
    const lines = Array.from({ length: 500 }, (_, n) => `{"series":"resumed-${n % 5}","value":${n}}\n`).join(
      "",
    );
    await target.ask("/v1/observations", lines);
    const epoch = await epochOf(target);
    await inputs(
      count,
      outcome,
      async () => {
        const ws = await open(target, true);
        if (ws === undefined) return;
        const closed = over(ws, random.pick([50, 200, 400]));
        ws.send(init(target));
        for (let id = random.between(1, 4); id > 0; id--) {
          const offset = random.pick([0, 1, random.between(0, 600), 2 ** 53 - 1, random.size(1e9)]);
          const since = { epoch: random.pick([epoch, "", "x"]), offset };
          ws.send(
            JSON.stringify({
              type: "subscribe",
              id,
              pattern: random.pick(["*", "resumed-1", "none"]),
              mode: "stream",
              since,
            }),
          );
        }
        await closed;
      },
      40,
    );
  },
};

async function epochOf(target: Target): Promise<string> {
  const ws = await open(target, true);
  if (ws === undefined) return "";
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(""), 2000);
    ws.on("message", (data) => {
      const { type, epoch } = JSON.parse(String(data));
      if (type !== "subscribed") return;
      clearTimeout(timer);
      ws.terminate();
      resolve(String(epoch));
    });
    ws.send(init(target));
    ws.send('{"type":"subscribe","id":1,"pattern":"none"}');
  });
}
