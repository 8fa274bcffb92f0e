// The server of the kill test: the real engine, its rules and receivers, to be ended by SIGKILL at any moment.
import { openEngine } from "../../../src/server/engine.ts";
import { startServer } from "../../../src/server/server.ts";

const { SERVER_DB, SERVER_RECEIVERS } = process.env;
const receivers = JSON.parse(SERVER_RECEIVERS!);
const engine = openEngine({
  database: SERVER_DB!,
  series: { model: "persistence", horizon: 1 },
  checkpointEvery: 200,
  alerts: {
    rules: [
      {
        name: "high",
        series: "s/*",
        when: { reading: "above", limit: 50 },
        hold: 1,
        clear: { hold: 1 },
        to: Object.keys(receivers),
      },
    ],
    receivers: Object.keys(receivers),
  },
});
const server = await startServer({ engine, receivers });
await server.ready;
process.stdout.write(`${server.url}\n`);
