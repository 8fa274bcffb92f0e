import { crc32 } from "node:zlib";
import { type Static, Type } from "@sinclair/typebox";
import type { IPublishPacket, MqttClient, Packet } from "mqtt";
import { Observable } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { oneOf, strict, text, whole } from "../checked.ts";
import type { Reading } from "../formats/reading.ts";
import { Backoff } from "./backoff.ts";
import { MessageReader } from "./message-reader.ts";
import type { Reached, SourceBatch, SourceBatches, SourceContext } from "./source.ts";
import { filled, TopicTemplate } from "./topics.ts";

/** Messages that may be under way at a time; the broker keeps the others. */
const WINDOW = 500;
/** How long a broker keeps what we have not seen while we are away, seconds. */
const SESSION_SECONDS = 30 * 24 * 3600;
/** Packet identifiers kept in one piece. */
const PIECE = 64;
/** What is kept of the message being read when it has several readings. */
const PARTIAL = "partial";

const names = (what: string) => Type.Array(text("a name"), { maxItems: 256, expected: `a list of ${what}` });

export const MqttOptionsSchema = Type.Object(
  {
    url: Type.String({
      pattern: "^(?:mqtts?|tcp|ssl|tls|wss?)://\\S+$",
      maxLength: 2048,
      expected: "an address such as mqtt://localhost:1883",
    }),
    topics: Type.Array(text("a topic such as sensors/{host}/{metric}"), {
      minItems: 1,
      maxItems: 256,
      expected: "a list of topics such as sensors/{host}/{metric}",
    }),
    /** The series of a message, by the names in its topic: `{host}/{metric}`; the topic itself when absent. */
    series: Type.Optional(text('a name such as "{host}/{metric}"')),
    clientId: Type.Optional(Type.String({ minLength: 1, maxLength: 128, expected: "1 to 128 characters" })),
    username: Type.Optional(text("some text")),
    password: Type.Optional(text("some text")),
    version: Type.Optional(oneOf(["3.1.1", "5"])),
    retained: Type.Optional(oneOf(["leave", "take"])),
    time: Type.Optional(text("a field of the payload")),
    timeFormat: Type.Optional(text("a form such as unix_ms or DD/MM/YYYY HH:mm")),
    timeZone: Type.Optional(text("a zone such as Europe/Berlin")),
    key: Type.Optional(names("fields of the payload")),
    values: Type.Optional(names("fields of the payload")),
    /** Every field of the payload is a series of its own. */
    split: Type.Optional(Type.Boolean({ expected: "true or false" })),
    maxSeries: Type.Optional(whole(1, 1_000_000)),
  },
  strict,
);
export type MqttOptions = Static<typeof MqttOptionsSchema>;

/**
 * Messages of an MQTT broker (3.1.1 or 5) as readings, in order. They are asked for at QoS 1 in a session that outlives the
 * connection, and each is acknowledged to the broker only when its batch is: what is not comes again.
 *
 * What comes again, of a connection or a process that ended before the broker heard of the acknowledgement, is known by its
 * packet identifier together with its content, which is kept with the readings: it is acknowledged, counted as `duplicate`, and not handed
 * out a second time.
 *
 * A message without a time of its own has that of its arrival; a retained one of that kind says nothing about when it was
 * measured, and is left (`retained: "take"` takes it).
 *
 * @throws EddyError `bad-config` for topics that cannot be
 * @example
 * ```ts
 * const source = { url: "mqtt://localhost:1883", topics: ["sensors/{host}/{metric}"] };
 * // mqttMessages(source, await sourceContext()).pipe(observations(), perSeries((_, part$) => part$.pipe(forecast())))
 * source.topics.length; // 1
 * ```
 */
export function mqttMessages(options: MqttOptions, context: SourceContext): SourceBatches {
  const templates = options.topics.map(
    (topic, i) => new TopicTemplate(topic, `${context.name}: topics.${i}`),
  );
  checkSeries(options.series, templates, context.name);
  return new Observable((subscriber) => {
    const session = new Session(options, templates, context, (batch) => subscriber.next(batch));
    session.begin();
    return () => session.end();
  });
}

function checkSeries(series: string | undefined, templates: readonly TopicTemplate[], name: string): void {
  for (const [, part = ""] of series?.matchAll(/\{([^}]*)\}/g) ?? []) {
    const lacking = templates.find(({ names }) => !names.includes(part));
    if (lacking === undefined) continue;
    throw new EddyError("bad-config", `${name}: series`, {
      expected: `names in ${printable(lacking.text)}${lacking.names.length > 0 ? `: ${lacking.names.join(", ")}` : ", which has none"}`,
      received: printable(part),
    });
  }
}

/** What has been read under every packet identifier: 0, or a sum of the message. */
class Identifiers {
  readonly #sums = new Uint32Array(65_536);

  get(identifier: number): number {
    return itemAt(this.#sums, identifier);
  }

  set(identifier: number, sum: number): void {
    this.#sums[identifier] = sum;
  }

  /** The piece that an identifier is in, as it is kept: its key and its text. */
  piece(identifier: number): readonly [key: string, text: string] {
    const from = identifier - (identifier % PIECE);
    const bytes = Buffer.alloc(4 * PIECE);
    for (let i = 0; i < PIECE; i++) bytes.writeUInt32LE(this.get(from + i), 4 * i);
    return [String(from), bytes.toString("base64")];
  }

  /** Takes over what was kept. */
  restore(kept: ReadonlyMap<string, string>): void {
    for (const [key, text] of kept) {
      const from = Number(key);
      if (!Number.isInteger(from) || from < 0 || from % PIECE !== 0 || from >= this.#sums.length) continue;
      const bytes = Buffer.from(text, "base64");
      for (let i = 0; 4 * i + 4 <= bytes.length && i < PIECE; i++)
        this.#sums[from + i] = bytes.readUInt32LE(4 * i);
    }
  }
}

/** Never 0, which stands for none. */
const sumOf = (topic: string, payload: Uint8Array): number => crc32(payload, crc32(topic)) || 1;

/** One source's messages over all its connections. */
class Session {
  readonly #options: MqttOptions;
  readonly #templates: readonly TopicTemplate[];
  readonly #context: SourceContext;
  readonly #emit: (batch: SourceBatch) => void;
  readonly #reader: MessageReader;
  readonly #backoff: Backoff;
  /** Handed out, and durable. */
  readonly #received = new Identifiers();
  readonly #durable = new Identifiers();
  /** How many readings of the message that was cut off are durable already: identifier, sum, number. */
  #partial: readonly number[];
  #client: MqttClient | undefined;
  #cancel: (() => void) | undefined;
  #over = false;
  #messages = 0;

  constructor(
    options: MqttOptions,
    templates: readonly TopicTemplate[],
    context: SourceContext,
    emit: (batch: SourceBatch) => void,
  ) {
    this.#options = options;
    this.#templates = templates;
    this.#context = context;
    this.#emit = emit;
    this.#reader = new MessageReader(options, options.maxSeries ?? 10_000);
    this.#backoff = new Backoff(context.random);
    this.#received.restore(context.kept);
    this.#durable.restore(context.kept);
    this.#partial = (context.kept.get(PARTIAL) ?? "").split(" ").map(Number);
  }

  begin(): void {
    this.#connect().catch((error) => this.#again(String((error as Error).message)));
  }

  end(): void {
    this.#over = true;
    this.#cancel?.();
    this.#client?.end(true);
  }

  #again(why: string): void {
    if (this.#over) return;
    this.#context.status.disturbed(why);
    this.#cancel = this.#context.after(this.#backoff.next(), () => this.begin());
  }

  /** One connection, from its beginning to its end; another one follows. */
  async #connect(): Promise<void> {
    const { url, clientId, username, password, version = "5" } = this.#options;
    const { status, name } = this.#context;
    const { connect } = await import("mqtt");
    if (this.#over) return;
    const client = connect(url, {
      clientId: clientId ?? `eddy-${name}`,
      clean: false,
      reconnectPeriod: 0,
      connectTimeout: 10_000,
      resubscribe: false,
      protocolVersion: version === "5" ? 5 : 4,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(version === "5"
        ? { properties: { sessionExpiryInterval: SESSION_SECONDS, receiveMaximum: WINDOW } }
        : {}),
    });
    this.#client = client;
    let why = "the connection ended";
    let current = true;
    let handed = 0;
    /** Messages handed out and not acknowledged; those held back until there is room. */
    let waiting: (() => void)[] = [];
    const acknowledge = (identifier: number | undefined): void => {
      handed--;
      if (!current) return;
      if (identifier !== undefined) send(client, { cmd: "puback", messageId: identifier, reasonCode: 0 });
      for (const go of waiting.splice(0)) go();
    };
    // The library sends the acknowledgement of a message of QoS 1 before it looks at the next one. A message that it takes for one
    // of QoS 0 is not acknowledged by it at all: that is done here, once the message is durable, for many at a time.
    const qualities = new WeakMap<object, number>();
    client.on("packetreceive", (packet: Packet) => {
      if (packet.cmd !== "publish" || packet.qos !== 1) return;
      qualities.set(packet, 1);
      packet.qos = 0;
    });
    client.handleMessage = (packet: IPublishPacket, done: () => void): void => {
      const identifier = qualities.has(packet) ? packet.messageId : undefined;
      handed++;
      this.#take(packet, identifier, () => acknowledge(identifier));
      // Below the window the broker waits by itself; QoS 0 and a broker with a larger one wait here.
      if (handed < 2 * WINDOW) done();
      else waiting.push(done);
    };
    client.on("connect", (connack) => {
      const filters = Object.fromEntries(
        this.#templates.map(({ filter }) => [filter, { qos: 1 as const, rh: 1 }]),
      );
      client.subscribe(filters, (error, granted) => {
        const refused = granted?.filter(({ qos }) => qos > 2) ?? [];
        if (error != null || refused.length > 0) {
          why = `topics: expected to be let in to ${refused.map(({ topic }) => topic).join(", ") || "them"}, got ${error?.message ?? "a refusal"}`;
          client.end(true);
          return;
        }
        this.#backoff.reset();
        status.connected();
      });
      if (!connack.sessionPresent) this.#partial = [];
    });
    client.on("error", (error) => {
      why = wordsOf(error, url, version);
    });
    client.on("disconnect", (packet) => {
      if (packet.reasonCode === 142)
        why = `client ${clientId ?? `eddy-${name}`}: another one of that name has connected`;
    });
    client.on("close", () => {
      if (!current) return;
      current = false;
      waiting = [];
      client.end(true);
      if (this.#over) return;
      status.disconnected();
      this.#again(why);
    });
  }

  /** Hands a message out as a batch of its own. */
  #take(packet: IPublishPacket, identifier: number | undefined, acknowledge: () => void): void {
    const { topic, dup, retain } = packet;
    const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
    const line = ++this.#messages;
    const refuse = (reason: string, message: string): void => {
      this.#emit({
        readings: [{ line, row: line, reason, message: `topic ${printable(topic)}: ${message}` }],
        acknowledge,
      });
    };
    const sum = sumOf(topic, payload);
    if (identifier !== undefined) {
      if (dup && this.#received.get(identifier) === sum) {
        refuse("duplicate", "expected a new message, got one that has been taken");
        return;
      }
      this.#received.set(identifier, sum);
    }
    let parts: ReadonlyMap<string, string> | undefined;
    for (const template of this.#templates) {
      parts = template.match(topic);
      if (parts !== undefined) break;
    }
    if (parts === undefined) {
      refuse("other-topic", `expected one of ${this.#templates.map(({ text }) => text).join(", ")}`);
      return;
    }
    const series = this.#options.series === undefined ? topic : filled(this.#options.series, parts);
    const all = this.#reader
      .read(series, payload, line, this.#context.now())
      .map((reading) => this.#judge(reading, topic, retain));
    // Of a message that was cut off by the end of a process, the first readings are durable already.
    const [cutOff, cutSum, done = 0] = this.#partial;
    const from = dup && cutOff === identifier && cutSum === sum ? done : 0;
    const readings = all.slice(from);
    this.#emit({
      readings,
      ...(identifier === undefined
        ? {}
        : { reached: (i: number) => this.#reached(identifier, sum, from + i + 1, all.length) }),
      acknowledge,
    });
  }

  /** Names the topic of what is refused, and leaves what was retained at a time that nobody knows. */
  #judge(reading: Reading, topic: string, retain: boolean): Reading {
    if ("reason" in reading) return { ...reading, message: `topic ${printable(topic)}: ${reading.message}` };
    if (!retain || reading.timed || this.#options.retained === "take") return reading;
    const { line, row } = reading;
    return {
      line,
      row,
      reason: "retained",
      message: `topic ${printable(topic)}: expected a message with a time of its own, got a retained one without`,
    };
  }

  #reached(identifier: number, sum: number, done: number, all: number): Reached {
    if (done < all) return { [PARTIAL]: `${identifier} ${sum} ${done}` };
    this.#durable.set(identifier, sum);
    const [key, piece] = this.#durable.piece(identifier);
    return all > 1 ? { [key]: piece, [PARTIAL]: "" } : { [key]: piece };
  }
}

/** Sends a packet that the library has no public word for. */
function send(client: MqttClient, packet: Packet): void {
  (client as unknown as { _sendPacket(packet: Packet): void })._sendPacket(packet);
}

function wordsOf(error: Error & { code?: unknown }, url: string, version: string): string {
  const { code, message } = error;
  const address = url.replace(/\/\/[^@/]*@/, "//");
  if (code === 1 || code === 132)
    return `${address}: expected a broker of MQTT ${version}, got one of another version (say "version": "${version === "5" ? "3.1.1" : "5"}")`;
  if (code === 4 || code === 5 || code === 134 || code === 135)
    return `${address}: expected to be let in, got a refusal (username and password)`;
  const words = message === "" ? String(code ?? "no answer") : message;
  return `${address}: ${printable(words.replaceAll(/\s+/g, " "), 200).slice(1, -1)}`;
}
