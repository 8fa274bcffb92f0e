// The server of the kill test: the real engine and HTTP server, composed as `eddy serve` does, with checkpoints every
// few moments and, when asked, death by SIGKILL at the n-th passing of a named point inside a commit or a checkpoint.
import { openEngine } from "../../src/server/engine.ts";
import { startServer } from "../../src/server/server.ts";
import { RULES, seriesOptions } from "./observations.ts";
import { PIPELINES } from "./pipelines.ts";

const { KILL_DB, KILL_AT, KILL_PORT } = process.env;
const [point, passing] = (KILL_AT ?? "").split("@");
let passed = 0;

const engine = openEngine({
  database: KILL_DB!,
  series: seriesOptions,
  pipelines: PIPELINES,
  alerts: { rules: RULES, receivers: ["ops"] },
  checkpointEvery: 40,
  memoryBytes: 400_000,
  retention: { journalRows: 300 },
  failpoint(name) {
    if (name === point && ++passed === Number(passing)) process.kill(process.pid, "SIGKILL");
  },
});
const server = await startServer({ engine, port: Number(KILL_PORT ?? 0) });
await server.ready;
process.stdout.write(`${server.url}\n`);
process.on("SIGTERM", () => {
  server.close().then(() => process.exit(0));
});
