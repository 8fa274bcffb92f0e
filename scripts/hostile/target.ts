import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** Milliseconds within which health has to be answered, whatever else goes on. */
const HEALTH_MILLISECONDS = 3000;
/**
 * Milliseconds within which a request has to be answered. A body may be twenty thousand readings of honest work, and wait
 * for three others like it on a busy machine; meanwhile it is health that tells whether the server hangs.
 */
const ANSWER_MILLISECONDS = 90_000;
/** Milliseconds between two questions. */
const ASK_EVERY = 100;

export interface TargetOptions {
  /** What `node` is given before the command. */
  readonly command: readonly string[];
  readonly database: string;
  readonly token?: string;
  readonly configuration?: object;
}

/** What was seen of a server while inputs came. */
export interface Seen {
  crashes: number;
  hangs: number;
  /** Longest time that its event loop was held as it says itself, milliseconds; undefined when it does not say. */
  block: number | undefined;
  /** The same without its waits for a processor that other processes had. */
  own: number | undefined;
  /** Slowest answer of health, milliseconds; the harness's own delays are in it. */
  health: number;
  /** Most memory, MiB. */
  memory: number;
}

/** A real server process, watched: it is started again whenever it ends by itself. */
export class Target {
  readonly #options: TargetOptions;
  #child: ChildProcess | undefined;
  #url = "";
  #errors = "";
  #wanted = true;
  #seen: Seen = { crashes: 0, hangs: 0, block: undefined, own: undefined, health: 0, memory: 0 };
  #watching: Promise<void> = Promise.resolve();
  /** The last words of a server that ended by itself. */
  readonly lastWords: string[] = [];

  constructor(options: TargetOptions) {
    this.#options = options;
  }

  get url(): string {
    return this.#url;
  }
  get port(): number {
    return Number(new URL(this.#url).port);
  }
  get command(): readonly string[] {
    return this.#options.command;
  }
  get database(): string {
    return this.#options.database;
  }
  get token(): string | undefined {
    return this.#options.token;
  }
  get process(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it. @returns what it said when it refused to start */
  async start(): Promise<string | undefined> {
    const { command, database, token, configuration } = this.#options;
    const configurationPath = `${database}.config.json`;
    writeFileSync(configurationPath, JSON.stringify({ ...configuration, ...(token ? { token } : {}) }));
    const args = [...command, "serve", "--db", database, "--port", "0", "--config", configurationPath];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    this.#errors = "";
    child.stderr.setEncoding("utf8").on("data", (text) => {
      this.#errors = (this.#errors + text).slice(-4000);
    });
    const ended = new Promise<undefined>((resolve) => child.once("close", () => resolve(undefined)));
    const listening = new Promise<string>((resolve) => {
      let out = "";
      child.stdout.setEncoding("utf8").on("data", (text) => {
        out = (out + text).slice(-4000);
        const url = /http:\/\/127\.0\.0\.1:\d+/.exec(out);
        if (url) resolve(url[0]);
      });
    });
    const url = await Promise.race([listening, ended]);
    if (url === undefined) return this.#errors.trim();
    this.#url = url;
    while (this.running) {
      if ((await this.#ask("/readyz", 10_000)) === 200) return undefined;
      await wait(20);
    }
    return this.#errors.trim();
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#wanted = false;
    await this.#watching;
    if (!this.running) return;
    const ended = new Promise((resolve) => this.#child?.once("close", resolve));
    this.#child?.kill(signal);
    await ended;
  }

  /** Watches it while `work` goes on. */
  async watch(work: () => Promise<void>): Promise<Seen> {
    this.#seen = { crashes: 0, hangs: 0, block: undefined, own: undefined, health: 0, memory: 0 };
    this.#wanted = true;
    await this.#look();
    this.#seen = { crashes: 0, hangs: 0, block: undefined, own: undefined, health: 0, memory: 0 };
    this.#forgetMemory();
    let over = false;
    this.#watching = (async () => {
      while (!over && this.#wanted) {
        await this.#look();
        await wait(ASK_EVERY);
      }
    })();
    try {
      await work();
    } finally {
      over = true;
      await this.#watching;
      await this.#look();
    }
    return this.#seen;
  }

  async #look(): Promise<void> {
    if (!this.running) {
      if (!this.#wanted) return;
      this.#seen.crashes++;
      this.lastWords.push(this.#errors.trim().slice(-300));
      await this.start();
      return;
    }
    this.#seen.memory = Math.max(this.#seen.memory, this.#memory());
    const started = performance.now();
    const status = await this.#ask("/healthz", HEALTH_MILLISECONDS);
    if (status !== 200) {
      if (!this.running) return;
      this.#seen.hangs++;
      return;
    }
    this.#seen.health = Math.max(this.#seen.health, performance.now() - started);
    const text = await this.metrics();
    const told = (name: string, before: number | undefined): number | undefined => {
      const found = new RegExp(`^${name} (\\S+)$`, "m").exec(text);
      return found ? Math.max(before ?? 0, 1000 * Number(found[1])) : before;
    };
    this.#seen.block = told("eddy_event_loop_block_seconds", this.#seen.block);
    this.#seen.own = told("eddy_event_loop_own_block_seconds", this.#seen.own);
  }

  async metrics(): Promise<string> {
    try {
      const answer = await fetch(`${this.#url}/metrics`, {
        headers: this.authorisation,
        signal: AbortSignal.timeout(HEALTH_MILLISECONDS),
      });
      return await answer.text();
    } catch {
      return "";
    }
  }

  get authorisation(): Record<string, string> {
    return this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
  }

  /** An authorised request; undefined when there was no answer in time. */
  async ask(
    path: string,
    body?: string | Uint8Array,
    type = "application/x-ndjson",
  ): Promise<{ status: number; text: string } | undefined> {
    try {
      const answer = await fetch(this.#url + path, {
        ...(body === undefined ? {} : { method: "POST", body: body as Uint8Array<ArrayBuffer> }),
        headers: { ...this.authorisation, ...(body === undefined ? {} : { "content-type": type }) },
        signal: AbortSignal.timeout(ANSWER_MILLISECONDS),
      });
      return { status: answer.status, text: await answer.text() };
    } catch (error) {
      if ((error as Error).name === "TimeoutError") this.#seen.hangs++;
      return undefined;
    }
  }

  /** Bytes as they are, over a connection of their own; what came back, at most until `milliseconds` are over. */
  raw(bytes: string | Uint8Array, milliseconds = 1000): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1");
      let answer = "";
      const timer = setTimeout(() => socket.destroy(), milliseconds);
      socket.setEncoding("latin1");
      socket.on("data", (text) => {
        answer = (answer + text).slice(0, 100_000);
      });
      socket.on("error", () => {});
      socket.on("end", () => socket.destroy());
      socket.once("close", () => {
        clearTimeout(timer);
        resolve(answer);
      });
      socket.write(bytes);
    });
  }

  async #ask(path: string, milliseconds: number): Promise<number> {
    try {
      const answer = await fetch(this.#url + path, { signal: AbortSignal.timeout(milliseconds) });
      await answer.arrayBuffer();
      return answer.status;
    } catch {
      return 0;
    }
  }

  /** Most memory since it was last forgotten; Linux says it, elsewhere it is 0. */
  #memory(): number {
    try {
      const status = readFileSync(`/proc/${this.process}/status`, "utf8");
      return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
    } catch {
      return 0;
    }
  }

  #forgetMemory(): void {
    try {
      writeFileSync(`/proc/${this.process}/clear_refs`, "5");
    } catch {
      // The peak is then that of the whole life.
    }
  }
}
