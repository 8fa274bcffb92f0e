import { connect } from "node:net";
import { honestArrow } from "./arrow-bodies.ts";

/** What one input got. */
export interface Answered {
  readonly name: string;
  /** In words: an HTTP status, errors, a close code, or that nothing came. */
  readonly answer: string;
  /** It was refused in words: an error, a close code that says why, or an HTTP status. */
  readonly answered: boolean;
}

interface Input {
  readonly name: string;
  /** Bytes of the handshake; the usual one without. */
  readonly handshake?: string;
  readonly subprotocol?: string;
  /** Bytes after it, and after `init` unless `first`. */
  readonly bytes: Buffer;
  readonly first?: true;
  /** No refusal is due: it is odd, but allowed. */
  readonly allowed?: true;
}

/** A frame as a client sends it, each part of which may be given. */
function frame(
  payload: string | Uint8Array,
  { first = 0x81, masked = true, length }: { first?: number; masked?: boolean; length?: bigint } = {},
): Buffer {
  const body = Buffer.from(payload as string);
  const mask = masked ? 0x80 : 0;
  const declared = length ?? BigInt(body.length);
  let head: Buffer;
  if (declared < 126n) head = Buffer.from([first, mask | Number(declared)]);
  else if (declared < 65_536n) {
    head = Buffer.from([first, mask | 126, 0, 0]);
    head.writeUInt16BE(Number(declared), 2);
  } else {
    head = Buffer.alloc(10);
    head.set([first, mask | 127]);
    head.writeBigUInt64BE(declared, 2);
  }
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([head, masked ? Buffer.alloc(4) : Buffer.alloc(0), body]);
}

const text = (name: string, payload: string, more: Partial<Input> = {}): Input => ({
  name,
  bytes: frame(payload),
  ...more,
});
const json = (name: string, message: unknown): Input => text(name, JSON.stringify(message));
const many = (count: number, one: Buffer): Buffer => Buffer.concat(Array.from({ length: count }, () => one));

const frames: readonly Input[] = [
  { name: "frame: unmasked", bytes: frame('{"type":"ping"}', { masked: false }) },
  ...[1, 2, 4].map((bit) => ({
    name: `frame: reserved bit ${bit} set`,
    bytes: frame('{"type":"ping"}', { first: 0x81 | (bit << 4) }),
  })),
  ...[3, 4, 7, 11, 15].map((opcode) => ({
    name: `frame: opcode ${opcode}`,
    bytes: frame("x", { first: 0x80 | opcode }),
  })),
  { name: "frame: continuation of nothing", bytes: frame("x", { first: 0x80 }) },
  {
    name: "frame: another message within a fragmented one",
    bytes: Buffer.concat([frame('{"type"', { first: 0x01 }), frame('{"type":"ping"}')]),
  },
  { name: "frame: fragmented ping", bytes: frame("x", { first: 0x09 }) },
  { name: "frame: ping of 126 bytes", bytes: frame("x".repeat(126), { first: 0x89 }) },
  { name: "frame: close of one byte", bytes: frame("x", { first: 0x88 }) },
  ...[0, 999, 1005, 1006, 1015, 2999, 5000, 65_535].map((code) => ({
    name: `frame: close with code ${code}`,
    bytes: frame(Buffer.from([code >> 8, code & 255]), { first: 0x88 }),
  })),
  {
    name: "frame: close whose reason is no UTF-8",
    bytes: frame(Buffer.from([3, 232, 0xff, 0xfe]), { first: 0x88 }),
  },
  { name: "frame: text that is no UTF-8", bytes: frame(Buffer.from([0x22, 0xff, 0x22])) },
  { name: "frame: text with half a surrogate", bytes: frame(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])) },
  { name: "frame: overlong UTF-8", bytes: frame(Buffer.from([0xc0, 0xaf])) },
  ...[2n ** 16n + 1n, 2n ** 31n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n].map((length) => ({
    name: `frame: declares ${length} bytes`,
    bytes: frame("x", { length }),
  })),
  {
    name: "frame: 100 fragments of one message",
    bytes: Buffer.concat([frame("[", { first: 0x01 }), many(100, frame(" ", { first: 0x00 }))]),
  },
  {
    name: "frame: 5000 empty fragments",
    bytes: Buffer.concat([frame("", { first: 0x01 }), many(5000, frame("", { first: 0x00 }))]),
  },
  { name: "frame: 2000 pings", bytes: many(2000, frame("x".repeat(125), { first: 0x89 })), allowed: true },
  {
    name: "frame: 2000 pongs nobody asked for",
    bytes: many(2000, frame("x", { first: 0x8a })),
    allowed: true,
  },
  { name: "frame: binary under eddy.v1.json", bytes: frame("{}", { first: 0x82 }) },
];

const handshake = (lines: readonly string[], request = "GET /v1/stream HTTP/1.1"): string =>
  `${[request, ...lines].join("\r\n")}\r\n\r\n`;
const UPGRADE = ["Upgrade: websocket", "Connection: Upgrade"];
const KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION = "Sec-WebSocket-Version: 13";
const PROTOCOL = "Sec-WebSocket-Protocol: eddy.v1.json";
const HOST = "Host: 127.0.0.1";
const none = Buffer.alloc(0);
const handshakes: readonly Input[] = (
  [
    ["no key", [HOST, ...UPGRADE, VERSION, PROTOCOL]],
    ["key of the wrong length", [HOST, ...UPGRADE, VERSION, PROTOCOL, "Sec-WebSocket-Key: YQ=="]],
    ["no version", [HOST, ...UPGRADE, KEY, PROTOCOL]],
    ["version 99", [HOST, ...UPGRADE, KEY, PROTOCOL, "Sec-WebSocket-Version: 99"]],
    ["no subprotocol", [HOST, ...UPGRADE, KEY, VERSION]],
    ["unknown subprotocol", [HOST, ...UPGRADE, KEY, VERSION, "Sec-WebSocket-Protocol: eddy.v9"]],
    [
      "a subprotocol twice",
      [HOST, ...UPGRADE, KEY, VERSION, "Sec-WebSocket-Protocol: eddy.v1.json, eddy.v1.json"],
    ],
    ["a subprotocol of quotes", [HOST, ...UPGRADE, KEY, VERSION, 'Sec-WebSocket-Protocol: "x']],
    ["no Host", [...UPGRADE, KEY, VERSION, PROTOCOL]],
    ["Host of another", ["Host: evil.example", ...UPGRADE, KEY, VERSION, PROTOCOL]],
    ["Origin of another", [HOST, ...UPGRADE, KEY, VERSION, PROTOCOL, "Origin: https://evil.example"]],
    ["Origin null", [HOST, ...UPGRADE, KEY, VERSION, PROTOCOL, "Origin: null"]],
    ["a header of 20 KiB", [HOST, ...UPGRADE, KEY, VERSION, PROTOCOL, `X-Long: ${"x".repeat(20_000)}`]],
    [
      "extensions that are none",
      [HOST, ...UPGRADE, KEY, VERSION, PROTOCOL, "Sec-WebSocket-Extensions: ;;=,"],
      true,
    ],
    [
      "permessage-deflate",
      [HOST, ...UPGRADE, KEY, VERSION, PROTOCOL, "Sec-WebSocket-Extensions: permessage-deflate"],
      true,
    ],
  ] as const
).map(([name, lines, allowed]) => ({
  name: `handshake: ${name}`,
  handshake: handshake(lines),
  bytes: none,
  first: true,
  ...(allowed ? { allowed } : {}),
}));
const requests: readonly Input[] = (
  [
    ["POST", "POST /v1/stream HTTP/1.1"],
    ["another path", "GET /v1/streams HTTP/1.1"],
    ["a path of dots", "GET /v1/../v1/stream HTTP/1.1"],
    ["a path of NUL", "GET /v1/stream%00 HTTP/1.1"],
  ] as const
).map(([name, request]) => ({
  name: `handshake: ${name}`,
  handshake: handshake([HOST, ...UPGRADE, KEY, VERSION, PROTOCOL], request),
  bytes: none,
  first: true,
}));

const before: readonly Input[] = [
  text("before init: ping", '{"type":"ping"}', { first: true }),
  text("before init: subscribe", '{"type":"subscribe","id":1,"pattern":"*"}', { first: true }),
  text("before init: observe", '{"type":"observe","series":"a","value":1}', { first: true }),
  text("before init: not JSON", "hello", { first: true }),
  { name: "before init: bytes", bytes: frame("x", { first: 0x82 }), first: true },
  text("init: a token that is a number", '{"type":"init","token":7}', { first: true }),
  text("init: a token of 5000 letters", `{"type":"init","token":"${"t".repeat(5000)}"}`, { first: true }),
];

const texts: readonly Input[] = [
  text("message: empty", ""),
  text("message: blank", "   "),
  text("message: null", "null"),
  text("message: a number", "1e999"),
  text("message: a text", '"ping"'),
  text("message: an array of messages", '[{"type":"ping"}]'),
  text("message: two messages", '{"type":"ping"}{"type":"ping"}'),
  text("message: cut off", '{"type":"pi'),
  text("message: a byte order mark", '\ufeff{"type":"ping"}'),
  text("message: a comment", '{"type":"ping"/*x*/}'),
  text("message: NaN", '{"type":"ack","id":1,"offset":NaN}'),
  text("message: nested 40 deep", `{"type":${"[".repeat(40)}${"]".repeat(40)}}`),
  text("message: nested 30,000 deep", "[".repeat(30_000)),
  text("message: larger than messageBytes", `{"type":"ping"}${" ".repeat(70_000)}`),
  text("message: type __proto__", '{"type":"__proto__"}'),
  text("message: type toString", '{"type":"toString"}'),
  text("message: __proto__ beside type", '{"__proto__":{"type":"ping"}}'),
  text("message: type twice", '{"type":"ping","type":"dance"}'),
  text("message: type in capitals", '{"type":"PING"}'),
  text("message: NUL in type", '{"type":"ping\\u0000"}'),
  json("init: a second one", { type: "init" }),
];

const IDS: readonly unknown[] = [undefined, null, "", "x".repeat(129), 0.5, 2 ** 60 + 0.5, [], {}, true];
const fields: readonly Input[] = [
  ...IDS.map((id) => json(`subscribe: id ${shown(id)}`, { type: "subscribe", id, series: "a" })),
  ...(
    [
      ["series", ["", "x".repeat(257), 7, null, {}]],
      ["pattern", ["", "*".repeat(300), 7]],
    ] as const
  ).flatMap(([field, values]) =>
    values.map((value) =>
      json(`subscribe: ${field} ${shown(value)}`, { type: "subscribe", id: 1, [field]: value }),
    ),
  ),
  ...(
    [
      ["mode", ["", "all", 1, null]],
      ["horizons", [[], [0], [-1], [1.5], [513], ["1"], 1, Array.from({ length: 600 }, () => 1)]],
      ["maxRate", [0, -1, 1e300, "1", null]],
      [
        "since",
        [
          null,
          7,
          "now",
          {},
          { epoch: "e" },
          { epoch: 1, offset: 1 },
          { epoch: "e", offset: -1 },
          { epoch: "e", offset: 0.5 },
          { epoch: "e".repeat(129), offset: 1 },
          { epoch: "e", offset: 1, ordinal: -1 },
          { epoch: "e", offset: 1, ordinal: "0" },
          { epoch: "e", offset: 1, sequence: 1 },
        ],
      ],
      ["observed", [1, "true", null]],
      ["surprise", [1]],
    ] as const
  ).flatMap(([field, values]) =>
    values.map((value) =>
      json(`subscribe: ${field} ${shown(value)}`, { type: "subscribe", id: 1, series: "a", [field]: value }),
    ),
  ),
  json("subscribe: neither series nor pattern", { type: "subscribe", id: 1 }),
  json("subscribe: both", { type: "subscribe", id: 1, series: "a", pattern: "*" }),
  {
    name: "subscribe: an id twice",
    bytes: many(2, frame('{"type":"subscribe","id":1,"series":"a"}')),
  },
  {
    name: "subscribe: 300 subscriptions",
    bytes: Buffer.concat(
      Array.from({ length: 300 }, (_, id) => frame(`{"type":"subscribe","id":${id},"series":"a"}`)),
    ),
  },
  {
    ...json("subscribe: a pattern that many would be slow to match", {
      type: "subscribe",
      id: 1,
      pattern: `${"*a".repeat(120)}*b`,
    }),
    allowed: true,
  },
  json("unsubscribe: nothing of that name", { type: "unsubscribe", id: "x" }),
  json("ack: nothing of that name", { type: "ack", id: "x", offset: 1 }),
  json("ack: an offset below 0", { type: "ack", id: "x", offset: -1 }),
  json("ping: with a field", { type: "ping", series: "a" }),
  { name: "ping: 2000 of them", bytes: many(2000, frame('{"type":"ping"}')) },
  ...(
    [
      {},
      { series: "a" },
      { series: "a", value: "x" },
      { series: "a", value: null, values: {} },
      { series: "a", values: {} },
      { series: "a", values: [1] },
      { series: "a", values: { "": 1 } },
      { series: "", value: 1 },
      { series: "a\u0000b", value: 1 },
      { series: "\u001b[2J", value: 1 },
      { series: "x".repeat(257), value: 1 },
      { series: "a", value: 1, time: "yesterday" },
      { series: "a", value: 1, time: 9e15 },
      { series: "a", value: 1, time: "2024-02-30" },
      { series: "a", value: 1, id: 2 ** 60 },
      { series: "a", value: 1, id: "" },
      { series: "a", value: 1, when: 1 },
      { series: "a", values: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`c${n}`, n])) },
    ] as const
  ).map((observation) =>
    json(`observe: ${JSON.stringify(observation).slice(0, 40)}`, { type: "observe", ...observation }),
  ),
  text("observe: 1e999", '{"type":"observe","series":"a","value":1e999}'),
  text(
    "observe: an id that JSON rounds",
    '{"type":"observe","series":"a","value":1,"id":12345678901234567890}',
  ),
];

const ARROW = "eddy.v1.arrow";
const binary = (name: string, bytes: Uint8Array): Input => ({
  name: `table: ${name}`,
  subprotocol: ARROW,
  bytes: frame(bytes, { first: 0x82 }),
});
const altered = (at: number, bytes: readonly number[]): Uint8Array => {
  const copy = Uint8Array.from(honestArrow);
  copy.set(bytes, at);
  return copy;
};
const tables: readonly Input[] = [
  binary("no bytes", none),
  binary("JSON", Buffer.from('{"series":"a","value":1}')),
  binary("zeros", Buffer.alloc(64)),
  binary("the head of a stream only", honestArrow.subarray(0, 8)),
  binary("cut in the schema", honestArrow.subarray(0, 100)),
  binary("cut in the rows", honestArrow.subarray(0, honestArrow.length - 100)),
  binary("metadata of 2 GiB", altered(4, [0xff, 0xff, 0xff, 0x7f])),
  binary("metadata of -1 bytes", altered(4, [0xff, 0xff, 0xff, 0xff])),
  binary("metadata that leads nowhere", altered(8, [0xff, 0xff, 0xff, 0x7f])),
  binary("a megabyte", Buffer.alloc(1 << 20)),
  { name: "table: text that is no message", subprotocol: ARROW, bytes: frame("ARROW1") },
];

function shown(value: unknown): string {
  const words = JSON.stringify(value) ?? "absent";
  return words.length > 30 ? `${words.slice(0, 30)}...` : words;
}

export const SOCKET_INPUTS: readonly Input[] = [
  ...frames,
  ...handshakes,
  ...requests,
  ...before,
  ...texts,
  ...fields,
  ...tables,
];

/** Sends each over a connection of its own, and says what came back. */
export async function* hostileSocketInputs(server: { readonly port: number }): AsyncGenerator<Answered> {
  for (const input of SOCKET_INPUTS) {
    const answer = wordsOf(await send(server.port, input));
    const answered = input.allowed === true || /error|close|HTTP [45]/.test(answer);
    yield { name: input.name, answer, answered };
  }
}

/** Milliseconds without a byte after which nothing more is to come. */
const QUIET = 400;

function send(port: number, input: Input): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const parts: Buffer[] = [];
    let timer: NodeJS.Timeout | undefined;
    const done = (): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(parts));
    };
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(done, QUIET);
    };
    socket.on("error", done);
    socket.once("close", done);
    let sent = false;
    socket.on("data", (data) => {
      parts.push(data);
      wait();
      if (sent || !Buffer.concat(parts).includes("\r\n\r\n")) return;
      sent = true;
      // What follows is sent once the handshake has been answered.
      socket.write(Buffer.concat([input.first ? none : frame('{"type":"init"}'), input.bytes]));
    });
    const protocol = `Sec-WebSocket-Protocol: ${input.subprotocol ?? "eddy.v1.json"}`;
    socket.write(
      (input.handshake ?? handshake([HOST, ...UPGRADE, KEY, VERSION, protocol])).replace(
        HOST,
        `${HOST}:${port}`,
      ),
    );
    timer = setTimeout(done, 10 * QUIET);
  });
}

/** What a server sent: the status of a refused handshake, or the frames after it. */
function wordsOf(bytes: Buffer): string {
  const end = bytes.indexOf("\r\n\r\n");
  const [, status = ""] = /^HTTP\/1\.1 (\d+)/.exec(bytes.toString("latin1", 0, 20)) ?? [];
  if (status !== "101") {
    const body = bytes.toString("utf8", end + 4).replaceAll(/\s+/g, " ");
    return status === "" ? "nothing" : `HTTP ${status} ${body.slice(0, 100)}`;
  }
  const words: string[] = [];
  let at = end + 4;
  while (at + 2 <= bytes.length) {
    const opcode = (bytes[at] ?? 0) & 15;
    let length = (bytes[at + 1] ?? 0) & 127;
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    const payload = bytes.subarray(at, at + length);
    at += length;
    if (opcode === 8) {
      words.push(`close ${length >= 2 ? payload.readUInt16BE(0) : 1005} ${payload.toString("utf8", 2)}`);
    } else if (opcode === 1) {
      const message = JSON.parse(payload.toString());
      if (message.type === "ready") continue;
      words.push(message.type === "error" ? `error ${message.code}: ${message.message}` : message.type);
    }
  }
  const [first = "nothing", ...more] = [...new Set(words)];
  const last = more.at(-1);
  return last === undefined ? first.slice(0, 140) : `${first.slice(0, 100)} ... ${last.slice(0, 80)}`;
}
