// scripts/subscribe.ts in a process of its own, against a real server.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { startServer } from "../../src/server/server.ts";
import { Program } from "./process.ts";

/** Processes start slowly on a busy machine. */
const PATIENCE = 180_000;
const folder = mkdtempSync(join(tmpdir(), "eddy-subscribe-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(
  "a pattern brings two series live, and goes on after the server was away",
  async () => {
    const database = join(folder, "eddy.db");
    const open = (port: number) =>
      startServer({
        port,
        engine: openEngine({ database, series: { horizon: 2, model: "persistence" } }),
        socket: { reconnectAfterMs: 50 },
      });
    let server = await open(0);
    const { port, url } = server;
    const program = new Program(["scripts/subscribe.ts", url, "mote-?/air"]);
    const forecasts = () =>
      program.stdout
        .split("\n")
        .filter((line) => line.endsWith("}"))
        .map((line) => JSON.parse(line));
    const observe = async (t: number) => {
      const series = ["mote-1/air", "mote-2/air", "mote-1/soil"];
      const batch = series.map((name, i) => ({
        series: name,
        time: t * 1000,
        values: { value: t + 10 * i },
      }));
      await (await server.intake).ingest(batch);
    };
    const subscriptions = async () =>
      /eddy_socket_subscriptions (\d+)/.exec(await (await fetch(`${url}/metrics`)).text())?.[1];
    await server.ready;
    while ((await subscriptions()) !== "1") await new Promise((resolve) => setTimeout(resolve, 20));
    for (let t = 1; t <= 3; t++) await observe(t);
    await program.until(() => forecasts().length >= 4);
    expect(forecasts().map(({ series, horizon }) => [series, horizon[0].mean])).toEqual([
      ["mote-1/air", 2],
      ["mote-2/air", 12],
      ["mote-1/air", 3],
      ["mote-2/air", 13],
    ]);
    await server.close();
    await program.until(({ stderr }) => stderr.includes("closed: 1001"));
    server = await open(port);
    await server.ready;
    // Before the subscriber is back: it is sent what it missed.
    await observe(4);
    await program.until(() => forecasts().length >= 6);
    expect(forecasts().at(-1)).toMatchObject({
      series: "mote-2/air",
      target: "value",
      level: 0.9,
      coverage: 1,
    });
    expect(await program.stop()).toBe("SIGTERM");
    await server.close();
  },
  PATIENCE,
);
