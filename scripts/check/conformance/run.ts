import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { type Engine, openEngine } from "../../../src/server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../../../src/server/server.ts";
import { CASES, type Case, type OwnServer, type World } from "./cases.ts";
import { Peer, Seen, type Validator } from "./peer.ts";

export const SUBPROTOCOLS = ["eddy.v1.json", "eddy.v1.arrow"] as const;

/** What became of one case under one subprotocol. */
export interface Result {
  readonly name: string;
  readonly protocol: string;
  readonly outcome: "holds" | "fails" | "not run";
  readonly message: string;
}

/** A validator of a published schema. */
export function validatorOf(schema: object): Validator {
  const ajv = new Ajv2020({ allErrors: false, strict: true, strictRequired: false, allowUnionTypes: true });
  (formats as unknown as (ajv: Ajv2020) => void)(ajv);
  ajv.addSchema(schema);
  const { $id } = schema as { $id: string };
  const compiled = (name: string) => {
    const validate = ajv.getSchema(`${$id}#/$defs/${name}`);
    if (validate === undefined) throw new Error(`the schema has no ${name}`);
    return (message: unknown): string | undefined =>
      validate(message) ? undefined : ajv.errorsText(validate.errors);
  };
  return { client: compiled("ClientMessage"), server: compiled("ServerMessage") };
}

/** The schema in the documentation of this checkout. */
export const documented = (): object => JSON.parse(readFileSync("docs/protocol.schema.json", "utf8"));

export interface ConformanceOptions {
  /** A server that runs already; without it one of one's own is started, and everything can be tried. */
  readonly url?: string;
  readonly token?: string;
  readonly seed: string;
  readonly cases?: readonly Case[];
  readonly protocols?: readonly string[];
  readonly onResult?: (result: Result) => void;
}

/** Runs every case under both subprotocols. */
export async function conformance(
  options: ConformanceOptions,
): Promise<{ readonly results: readonly Result[]; readonly seen: Seen }> {
  const { seed, token, cases = CASES, protocols = SUBPROTOCOLS, onResult = () => {} } = options;
  const local = options.url === undefined ? await Local.start() : undefined;
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const seen = new Seen();
  const results: Result[] = [];
  try {
    const url = () => local?.url ?? options.url ?? "";
    const answer = await fetch(`${url()}/v1/schema`, { headers });
    if (!answer.ok) throw new Error(`GET /v1/schema: ${answer.status} ${await answer.text()}`);
    const validator = validatorOf((await answer.json()) as object);
    let number = 0;
    for (const protocol of protocols) {
      for (const one of cases) {
        number++;
        const add = (outcome: Result["outcome"], message = ""): void => {
          const result = { name: one.name, protocol, outcome, message };
          results.push(result);
          onResult(result);
        };
        if (one.only !== undefined && one.only !== protocol) continue;
        if (one.own && local === undefined) {
          add("not run", "needs a server of its own");
          continue;
        }
        const peers: Peer[] = [];
        const open: World["open"] = async (given = {}) => {
          const peer = new Peer({
            url: given.url ?? url(),
            protocols: given.protocols ?? [protocol],
            headers: given.headers ?? {},
            validator,
            seen,
          });
          peers.push(peer);
          await peer.opened();
          return peer;
        };
        const world: World = {
          protocol,
          token,
          prefix: `conformance-${seed}-${number}/`,
          own: local,
          open,
          async ready(at) {
            const peer = await open(at === undefined ? {} : { url: at });
            peer.send({ type: "init", ...(token === undefined ? {} : { token }) });
            await peer.until("ready", () => peer.of("ready").length > 0);
            return peer;
          },
          async ask(method, path, body) {
            const answer = await fetch(`${url()}${path}`, {
              method,
              headers: { ...headers, ...(body === undefined ? {} : { "content-type": "application/json" }) },
              ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            });
            const text = await answer.text();
            if (!answer.ok || answer.status === 207)
              throw new Error(`${method} ${path}: ${answer.status} ${text}`);
          },
          post: (observations) => world.ask("POST", "/v1/observations", observations),
        };
        try {
          await one.run(world);
          const wrong = peers.flatMap((peer) => peer.wrong);
          if (wrong.length > 0) add("fails", `not by the schema: ${wrong[0]}`);
          else add("holds");
        } catch (error) {
          add("fails", (error as Error).message.split("\n").slice(0, 12).join(" "));
        } finally {
          for (const peer of peers) peer.ws.terminate();
          await local?.closeOthers();
        }
      }
    }
  } finally {
    await local?.close();
  }
  return { results, seen };
}

/** A server in this process, and others beside it that a case asks for. */
class Local implements OwnServer {
  readonly wide = "wide-";
  readonly #folder = mkdtempSync(join(tmpdir(), "eddy-conformance-"));
  readonly #others: Server[] = [];
  #number = 0;
  #engine!: Engine;
  #server!: Server;

  static async start(): Promise<Local> {
    const local = new Local();
    await local.#open();
    return local;
  }

  get url(): string {
    return this.#server.url;
  }

  async #open(port = 0): Promise<void> {
    this.#engine = await this.#engineAt("main.db");
    this.#server = await startServer({
      engine: this.#engine,
      port,
      socket: { highWaterBytes: 1 << 16, closeMs: 60_000, limits: { queue: 64 } },
    });
    await this.#server.ready;
  }

  #engineAt(name: string): Promise<Engine> {
    return openEngine({
      database: join(this.#folder, name),
      durability: "process",
      series: (series) => ({
        model: "persistence",
        horizon: series.startsWith(this.wide) ? 512 : 3,
        // A reading long before the others is late.
        lateness: 0,
      }),
    });
  }

  async restart(): Promise<void> {
    const { port } = this.#server;
    await this.#server.close();
    await this.#open(port);
  }

  async trim(): Promise<void> {
    // Nothing is left in memory of what is no longer kept.
    await this.restart();
    const issuedAfter = this.#engine.issuedAfter.bind(this.#engine);
    const { offset } = this.#engine;
    this.#engine.issuedAfter = (place, limit) => (place.position < offset ? null : issuedAfter(place, limit));
  }

  break(): () => void {
    const { names } = this.#engine;
    this.#engine.names = () => {
      throw new Error("broken on purpose");
    };
    return () => {
      this.#engine.names = names;
    };
  }

  async another(limits: object, options: Partial<ServerOptions> = {}): Promise<string> {
    const server = await startServer({
      engine: await this.#engineAt(`other-${++this.#number}.db`),
      ...options,
      socket: { ...options.socket, limits },
    });
    await server.ready;
    this.#others.push(server);
    return server.url;
  }

  async closeOthers(): Promise<void> {
    for (const server of this.#others.splice(0)) await server.close();
  }

  async close(): Promise<void> {
    await this.closeOthers();
    await this.#server.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
