import { WebSocket } from "ws";

export type Frame = Record<string, unknown> & { type: string };

/** A client of `/v1/stream` for tests: frames in order, and how it ended. */
export class Client {
  readonly ws: WebSocket;
  readonly frames: Frame[] = [];
  readonly binary: Buffer[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  #waiting: (() => void)[] = [];

  constructor(
    url: string,
    {
      protocols = ["eddy.v1.json"],
      headers = {},
    }: { protocols?: string[]; headers?: Record<string, string> } = {},
  ) {
    this.ws = new WebSocket(`${url.replace("http", "ws")}/v1/stream`, protocols, { headers });
    this.ws.on("message", (data, isBinary) => {
      if (isBinary) this.binary.push(data as Buffer);
      else this.frames.push(JSON.parse(String(data)));
      this.#tell();
    });
    this.ws.on("error", () => {});
    this.closed = new Promise((resolve) => {
      this.ws.once("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#tell();
      });
    });
  }

  /** Connected and welcomed. */
  static async ready(url: string, token?: string): Promise<Client> {
    const client = new Client(url);
    await client.opened();
    client.send({ type: "init", ...(token === undefined ? {} : { token }) });
    await client.until((frames) => frames.some(({ type }) => type === "ready"));
    return client;
  }

  opened(): Promise<void> {
    if (this.ws.readyState === WebSocket.OPEN) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.ws.once("open", resolve);
      this.ws.once("error", reject);
    });
  }

  send(message: unknown): void {
    this.ws.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  of(type: string): Frame[] {
    return this.frames.filter((frame) => frame.type === type);
  }

  /** Waits until the frames are as wanted; fails when the connection ends before. */
  async until(holds: (frames: readonly Frame[]) => boolean): Promise<void> {
    while (!holds(this.frames)) {
      if (this.ws.readyState === WebSocket.CLOSED)
        throw new Error(`closed; frames: ${JSON.stringify(this.frames)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Everything sent before has been dealt with by the server. */
  async settle(): Promise<void> {
    const pongs = this.of("pong").length;
    this.send({ type: "ping" });
    await this.until(() => this.of("pong").length > pongs);
  }

  close(): void {
    this.ws.terminate();
  }

  #tell(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
