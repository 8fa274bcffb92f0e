import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { words } from "../../src/models/forecast.ts";
import { DatabaseReader } from "../../src/storage/sqlite/reader.ts";
import { randomFrom, shopLog } from "../streams/logs/lines.ts";

/** What is compared: the names of the series hold the numbers and patterns of templates. */
interface LogKillReport {
  readonly rounds: number;
  readonly lines: number;
  readonly series: number;
  readonly forecasts: number;
  readonly missingOrTwice: number;
  readonly statesDifferent: number;
  readonly forecastsDifferent: number;
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A server that follows a log: `url` once it answers. */
function serve(folder: string, log: string) {
  const config = join(folder, "eddy.config.json");
  const source = { name: "shop", kind: "file", options: { path: log, count: "5s", every: "20ms" } };
  writeFileSync(config, JSON.stringify({ forecast: { horizon: 3, model: "lstm" }, sources: [source] }));
  const typed = ["serve", "--config", config, "--db", join(folder, "eddy.db"), "--port", "0"];
  const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", ...typed], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  const url = new Promise<string>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      out += chunk;
      const found = /http:\/\/[\w.:[\]]+/.exec(out);
      if (found !== null) resolve(found[0].replace(/\/$/, ""));
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.once("exit", () => reject(new Error(out)));
  });
  url.catch(() => {});
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return { url, ended, kill: (signal: NodeJS.Signals) => child.kill(signal) };
}

/** Readings that the server has taken of its source so far. */
async function taken(url: string): Promise<number> {
  const sources = (await (await fetch(`${url}/v1/sources`)).json()) as { taken: number }[];
  return sources[0].taken;
}

/** Waits until nothing more is read, then ends the server well. */
async function finish(server: ReturnType<typeof serve>): Promise<void> {
  const url = await server.url;
  for (let still = 0, before = -1; still < 8; ) {
    const now = await taken(url);
    still = now === before ? still + 1 : 0;
    before = now;
    await pause(100);
  }
  server.kill("SIGTERM");
  await server.ended;
}

function read(folder: string) {
  const reader = new DatabaseReader(join(folder, "eddy.db"));
  const series = reader.series();
  const states = new Map(
    series.map(({ id, name }) => [name, Buffer.from(reader.checkpoint(id)?.state ?? []).toString("base64")]),
  );
  const forecasts = [...reader.issues(series)].flatMap(({ issue }) =>
    words(issue).map((forecast) => JSON.stringify(forecast)),
  );
  reader.close();
  return { states, forecasts };
}

/** Kills a server that follows a growing log `rounds` times at random moments, and compares it with one that was never killed. */
export async function logKillTest(rounds: number, seed: number, lines: number): Promise<LogKillReport> {
  const root = mkdtempSync(join(tmpdir(), "eddy-log-kill-"));
  try {
    const text = shopLog(lines, seed);
    const random = randomFrom(seed);
    const [quietFolder, killedFolder] = ["quiet", "killed"].map((name) => mkdtempSync(join(root, name)));
    const quiet = join(quietFolder, "shop.log");
    writeFileSync(quiet, `${text.join("\n")}\n`);
    await finish(serve(quietFolder, quiet));
    const log = join(killedFolder, "shop.log");
    writeFileSync(log, "");
    let written = 0;
    const write = (upTo: number) => {
      if (upTo > written) appendFileSync(log, `${text.slice(written, upTo).join("\n")}\n`);
      written = Math.max(written, upTo);
    };
    // A file that is rotated before anything of it was taken is known to nobody.
    const first = serve(killedFolder, log);
    write(Math.min(100, lines >> 1));
    while ((await taken(await first.url)) === 0) await pause(50);
    first.kill("SIGKILL");
    await first.ended;
    for (let round = 0; round < rounds; round++) {
      const server = serve(killedFolder, log);
      await server.url;
      const end = Math.round((lines * (round + 1)) / (rounds + 1));
      // The log grows while it is read, and the server dies somewhere among it.
      const steps = 4;
      const dieAt = Math.floor(random() * steps);
      for (let step = 0; step < steps; step++) {
        write(written + Math.ceil((end - written) / (steps - step)));
        await pause(10 + 60 * random());
        if (step === dieAt) server.kill("SIGKILL");
      }
      await server.ended;
      if (round % 10 === 5) {
        renameSync(log, `${log}.${round}`);
        writeFileSync(log, "");
      }
    }
    write(lines);
    await finish(serve(killedFolder, log));
    return compare(rounds, lines, read(quietFolder), read(killedFolder));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function compare(
  rounds: number,
  lines: number,
  quiet: ReturnType<typeof read>,
  killed: ReturnType<typeof read>,
): LogKillReport {
  const differing = [...quiet.states].filter(([name, state]) => killed.states.get(name) !== state).length;
  const most = Math.max(quiet.forecasts.length, killed.forecasts.length);
  let forecastsDifferent = 0;
  for (let i = 0; i < most; i++) if (quiet.forecasts[i] !== killed.forecasts[i]) forecastsDifferent++;
  return {
    rounds,
    lines,
    series: quiet.states.size,
    forecasts: quiet.forecasts.length,
    missingOrTwice: Math.abs(quiet.forecasts.length - killed.forecasts.length),
    statesDifferent: differing + Math.abs(quiet.states.size - killed.states.size),
    forecastsDifferent,
  };
}
