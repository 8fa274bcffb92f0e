import assert from "node:assert/strict";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import type { Message, Peer, Told } from "./peer.ts";

/** What a case may do to a server of its own. */
export interface OwnServer {
  /** Forecasts of `wide` series have many steps: a few of them are more than a socket takes. */
  readonly wide: string;
  /** Shuts it down, and starts it again on the same database. */
  restart(): Promise<void>;
  /** Restarts it, and what was forecast before is no longer kept. */
  trim(): Promise<void>;
  /** Something inside throws from now on, until it is mended. */
  break(): () => void;
  /** Another server of the same kind; closed when the case is over. */
  another(limits: object, options?: object): Promise<string>;
}

export interface World {
  readonly protocol: string;
  readonly token: string | undefined;
  /** Begins the names of all series of this case. */
  readonly prefix: string;
  readonly own: OwnServer | undefined;
  /** Connected, not yet welcomed. */
  open(options?: {
    readonly protocols?: readonly string[];
    readonly headers?: Readonly<Record<string, string>>;
    readonly url?: string;
  }): Promise<Peer>;
  /** Connected and welcomed. */
  ready(url?: string): Promise<Peer>;
  /** A request with the token; fails unless it succeeds. */
  ask(method: string, path: string, body?: unknown): Promise<void>;
  /** Observations over HTTP, durable when it resolves. */
  post(observations: readonly object[]): Promise<void>;
}

/** One thing that the protocol promises. */
export interface Case {
  readonly name: string;
  /** Only with a server of one's own: it is restarted, choked or broken. */
  readonly own?: true;
  /** Only under this subprotocol. */
  readonly only?: string;
  run(world: World): Promise<void>;
}

const JSON_ONLY = "eddy.v1.json";
const ARROW = "eddy.v1.arrow";
const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const T0 = Date.UTC(2024, 0, 1);
const reading = (series: string, n: number, targets = 1) => ({
  series,
  time: T0 + 60_000 * n,
  values: Object.fromEntries(range(targets).map((d) => [`t${d}`, n + d / 10])),
});
const isOrdered = (told: readonly Told[]): boolean =>
  told.every((one, i) => {
    const before = told[i - 1];
    return (
      before === undefined ||
      one.offset > before.offset ||
      (one.offset === before.offset && one.ordinal > before.ordinal)
    );
  });
const limitsOf = (peer: Peer) => peer.of("ready")[0]?.limits as Record<string, number>;
const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function subscribed(peer: Peer, message: Omit<Message, "type">): Promise<Message> {
  peer.send({ type: "subscribe", ...message });
  const mine = () => peer.of("subscribed").find(({ id }) => id === message.id);
  await peer.until("subscribed", () => mine() !== undefined);
  return mine() as Message;
}
const of = (peer: Peer, id: string | number): Told[] => peer.told.filter((one) => one.id === id);

async function endsWith(peer: Peer, code: number, reason?: RegExp): Promise<void> {
  const closed = await peer.end();
  assert.equal(closed.code, code, closed.reason);
  if (reason !== undefined) assert.match(closed.reason, reason);
}

/** An error, and the connection goes on. */
async function refused(peer: Peer, frame: string, message: RegExp): Promise<void> {
  const before = peer.of("error").length;
  peer.raw(frame);
  await peer.until("error", () => peer.of("error").length > before);
  const [error] = peer.of("error").slice(-1);
  assert.match(String(error?.message), message);
  assert.equal(error?.retryable, false);
  await peer.settle();
}

export const CASES: readonly Case[] = [
  {
    name: "init is answered by ready, with the limits of the connection",
    async run({ ready }) {
      const peer = await ready();
      assert.equal(peer.messages.length, 1);
      for (const limit of [
        "messageBytes",
        "subscriptions",
        "messagesPerSecond",
        "pendingObservations",
        "queue",
      ])
        assert.ok((limitsOf(peer)[limit] ?? 0) > 0, limit);
    },
  },
  {
    name: "ping is answered by pong, and a WebSocket ping by its pong",
    async run({ ready }) {
      const peer = await ready();
      await peer.settle();
      const pong = new Promise((resolve) => peer.ws.once("pong", resolve));
      peer.ws.ping();
      await pong;
    },
  },
  {
    name: "no compression is agreed to, whatever is offered; a message in pieces is one",
    async run({ ready }) {
      const peer = await ready();
      assert.equal(peer.ws.extensions, "");
      peer.ws.send('{"type":', { fin: false });
      peer.ws.send('"ping"}', { fin: true });
      await peer.until("pong", () => peer.of("pong").length === 1);
    },
  },
  {
    name: "stream: every forecast after subscribed.offset, once, in the order of places",
    async run({ ready, post, prefix }) {
      const series = `${prefix}a`;
      await post([reading(series, 0, 2), reading(series, 1, 2)]);
      const peer = await ready();
      const { offset } = await subscribed(peer, { id: "s", series, mode: "stream" });
      for (let n = 2; n < 22; n++) await post([reading(series, n, 2), reading(`${prefix}b`, n)]);
      await peer.until("40 forecasts", () => peer.told.length >= 40);
      await peer.settle();
      assert.equal(peer.told.length, 40);
      assert.ok(isOrdered(peer.told));
      assert.ok(peer.told.every((one) => one.offset > Number(offset) && one.series === series));
      assert.deepEqual(
        peer.told.slice(0, 4).map(({ ordinal }) => ordinal),
        [0, 1, 0, 1],
      );
    },
  },
  {
    name: "latest: what is known at once, then each new one; a pattern fits many, * slashes among them",
    async run({ ready, post, prefix }) {
      const names = range(5).map((n) => `${prefix}house/${n}/air`);
      for (const n of [0, 1]) await post(names.map((series) => reading(series, n)));
      const peer = await ready();
      await subscribed(peer, { id: "all", pattern: `${prefix}house*` });
      await subscribed(peer, { id: "one", pattern: `${prefix}house/?/ai?`, mode: "latest" });
      await subscribed(peer, { id: "none", pattern: `${prefix}house/?` });
      await peer.until("what is known", () => peer.told.length >= 10);
      await post([reading(names[2] as string, 2)]);
      await peer.until("what is new", () => peer.told.length >= 12);
      await peer.settle();
      for (const id of ["all", "one"]) {
        assert.deepEqual([...new Set(of(peer, id).map(({ series }) => series))].sort(), names);
        assert.equal(of(peer, id).at(-1)?.observed, 2);
      }
      assert.equal(of(peer, "none").length, 0);
    },
  },
  {
    name: "horizons: only these steps; observed: the reading beside it",
    async run({ ready, post, prefix, protocol }) {
      const series = `${prefix}a`;
      const peer = await ready();
      await subscribed(peer, { id: "h", series, mode: "stream", horizons: [3, 1], observed: true });
      for (let n = 0; n < 4; n++) await post([reading(series, n)]);
      await peer.until("forecasts", () => peer.told.length >= 2);
      await peer.settle();
      for (const { steps } of peer.told) assert.deepEqual(steps, [1, 3]);
      if (protocol === JSON_ONLY) assert.equal(peer.of("data")[0]?.observed, peer.told[0]?.observed);
    },
  },
  {
    name: "maxRate: a burst comes as its newest",
    async run({ ready, post, prefix }) {
      const series = `${prefix}a`;
      const peer = await ready();
      await subscribed(peer, { id: "r", series, maxRate: 2 });
      for (let n = 0; n < 30; n++) await post([reading(series, n)]);
      await peer.until("the newest", () => peer.told.at(-1)?.observed === 29);
      assert.ok(peer.told.length < 28, `${peer.told.length} of 29`);
    },
  },
  {
    name: 'ids: 1 and "1" are two subscriptions, each has its own data; unsubscribe ends one',
    async run({ ready, post, prefix }) {
      const series = `${prefix}a`;
      const peer = await ready();
      await subscribed(peer, { id: 1, series, mode: "stream" });
      await subscribed(peer, { id: "1", series, mode: "stream" });
      await post([reading(series, 0), reading(series, 1)]);
      const count = of(peer, 1).length;
      await peer.until("both", () => of(peer, 1).length > count && of(peer, "1").length > count);
      await peer.settle();
      peer.send({ type: "unsubscribe", id: 1 });
      await peer.settle();
      const before = of(peer, 1).length;
      await post([reading(series, 2)]);
      await peer.until("the other", () => of(peer, "1").length > before);
      await peer.settle();
      assert.equal(of(peer, 1).length, before);
      // The name is free again.
      await subscribed(peer, { id: 1, series, mode: "stream" });
    },
  },
  {
    name: "since: from any place the rest comes, once, then what is new",
    async run({ ready, post, prefix }) {
      const series = `${prefix}a`;
      const first = await ready();
      await subscribed(first, { id: "s", series, mode: "stream" });
      for (let n = 0; n < 30; n++) await post([reading(series, n, 3)]);
      await first.until("all", () => first.told.at(-1)?.observed === 29.2);
      for (const at of [0, 1, 2, 40, first.told.length - 1]) {
        const { epoch, offset, ordinal } = first.told[at] as Told;
        const again = await ready();
        const { recovered } = await subscribed(again, {
          id: "s",
          series,
          mode: "stream",
          since: { epoch, offset, ordinal },
        });
        assert.equal(recovered, true);
        await again.until("the rest", () => again.told.length >= first.told.length - 1 - at);
        await again.settle();
        assert.deepEqual(again.told, first.told.slice(at + 1));
      }
      const { epoch, offset } = first.told[4] as Told;
      const whole = await ready();
      await subscribed(whole, { id: "s", series, mode: "stream", since: { epoch, offset } });
      const rest = first.told.filter((one) => one.offset > offset);
      await whole.until("the rest", () => whole.told.length >= rest.length);
      await post([reading(series, 30, 3)]);
      await whole.until("what is new", () => whole.told.length >= rest.length + 3);
      assert.deepEqual(whole.told.slice(0, rest.length), rest);
      assert.ok(isOrdered(whole.told));
    },
  },
  {
    name: "since of another epoch: not recovered, and a gap",
    async run({ ready, prefix }) {
      const peer = await ready();
      const since = { epoch: "another", offset: 5 };
      const { recovered, offset } = await subscribed(peer, {
        id: "g",
        series: `${prefix}a`,
        mode: "stream",
        since,
      });
      assert.equal(recovered, false);
      await peer.until("gap", () => peer.of("gap").length > 0);
      assert.deepEqual(peer.of("gap")[0], {
        type: "gap",
        id: "g",
        from: 0,
        to: offset,
        reason: "another epoch",
      });
    },
  },
  {
    name: "since of what is no longer kept: not recovered, and a gap",
    own: true,
    async run({ ready, post, prefix, own }) {
      const series = `${prefix}a`;
      const first = await ready();
      await subscribed(first, { id: "s", series, mode: "stream" });
      for (let n = 0; n < 4; n++) await post([reading(series, n)]);
      await first.until("all", () => first.told.at(-1)?.observed === 3);
      await own?.trim();
      const { epoch, offset } = first.told[0] as Told;
      const peer = await ready();
      await subscribed(peer, { id: "g", series, mode: "stream", since: { epoch, offset } });
      await peer.until("gap", () => peer.of("gap").length > 0);
      assert.equal(peer.of("gap")[0]?.reason, "no longer kept");
      assert.equal(peer.of("gap")[0]?.from, offset);
    },
  },
  {
    name: "observe: ack in order, accepted, duplicate; refused by field; late is told",
    async run({ ready, prefix }) {
      const series = `${prefix}a`;
      const peer = await ready();
      const observe = (fields: object) => peer.send({ type: "observe", series, ...fields });
      observe({ id: "1", time: "2024-01-01T00:00:00Z", value: 1 });
      observe({ id: "1", time: "2024-01-01T00:00:00Z", value: 1 });
      peer.raw(JSON.stringify({ type: "observe", id: "bad", series, value: "x" }));
      observe({ id: 2, time: "2024-01-01T00:01:00Z", values: { value: null } });
      observe({ id: "late", time: "2023-01-01T00:00:00Z", value: 3 });
      observe({ value: 4 });
      await peer.until("all answers", () => peer.of("ack").length + peer.of("error").length >= 6);
      assert.deepEqual(
        peer.messages.slice(1).map(({ type, id, status }) => [type, id, status]),
        [
          ["ack", "1", "accepted"],
          ["ack", "1", "duplicate"],
          ["error", "bad", undefined],
          ["ack", 2, "accepted"],
          ["ack", "late", "late"],
          ["ack", undefined, "accepted"],
        ],
      );
    },
  },
  {
    name: "observe: as many as may be unanswered, and more: all are answered, none is lost",
    async run({ ready, prefix }) {
      const peer = await ready();
      const many = (limitsOf(peer).pendingObservations ?? 0) + 500;
      for (const n of range(many))
        peer.send({ type: "observe", series: `${prefix}many`, time: T0 + 1000 * n, value: n });
      await peer.until("all acks", () => peer.of("ack").length === many);
      assert.equal(peer.of("error").length, 0);
    },
  },
  {
    name: "observations in Arrow: a receipt with what became of each row",
    only: ARROW,
    async run({ ready, prefix }) {
      const peer = await ready();
      const table = tableFromArrays({
        series: range(4).map(() => `${prefix}a`),
        id: ["1", "1", "2", "3"],
        time: Float64Array.of(T0, T0, T0 + 1e3, 1e300),
        value: Float64Array.of(1, 1, 2, 3),
      });
      peer.raw(tableToIPC(table, "stream"));
      peer.raw(Buffer.from("not arrow"));
      await peer.until("both answers", () => peer.messages.length >= 3);
      const [receipt, error] = peer.messages.slice(1);
      const { accepted, duplicate, refused: told } = receipt as Message;
      assert.deepEqual(
        [accepted, duplicate, (told as { line: number }[]).map(({ line }) => line)],
        [2, 1, [4]],
      );
      assert.match(String(error?.message), /frame 2: .*expected an Arrow IPC stream/);
      await peer.settle();
    },
  },
  {
    name: "alerts: beginning and end of each, in order; since goes on behind a sequence",
    async run({ ready, post, ask, prefix }) {
      const series = `${prefix}a`;
      const rule = prefix.replaceAll("/", "-");
      const path = `/v1/alerts/${encodeURIComponent(rule)}`;
      const peer = await ready();
      await ask("PUT", path, { series, when: { reading: "above", limit: 10 } });
      try {
        const { epoch } = await subscribed(peer, { id: "s", alerts: `${rule}*` });
        for (const [n, value] of [1, 1, 20, 20, 1, 1, 1, 1, 1, 1, 1, 1].entries())
          await post([{ series, time: T0 + 60_000 * n, value }]);
        await peer.until("both transitions", () => peer.of("data").length >= 2);
        const told = peer.of("data").map(({ alert }) => alert as { rule: string; state: string });
        assert.deepEqual(
          told.map(({ state }) => state),
          ["firing", "resolved"],
        );
        assert.ok(told.every((one) => one.rule === rule));
        const again = await ready();
        const sequence = peer.of("data")[0]?.sequence;
        await subscribed(again, { id: "s", alerts: `${rule}*`, since: { epoch, sequence } });
        await again.until("the end", () => again.of("data").length >= 1);
        await again.settle();
        assert.deepEqual(
          again.of("data").map((message) => message.alert),
          peer
            .of("data")
            .slice(1)
            .map((message) => message.alert),
        );
      } finally {
        await ask("DELETE", path);
      }
    },
  },
  {
    name: "ack: a stream goes no further than the queue beyond what is acknowledged",
    own: true,
    async run({ ready, prefix, own }) {
      if (own === undefined) return;
      const series = `${prefix}a`;
      const url = await own.another({ queue: 8 });
      const peer = await ready(url);
      await subscribed(peer, { id: "s", series, mode: "stream" });
      peer.send({ type: "ack", id: "s", offset: 0 });
      await peer.settle();
      const observe = (n: number) => peer.send({ type: "observe", series, time: T0 + 1000 * n, value: n });
      for (const n of range(7)) observe(n);
      await peer.until("some", () => peer.told.length >= 6);
      assert.deepEqual(
        peer.of("slow").map(({ limit }) => limit),
        [8],
      );
      peer.send({ type: "ack", id: "s", offset: peer.told.at(-1)?.offset ?? 0 });
      await peer.settle();
      for (const n of range(7)) observe(10 + n);
      await peer.until("the next", () => peer.told.length >= 13);
      for (const n of range(9)) observe(20 + n);
      await endsWith(peer, 4008, /more than 8 messages waiting/);
    },
  },
  {
    name: "a known message with a wrong field: an error that names it, and the connection goes on",
    async run({ ready, prefix }) {
      const peer = await ready();
      const series = `${prefix}a`;
      for (const [frame, message] of [
        [{ type: "subscribe", id: "a" }, /either series or pattern/],
        [{ type: "subscribe", id: "a", series, pattern: "*" }, /either series or pattern/],
        [{ type: "subscribe", series }, /subscribe id/],
        [{ type: "subscribe", id: "", series }, /subscribe id/],
        [{ type: "subscribe", id: "a", series: "" }, /subscribe series/],
        [{ type: "subscribe", id: "a", series, mode: "all" }, /subscribe mode/],
        [{ type: "subscribe", id: "a", series, horizons: [0] }, /subscribe horizons/],
        [{ type: "subscribe", id: "a", series, horizons: [] }, /subscribe horizons/],
        [{ type: "subscribe", id: "a", series, maxRate: 0 }, /subscribe maxRate/],
        [{ type: "subscribe", id: "a", series, since: 7 }, /subscribe since/],
        [{ type: "subscribe", id: "a", series, since: { epoch: "e", offset: -1 } }, /since.offset/],
        [
          { type: "subscribe", id: "a", series, since: { epoch: "e", offset: 1, ordinal: 0.5 } },
          /since.ordinal/,
        ],
        [{ type: "subscribe", id: "a", series, sinse: 1 }, /sinse/],
        [{ type: "unsubscribe", id: "nobody" }, /unsubscribe id/],
        [{ type: "ack", id: "nobody", offset: 1 }, /ack id/],
        [{ type: "ping", id: 1 }, /ping id/],
        [{ type: "observe" }, /series/],
        [{ type: "observe", series }, /value/],
        [{ type: "observe", series, value: 1, when: 1 }, /when/],
      ] as const) {
        await refused(peer, JSON.stringify(frame), message);
        if (peer.of("error").length % 8 === 0) await wait(200);
      }
    },
  },
  {
    name: "1009: a message larger than messageBytes; one of exactly so many is read",
    async run({ ready }) {
      const peer = await ready();
      const { messageBytes = 0 } = limitsOf(peer);
      const sized = (bytes: number) => `{"type":"ping"}${" ".repeat(bytes - 15)}`;
      peer.raw(sized(messageBytes));
      await peer.until("pong", () => peer.of("pong").length === 1);
      peer.raw(sized(messageBytes + 1));
      await endsWith(peer, 1009);
    },
  },
  ...(
    [
      ["not JSON", "{nope"],
      ["not an object", "[]"],
      ["no type", "{}"],
      ["an unknown type", '{"type":"dance"}'],
      ["a type of the prototype", '{"type":"constructor"}'],
      ["nested too deep", `{"type":"ping","a":${"[".repeat(40)}${"]".repeat(40)}}`],
      ["init twice", '{"type":"init"}'],
    ] as const
  ).map(
    ([what, frame]): Case => ({
      name: `4400: ${what}`,
      async run({ ready }) {
        const peer = await ready();
        peer.raw(frame);
        await endsWith(peer, 4400);
      },
    }),
  ),
  {
    name: "4400: a binary frame",
    only: JSON_ONLY,
    async run({ ready }) {
      const peer = await ready();
      peer.raw(Buffer.from("{}"));
      await endsWith(peer, 4400, /binary/);
    },
  },
  {
    name: "4400: anything before init",
    async run({ open }) {
      for (const frame of ['{"type":"ping"}', "[]", Buffer.from("{}")]) {
        const peer = await open();
        peer.raw(frame);
        await endsWith(peer, 4400);
      }
    },
  },
  {
    name: "4401: no token, a wrong one, a wrong one in the upgrade",
    own: true,
    async run({ open, own }) {
      const url = await own?.another({}, { token: "right" });
      const at = url === undefined ? {} : { url };
      for (const init of [{ type: "init" }, { type: "init", token: "wrong" }]) {
        const peer = await open(at);
        peer.send(init);
        await endsWith(peer, 4401);
      }
      await endsWith(await open({ ...at, headers: { authorization: "Bearer wrong" } }), 4401);
      const peer = await open(at);
      peer.send({ type: "init", token: "right" });
      await peer.until("ready", () => peer.of("ready").length > 0);
    },
  },
  {
    name: "4403: a page of another origin",
    async run({ open }) {
      for (const origin of ["https://evil.example", "null"])
        await endsWith(await open({ headers: { origin } }), 4403);
    },
  },
  {
    name: "4406: no subprotocol that is known; of several the first that is",
    async run({ open, protocol }) {
      for (const protocols of [[], ["other.v9"]]) await endsWith(await open({ protocols }), 4406);
      const peer = await open({ protocols: ["other.v9", protocol] });
      assert.equal(peer.ws.protocol, protocol);
    },
  },
  {
    name: "4408: no init in time",
    own: true,
    async run({ open, own }) {
      const url = await own?.another({}, { socket: { initMs: 50 } });
      await endsWith(await open(url === undefined ? {} : { url }), 4408);
    },
  },
  {
    name: "4409: a subscription id that is in use",
    async run({ ready, prefix }) {
      const peer = await ready();
      await subscribed(peer, { id: "a", series: `${prefix}a` });
      peer.send({ type: "subscribe", id: "a", series: `${prefix}b` });
      await endsWith(peer, 4409);
    },
  },
  {
    name: "4429: more messages a second than messagesPerSecond",
    async run({ ready }) {
      const peer = await ready();
      const { messagesPerSecond = 0 } = limitsOf(peer);
      for (let n = 0; n < 20 * messagesPerSecond; n++) peer.send({ type: "ping" });
      await endsWith(peer, 4429, /messages a second/);
    },
  },
  {
    name: "4429: one more than subscriptions; that many are taken",
    own: true,
    async run({ ready, own, prefix }) {
      const peer = await ready(await own?.another({ subscriptions: 3 }));
      for (const id of range(3)) await subscribed(peer, { id, series: `${prefix}${id}` });
      peer.send({ type: "subscribe", id: 3, series: prefix });
      await endsWith(peer, 4429, /3 subscriptions/);
    },
  },
  {
    name: "4429: one more than connections, and than subscriptions of all",
    own: true,
    async run({ open, ready, own }) {
      const url = await own?.another({}, { socket: { connections: 2, subscriptions: 1 } });
      const [one, two] = [await ready(url), await ready(url)];
      await endsWith(await open(url === undefined ? {} : { url }), 4429, /2 connections/);
      await subscribed(one, { id: 1, series: "a" });
      two.send({ type: "subscribe", id: 1, series: "a" });
      await endsWith(two, 4429, /1 subscriptions in all/);
    },
  },
  {
    name: "slow, then 4008: a stream that is not read",
    own: true,
    async run({ ready, post, own, prefix }) {
      const series = `${own?.wide}${prefix}a`;
      const peer = await ready();
      await subscribed(peer, { id: "s", series, mode: "stream" });
      peer.ws.pause();
      for (let n = 0; n < 60; n++) await post(range(20).map((i) => reading(series, 20 * n + i)));
      peer.ws.resume();
      await endsWith(peer, 4008, /messages waiting/);
      const [slow] = peer.of("slow");
      assert.ok(Number(slow?.waiting) >= Number(slow?.limit) / 2);
      assert.ok(isOrdered(peer.told));
    },
  },
  {
    name: "slow: latest tells how many forecasts newer ones took the place of",
    own: true,
    async run({ ready, post, own, prefix }) {
      const name = `${own?.wide}${prefix}`;
      const peer = await ready();
      await subscribed(peer, { id: "l", pattern: `${name}*` });
      peer.ws.pause();
      for (let n = 0; n < 60; n++) await post(range(8).map((k) => reading(`${name}${k}`, n)));
      peer.ws.resume();
      const newest = () => peer.told.filter(({ observed }) => observed === 59).length;
      await peer.until("the newest", () => newest() === 8);
      await peer.settle();
      const skipped = peer.of("slow").reduce((sum, message) => sum + Number(message.skipped), 0);
      assert.ok(skipped > 0);
      assert.ok(skipped + peer.told.length <= 8 * 59);
    },
  },
  {
    name: "4010: an offset that the journal has not reached",
    async run({ ready, prefix }) {
      const peer = await ready();
      const { epoch, offset } = await subscribed(peer, { id: 1, series: `${prefix}a` });
      const since = { epoch, offset: Number(offset) + 1e9 };
      peer.send({ type: "subscribe", id: 2, series: `${prefix}a`, mode: "stream", since });
      await endsWith(peer, 4010);
    },
  },
  {
    name: "4500: something inside goes wrong",
    own: true,
    async run({ ready, own }) {
      const peer = await ready();
      const mend = own?.break();
      peer.send({ type: "subscribe", id: 1, pattern: "*" });
      await endsWith(peer, 4500, /internal error/);
      mend?.();
    },
  },
  {
    name: "draining, then 1001: the server goes away; since goes on with the one after it",
    own: true,
    async run({ ready, post, own, prefix }) {
      const series = `${prefix}a`;
      const peer = await ready();
      await subscribed(peer, { id: "s", series, mode: "stream" });
      for (let n = 0; n < 5; n++) await post([reading(series, n, 2)]);
      await peer.until("all", () => peer.told.at(-1)?.observed === 4.1);
      await own?.restart();
      await endsWith(peer, 1001);
      assert.equal(peer.messages.at(-1)?.type, "draining");
      const { epoch, offset, ordinal } = peer.told.at(-2) as Told;
      const again = await ready();
      const since = { epoch, offset, ordinal };
      const { recovered } = await subscribed(again, { id: "s", series, mode: "stream", since });
      assert.equal(recovered, true);
      await post([reading(series, 5, 2)]);
      await again.until("the rest", () => again.told.length >= 3);
      assert.deepEqual(again.told[0], peer.told.at(-1));
    },
  },
];
