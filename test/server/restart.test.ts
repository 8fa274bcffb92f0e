// Real processes: a server stopped by SIGTERM in mid-stream and started again goes on as if nothing had happened.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Forecast } from "../../src/models/forecast.ts";
import { Client } from "./client.ts";
import { Program } from "./process.ts";

/** Processes start slowly on a busy machine. */
const PATIENCE = 180_000;
const folder = mkdtempSync(join(tmpdir(), "eddy-restart-"));
const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const serve = (database: string): Program => {
  const config = join(folder, "eddy.config.json");
  writeFileSync(config, JSON.stringify({ forecast: { horizon: 6, quantiles: [0.9, 0.1, 0.5] } }));
  const program = Program.eddy("serve", "--port", "0", "--config", config, "--db", join(folder, database));
  programs.push(program);
  return program;
};

/** Readings of two series from `from` to before `to`: waves that a model can learn, with a step in the middle. */
const readings = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => {
    const t = from + i;
    const time = Date.UTC(2024, 0, 1) + t * 60_000;
    const a = { id: `a${t}`, series: "tank/a", time, value: Math.sin(t / 7) + (t > 120 ? 3 : 0) };
    const b = { id: `b${t}`, series: "tank/b", time, values: { x: Math.cos(t / 5), y: t % 11 } };
    return `${JSON.stringify(a)}\n${JSON.stringify(b)}\n`;
  }).join("");

const post = async (url: string, body: string) => {
  const headers = { "content-type": "application/x-ndjson" };
  const response = await fetch(`${url}/v1/observations`, { method: "POST", headers, body });
  expect(response.status).toBe(200);
  return response.json();
};
const forecasts = async (url: string) =>
  Promise.all(
    ["tank%2Fa", "tank%2Fb"].map(async (series) =>
      (await fetch(`${url}/v1/series/${series}/forecast`)).json(),
    ),
  );

test(
  "SIGTERM in mid-stream, start again: nothing lost, the same bits",
  async () => {
    const whole = serve("whole.db");
    const broken = serve("broken.db");
    const [wholeUrl, brokenUrl] = [await whole.url(), await broken.url()];
    await post(wholeUrl, readings(0, 250));

    await post(brokenUrl, readings(0, 100));
    const subscriber = await Client.ready(brokenUrl);
    subscriber.send({ type: "subscribe", id: "s", pattern: "tank/*", mode: "stream" });
    // In mid-stream: observations come one after the other while the signal is sent.
    let sent = 100;
    const acknowledged = new Set<unknown>();
    subscriber.ws.on("message", (data) => {
      const { type, id } = JSON.parse(String(data));
      if (type === "ack") acknowledged.add(id);
    });
    const sending = setInterval(() => {
      for (const line of readings(sent, sent + 1)
        .trim()
        .split("\n")) {
        subscriber.send({ type: "observe", ...JSON.parse(line) });
      }
      if (++sent === 200) clearInterval(sending);
    }, 2);
    await subscriber.until((frames) => frames.filter(({ type }) => type === "data").length > 60);
    expect(await broken.stop()).toBe(0);
    clearInterval(sending);
    expect(await subscriber.closed).toMatchObject({ code: 1001 });
    expect(subscriber.of("draining")).toHaveLength(1);
    const lastOffset = Math.max(...subscriber.of("data").map(({ offset }) => Number(offset)));
    const { epoch } = subscriber.of("subscribed")[0];

    const again = serve("broken.db");
    const againUrl = await again.url();
    // Whatever was acknowledged is there; the client sends again what was not, with the same ids.
    const unanswered = readings(100, sent)
      .trim()
      .split("\n")
      .filter((line) => !acknowledged.has(JSON.parse(line).id));
    if (unanswered.length > 0) await post(againUrl, unanswered.join("\n"));
    const repeated = await post(againUrl, readings(100, sent));
    expect(repeated).toEqual({ accepted: 0, duplicate: 2 * (sent - 100), late: 0, refused: [] });
    const resumed = await Client.ready(againUrl);
    resumed.send({
      type: "subscribe",
      id: "s",
      pattern: "tank/*",
      mode: "stream",
      since: { epoch, offset: lastOffset },
    });
    await post(againUrl, readings(sent, 250));
    await resumed.until((frames) => Number(frames.at(-1)?.offset) === 500);
    expect(resumed.of("subscribed")[0]).toMatchObject({ epoch, recovered: true });

    const whatComes = (await forecasts(againUrl)) as Forecast[][];
    expect(whatComes).toEqual(await forecasts(wholeUrl));
    for (const { horizon } of whatComes.flat()) {
      for (const { quantiles } of horizon)
        expect(Object.keys(quantiles ?? {})).toEqual(["0.1", "0.5", "0.9"]);
    }
    const frames = resumed.of("data").map(({ forecast }) => forecast);
    for (const forecast of whatComes.flat()) expect(frames).toContainEqual(forecast);
    // Every position once, over both connections, with no hole.
    const offsets = [...subscriber.of("data"), ...resumed.of("data")].map(({ offset }) => Number(offset));
    const unique = [...new Set(offsets)];
    expect(unique).toEqual(Array.from({ length: unique.length }, (_, i) => unique[0] + i));
    expect(unique.at(-1)).toBe(500);
    resumed.close();
    expect(await again.stop("SIGINT")).toBe(0);
    expect(await whole.stop()).toBe(0);
  },
  PATIENCE,
);
