// Many series of a real Prometheus through remote-write into a real server:
//   node --import tsx scripts/bench/prometheus.ts [--series 10000] [--every 15] [--minutes 5]
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Program } from "../../test/server/process.ts";
import { freePort } from "../../test/server/sources/mosquitto.ts";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "10000" },
    every: { type: "string", default: "15" },
    minutes: { type: "string", default: "5" },
    model: { type: "string", default: "persistence" },
  },
});
const count = Number(values.series);
const folder = mkdtempSync(join(tmpdir(), "eddy-prometheus-"));
let scrapes = 0;
const target = createServer((_, response) => {
  scrapes++;
  response.setHeader("content-type", "text/plain; version=0.0.4");
  let text = "# TYPE load gauge\n";
  for (let n = 0; n < count; n++) text += `load{n="${n}"} ${Math.sin(scrapes / 20 + n).toFixed(4)}\n`;
  response.end(text);
});
await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
const { port } = target.address() as { port: number };
writeFileSync(
  join(folder, "eddy.config.json"),
  JSON.stringify({
    port: 0,
    database: join(folder, "eddy.db"),
    forecast: { model: values.model, horizon: 1 },
    storage: { newSeriesPerSecond: 1000 },
  }),
);
const server = Program.eddy("serve", "--config", join(folder, "eddy.config.json"));
const url = await server.url();
writeFileSync(
  join(folder, "prometheus.yml"),
  `global: { scrape_interval: ${values.every}s }
scrape_configs: [{ job_name: bench, static_configs: [{ targets: ["127.0.0.1:${port}"] }] }]
remote_write: [{ url: "${url}/api/v1/write" }]
`,
);
const prometheus = spawn(
  "prometheus",
  [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${join(folder, "data")}`,
    `--web.listen-address=127.0.0.1:${await freePort()}`,
  ],
  { stdio: ["ignore", "ignore", "pipe"] },
);
let complaints = "";
prometheus.stderr?.setEncoding("utf8").on("data", (text: string) => {
  for (const line of text.split("\n")) if (/level=(warn|error)/.test(line)) complaints = line;
});
const began = performance.now();
const metric = (text: string, name: string): number =>
  Number(new RegExp(`^${name} (.*)$`, "m").exec(text)?.[1]);
for (let minute = 0; minute < 4 * Number(values.minutes); minute++) {
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const text = await (await fetch(`${url}/metrics`)).text();
  const sources = (await (await fetch(`${url}/v1/sources`)).json()) as Record<string, unknown>[];
  console.log(
    JSON.stringify({
      seconds: Math.round((performance.now() - began) / 1000),
      scrapes,
      series: metric(text, "eddy_series"),
      taken: metric(text, "eddy_observations_total"),
      megabytes: Math.round(metric(text, "process_resident_memory_bytes") / 2 ** 20),
      processorSeconds: Math.round(metric(text, "process_cpu_seconds_total")),
      longestPause: metric(text, "eddy_event_loop_block_seconds"),
      refused: sources[0]?.refused,
      complaints,
    }),
  );
  complaints = "";
}
prometheus.kill("SIGTERM");
await server.stop();
target.close();
rmSync(folder, { recursive: true, force: true });
