// Thousands of subscribers dropped at once come back: each sees every forecast exactly once, and how long it takes until all have
// caught up. The server, a process of its own, is killed (SIGKILL) and started again on its database while readings go on.
// The clients are those of `eddy/client`, all in this process: near a whole processor, it is they who are waited for.
//   npm run build && node --import tsx scripts/bench/drop.ts [--clients 2000] [--rate 5] [--seconds 10] [--targets 2]
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Client, connect } from "../../src/client/node.ts";
import { processor } from "./process.ts";

const { values: flags } = parseArgs({
  options: {
    clients: { type: "string", default: "2000" },
    rate: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
    targets: { type: "string", default: "2" },
  },
});
const CLIENTS = Number(flags.clients);
const RATE = Number(flags.rate);
const SECONDS = Number(flags.seconds);
const TARGETS = Number(flags.targets);

const folder = mkdtempSync(join(tmpdir(), "eddy-drop-"));
const config = join(folder, "eddy.config.json");
writeFileSync(config, JSON.stringify({ forecast: { horizon: 6, model: "persistence" } }));

async function serve(port: number): Promise<{ child: ChildProcess; url: string }> {
  const typed = ["serve", "--port", `${port}`, "--config", config, "--db", join(folder, "eddy.db")];
  const child = spawn(process.execPath, ["dist/cli/main.js", ...typed], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout?.on("data", (chunk) => {
      text += chunk;
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
      if (found !== null) resolve(found[0]);
    });
    child.once("exit", (code) => reject(new Error(`the server ended: ${code}`)));
  });
  return { child, url };
}
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const seconds = (from: number): string => ((performance.now() - from) / 1000).toFixed(1);

let server = await serve(0);
const port = Number(new URL(server.url).port);
const source = connect(server.url);
const values = (t: number) =>
  Object.fromEntries(Array.from({ length: TARGETS }, (_, d) => [`x${d}`, t % (50 + d)]));
let sent = 0;
let kept = 0;
const observe = (): void => {
  const t = sent++;
  const observation = { series: `s/${t % 5}`, time: Date.UTC(2026, 0, 1) + t * 1000, values: values(t) };
  source.observe(observation).then(
    () => kept++,
    (error) => console.error(error.message),
  );
};
for (let i = 0; i < 10; i++) observe();
while (kept < 10) await sleep(10);

// Of each client: how many it has seen, the last place, and what was not in its place.
const clients: Client[] = [];
const last = Array.from({ length: CLIENTS }, () => ({ offset: 10, ordinal: TARGETS - 1 }));
let seen = 0;
let wrong = 0;
let gaps = 0;
const opened = performance.now();
for (const place of last) {
  const client = connect(server.url);
  clients.push(client);
  client
    .forecasts("*", { mode: "stream", gap: () => gaps++ })
    .subscribe(({ offset, ordinal, forecast: { target } }) => {
      seen++;
      const next =
        place.ordinal === TARGETS - 1
          ? { offset: place.offset + 1, ordinal: 0 }
          : { offset: place.offset, ordinal: place.ordinal + 1 };
      if (offset !== next.offset || ordinal !== next.ordinal || target !== `x${ordinal}`) wrong++;
      place.offset = offset;
      place.ordinal = ordinal;
    });
}
const subscribed = async (): Promise<number> =>
  Number(/eddy_socket_subscriptions (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1]);
while ((await subscribed()) < CLIENTS) await sleep(100);
console.log(`${CLIENTS} subscribers in ${seconds(opened)} s`);

const started = performance.now();
const timer = setInterval(() => {
  while (sent - 10 < ((performance.now() - started) / 1000) * RATE) observe();
}, 20);
await sleep((SECONDS * 1000) / 2);
server.child.removeAllListeners("exit");
server.child.kill("SIGKILL");
const killed = performance.now();
await new Promise((resolve) => server.child.once("close", resolve));
server = await serve(port);
const listening = performance.now();
console.log(`killed; listens again after ${seconds(killed)} s`);
// Everything that had been sent when the server listened again has reached everyone.
const behind = (offset: number): number => last.filter((place) => place.offset < offset).length;
const owed = sent;
const [ours, theirs] = [processor(process.pid), processor(server.child.pid)];
while (kept < owed || behind(owed) > 0) await sleep(20);
console.log(`all caught up ${seconds(listening)} s after that, ${seconds(killed)} s after the kill`);
const elapsed = (performance.now() - listening) / 1000;
console.log(
  `processor meanwhile: clients ${((processor(process.pid) - ours) / elapsed).toFixed(2)}, server ${((processor(server.child.pid) - theirs) / elapsed).toFixed(2)}`,
);
await sleep((SECONDS * 1000) / 2);
clearInterval(timer);
while (kept < sent) await sleep(20);
const end = performance.now();
while (behind(sent) > 0 && performance.now() - end < 30_000) await sleep(20);
const whole = CLIENTS * (sent - 10) * TARGETS;
console.log(
  `${sent} readings, ${seen} of ${whole} forecasts received; out of place or twice ${wrong}, gaps ${gaps}, clients that lack some ${behind(sent)}`,
);
console.log(`memory of this process: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`);
for (const client of [source, ...clients]) client.close();
server.child.removeAllListeners("exit");
server.child.kill("SIGTERM");
await new Promise((resolve) => server.child.once("close", resolve));
rmSync(folder, { recursive: true, force: true });
process.exit(wrong === 0 && gaps === 0 && seen === whole ? 0 : 1);
