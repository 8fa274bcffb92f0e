// A real server in a process of its own, killed and started again under way: what a subscriber has seen is the log, each once and in
// order, and what was observed is there, each once.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { connect, type ForecastMessage } from "../../src/client/node.ts";
import { Program } from "../server/process.ts";

/** Processes start slowly on a busy machine. */
const PATIENCE = 300_000;
const KILLS = 2;
const READINGS = 300;
const folder = mkdtempSync(join(tmpdir(), "eddy-client-kill-"));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const config = join(folder, "eddy.config.json");
writeFileSync(config, JSON.stringify({ forecast: { horizon: 2, model: "persistence" } }));

async function serve(port = 0): Promise<{ program: Program; url: string }> {
  const program = Program.eddy(
    "serve",
    "--port",
    String(port),
    "--config",
    config,
    "--db",
    join(folder, "eddy.db"),
  );
  closers.unshift(() => program.stop("SIGKILL"));
  return { program, url: await program.url() };
}

const placesOf = (messages: readonly ForecastMessage[]): string[] =>
  messages.map(
    ({ offset, ordinal, forecast: { series, target } }) => `${offset}.${ordinal} ${series} ${target}`,
  );

test(
  "every forecast exactly once by its place, every reading exactly once, over kills",
  async () => {
    let server = await serve();
    const port = Number(new URL(server.url).port);
    const client = connect(server.url, { longestWait: 200 });
    closers.unshift(() => client.close());
    const seen: ForecastMessage[] = [];
    const gaps: unknown[] = [];
    const reading = (async () => {
      const forecasts = client.forecasts("*", { mode: "stream", gap: (gap) => gaps.push(gap) });
      for await (const message of forecasts) seen.push(message);
    })();
    const statuses: string[] = [];
    let answered = 0;
    // Three targets at each offset, so that a kill may fall between two of them.
    const observing = (async () => {
      const underWay: Promise<unknown>[] = [];
      for (let t = 0; t < READINGS; t++) {
        while (t - answered > 20) await new Promise((resolve) => setTimeout(resolve, 5));
        const time = Date.UTC(2026, 0, 1) + t * 1000;
        const observation = { series: `tank/${t % 2}`, time, values: { a: t, b: -t, c: t % 7 } };
        const answer = client.observe(observation).then(({ status }) => {
          answered++;
          statuses.push(status);
        });
        underWay.push(answer);
      }
      await Promise.all(underWay);
    })();
    for (let kill = 1; kill <= KILLS; kill++) {
      while (answered < (kill * READINGS) / (KILLS + 1))
        await new Promise((resolve) => setTimeout(resolve, 5));
      await server.program.stop("SIGKILL");
      server = await serve(port);
    }
    await observing;
    expect(statuses).toHaveLength(READINGS);
    expect(statuses.filter((status) => status === "late")).toEqual([]);
    const summary = await client.series();
    expect(summary.map(({ series, observations }) => [series, observations])).toEqual([
      ["tank/0", READINGS / 2],
      ["tank/1", READINGS / 2],
    ]);

    // The log as a reader finds it who comes now.
    const whole: ForecastMessage[] = [];
    const { epoch } = seen[0] as ForecastMessage;
    const last = READINGS;
    for await (const message of client.forecasts("*", { mode: "stream", since: { epoch, offset: 0 } })) {
      whole.push(message);
      if (message.offset === last && message.ordinal === 2) break;
    }
    while (seen.at(-1)?.offset !== last || seen.at(-1)?.ordinal !== 2) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(gaps).toEqual([]);
    const from = whole.findIndex(({ offset }) => offset === seen[0]?.offset);
    expect(placesOf(seen)).toEqual(placesOf(whole.slice(from)));
    expect(seen).toEqual(whole.slice(from));
    expect(seen.length).toBeGreaterThan(3 * (READINGS - 20));
    client.close();
    await reading;
  },
  PATIENCE,
);
