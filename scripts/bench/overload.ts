// Readings taken a second by a real server, by how many clients send at once and try again as soon as they are told `busy`:
// node --import tsx scripts/bench/overload.ts [--model auto] [--rows 100] [--seconds 6]
// On a busy machine readings a second tell of the machine; those a second of the server's own processor time tell of the server.
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Target } from "../hostile/target.ts";

const { values } = parseArgs({
  options: {
    model: { type: "string", default: "persistence" },
    rows: { type: "string", default: "100" },
    seconds: { type: "string", default: "6" },
  },
});
const rows = Number(values.rows);
const SERIES = 50;
/** Clients that a server has enough to do with. */
const ENOUGH = 10;

const folder = mkdtempSync(join(tmpdir(), "eddy-overload-"));
const target = new Target({
  command: ["dist/cli/main.js"],
  database: join(folder, "overload.db"),
  configuration: { forecast: { model: values.model, horizon: 4 } },
});
await target.start();

/** Accepted readings and the status of an answer. */
function post(agent: Agent, body: string): Promise<{ status: number; accepted: number }> {
  return new Promise((resolve) => {
    const sent = request(
      `${target.url}/v1/observations`,
      {
        method: "POST",
        agent,
        headers: { "content-type": "application/x-ndjson", "content-length": Buffer.byteLength(body) },
      },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part) => {
          text += part;
        });
        answer.on("end", () =>
          resolve({
            status: answer.statusCode ?? 0,
            accepted: Number(/"accepted":(\d+)/.exec(text)?.[1] ?? 0),
          }),
        );
      },
    );
    sent.on("error", () => resolve({ status: 0, accepted: 0 }));
    sent.end(body);
  });
}

let next = 0;
const body = (): string =>
  Array.from(
    { length: rows },
    () => `{"series":"load-${next % SERIES}","time":${++next * 1000},"value":${next % 97}}\n`,
  ).join("");

const processorSeconds = async (): Promise<number> =>
  Number(/^process_cpu_seconds_total (\S+)/m.exec(await target.metrics())?.[1]);

interface Load {
  /** Readings accepted a second, and a second of processor time of the server. */
  readonly goodput: number;
  readonly perProcessor: number;
  readonly busy: number;
  readonly failed: number;
}

async function load(clients: number): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  let accepted = 0;
  let busy = 0;
  let failed = 0;
  const before = await processorSeconds();
  const started = performance.now();
  const until = started + 1000 * Number(values.seconds);
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < until) {
        const answer = await post(agent, body());
        accepted += answer.accepted;
        if (answer.status === 429) busy++;
        else if (answer.status !== 200 && answer.status !== 207) failed++;
      }
    }),
  );
  agent.destroy();
  return {
    goodput: (1000 * accepted) / (performance.now() - started),
    perProcessor: accepted / ((await processorSeconds()) - before),
    busy,
    failed,
  };
}

await load(ENOUGH);
const loads = [1, 2, 10];
const results: Load[] = [];
for (const factor of loads) {
  const seen = await target.watch(async () => void results.push(await load(factor * ENOUGH)));
  const { goodput, perProcessor, busy, failed } = results.at(-1)!;
  const best = Math.max(...results.map((result) => result.perProcessor));
  console.log(
    `${values.model} ${rows} rows, ${String(factor * ENOUGH).padStart(3)} clients: ${goodput.toFixed(0).padStart(6)} readings/s, ${perProcessor.toFixed(0)} a processor second (${(perProcessor / best).toFixed(2)} of the best), ` +
      `busy ${busy}, failed ${failed}, held ${seen.block?.toFixed(0)} ms (${seen.own?.toFixed(0)} by itself), ` +
      `${seen.memory.toFixed(0)} MiB`,
  );
}
await target.stop("SIGKILL");
rmSync(folder, { recursive: true, force: true });
