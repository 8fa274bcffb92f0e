import { get, type IncomingMessage } from "node:http";

/** One event of a stream, as a browser takes it apart. */
export interface Event {
  readonly event: string;
  readonly id: string | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: messages of several kinds
  readonly data: any;
}

/** A client of Server-Sent Events for tests: what comes in order, and how it ended. */
export class EventReader {
  readonly response: IncomingMessage;
  readonly events: Event[] = [];
  /** Comments and other lines, as they came. */
  readonly lines: string[] = [];
  text = "";
  ended = false;
  #waiting: (() => void)[] = [];
  #rest = "";

  private constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      this.text += text;
      this.#take(text);
      this.#tell();
    });
    response.on("error", () => {});
    response.on("close", () => {
      this.ended = true;
      this.#tell();
    });
  }

  static open(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
    return new Promise((resolve, reject) => {
      get(url, { headers: { accept: "text/event-stream", ...headers }, agent: false }, (response) =>
        resolve(new EventReader(response)),
      ).on("error", reject);
    });
  }

  of(event: string): Event[] {
    return this.events.filter((one) => one.event === event);
  }

  /** Waits until it is so; fails when the stream ends before. */
  async until(holds: (events: readonly Event[]) => boolean): Promise<void> {
    while (!holds(this.events)) {
      if (this.ended) throw new Error(`ended; events: ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  async end(): Promise<void> {
    while (!this.ended) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Breaks the connection; what the next one sends as Last-Event-ID. */
  drop(): string {
    this.response.destroy();
    return this.events.findLast(({ id }) => id !== undefined)?.id ?? "";
  }

  #take(text: string): void {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map<string, string>();
      for (const line of block.split("\n")) {
        this.lines.push(line);
        const [, name = "", value = ""] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
        if (name !== "") fields.set(name, value);
      }
      const data = fields.get("data");
      if (data === undefined) continue;
      this.events.push({
        event: fields.get("event") ?? "message",
        id: fields.get("id"),
        data: JSON.parse(data),
      });
    }
  }

  #tell(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
