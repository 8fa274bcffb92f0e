import { tableFromIPC } from "apache-arrow";
import { WebSocket } from "ws";

/** Says what is wrong with a message by the published schema; undefined when nothing is. */
export interface Validator {
  client(message: unknown): string | undefined;
  server(message: unknown): string | undefined;
}

/** What was seen of the protocol, over all peers. */
export class Seen {
  readonly types = new Map<string, number>();
  readonly codes = new Map<number, number>();
  /** Text frames that the schema was asked about. */
  validated = 0;
  /** Binary frames that opened as Arrow. */
  tables = 0;

  count<K>(map: Map<K, number>, key: K): void {
    map.set(key, (map.get(key) ?? 0) + 1);
  }
}

export type Message = Record<string, unknown> & { type: string };

/** A forecast as any subprotocol tells it. */
export interface Told {
  readonly id: string | number;
  readonly epoch: string;
  readonly offset: number;
  readonly ordinal: number;
  readonly series: string;
  readonly target: string;
  readonly steps: readonly number[];
  readonly means: readonly number[];
  readonly observed: number | null;
}

const COLUMNS =
  "offset ordinal series target issuedAt step time mean lower upper level coverage skill model".split(" ");
const PATIENCE = 20_000;

export interface PeerOptions {
  readonly url: string;
  readonly protocols: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly validator: Validator;
  readonly seen: Seen;
}

/** A bare client of `/v1/stream`: it holds every message against the schema, and knows nothing else of Eddy. */
export class Peer {
  readonly ws: WebSocket;
  readonly messages: Message[] = [];
  readonly told: Told[] = [];
  /** Frames of forecasts. */
  frames = 0;
  /** What did not hold. */
  readonly wrong: string[] = [];
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  readonly #options: PeerOptions;
  #waiting: (() => void)[] = [];

  constructor(options: PeerOptions) {
    this.#options = options;
    const { url, protocols, headers = {}, seen } = options;
    this.ws = new WebSocket(`${url.replace(/^http/, "ws").replace(/\/$/, "")}/v1/stream`, [...protocols], {
      headers,
    });
    this.ws.on("message", (data, isBinary) => {
      if (isBinary) this.#table(data as Buffer);
      else this.#text(String(data));
      this.#tell();
    });
    this.ws.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.ws.once("close", (code, reason) => {
        seen.count(seen.codes, code);
        resolve({ code, reason: reason.toString() });
        this.#tell();
      });
    });
  }

  opened(): Promise<void> {
    if (this.ws.readyState === WebSocket.OPEN) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.ws.once("open", resolve);
      this.ws.once("error", reject);
    });
  }

  /** Sends a message that the schema allows. */
  send(message: Message): void {
    const { validator, seen } = this.#options;
    seen.validated++;
    const wrong = validator.client(message);
    if (wrong !== undefined) this.wrong.push(`sent ${JSON.stringify(message)}: ${wrong}`);
    this.raw(JSON.stringify(message));
  }

  raw(frame: string | Uint8Array): void {
    this.ws.send(frame);
  }

  of(type: string): Message[] {
    return this.messages.filter((message) => message.type === type);
  }

  /** Waits until something holds; fails when the connection ends before, or nothing comes for long. */
  async until(what: string, holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.ws.readyState === WebSocket.CLOSED) throw new Error(`closed before ${what}`);
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(true), PATIENCE);
      });
      const tired = await Promise.race([
        new Promise<boolean>((resolve) => this.#waiting.push(() => resolve(false))),
        patience,
      ]);
      clearTimeout(timer);
      if (tired) throw new Error(`nothing came for ${PATIENCE / 1000} s before ${what}`);
    }
  }

  /** Everything sent before has been dealt with. */
  async settle(): Promise<void> {
    const pongs = this.of("pong").length;
    this.send({ type: "ping" });
    await this.until("pong", () => this.of("pong").length > pongs);
  }

  /** How the connection ended; fails when it does not. */
  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the connection was not closed")), PATIENCE);
    });
    try {
      return await Promise.race([this.closed, patience]);
    } finally {
      clearTimeout(timer);
    }
  }

  #text(text: string): void {
    const { validator, seen } = this.#options;
    const message = JSON.parse(text);
    seen.validated++;
    seen.count(seen.types, String(message.type));
    const wrong = validator.server(message);
    if (wrong !== undefined) this.wrong.push(`came ${text.slice(0, 300)}: ${wrong}`);
    this.messages.push(message);
    if (message.type !== "data" || message.forecast === undefined) return;
    this.frames++;
    const { id, epoch, offset, ordinal, forecast } = message;
    this.told.push({
      id,
      epoch,
      offset,
      ordinal,
      series: forecast.series,
      target: forecast.target,
      steps: forecast.horizon.map(({ step }: { step: number }) => step),
      means: forecast.horizon.map(({ mean }: { mean: number }) => mean),
      observed: forecast.observed.value,
    });
  }

  #table(bytes: Buffer): void {
    const { seen } = this.#options;
    seen.tables++;
    this.frames++;
    seen.count(seen.types, "data (Arrow)");
    const table = tableFromIPC(bytes);
    const names = table.schema.fields.map(({ name }) => name);
    for (const name of COLUMNS) if (!names.includes(name)) this.wrong.push(`a table without ${name}`);
    const id = JSON.parse(table.schema.metadata.get("id") ?? "null");
    const epoch = table.schema.metadata.get("epoch") ?? "";
    if (id === null || epoch === "") this.wrong.push("a table without id and epoch");
    let last: Told | undefined;
    for (const row of table.toArray()) {
      const offset = Number(row.offset);
      if (last === undefined || last.offset !== offset || last.ordinal !== row.ordinal) {
        const { ordinal, series, target, observed } = row;
        last = { id, epoch, offset, ordinal, series, target, observed, steps: [], means: [] };
        this.told.push(last);
      }
      (last.steps as number[]).push(row.step);
      (last.means as number[]).push(row.mean);
    }
  }

  #tell(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
