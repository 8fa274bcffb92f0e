// A page of ten lines with a browser's own EventSource, in a real browser, against a real server.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { expect, test } from "vitest";
import { type Engine, openEngine } from "../../src/server/engine.ts";
import { type Server, startServer } from "../../src/server/server.ts";

const CHROMIUM = "/usr/bin/chromium";
const missing = existsSync(CHROMIUM) ? "" : ` (skipped: no ${CHROMIUM}; .ci/run installs it)`;
const PAGE = `
  window.places = [];
  window.opened = 0;
  window.told = [];
  const source = new EventSource("/v1/stream?series=tank&mode=stream");
  source.onopen = () => window.opened++;
  source.onmessage = ({ data, lastEventId }) => {
    const { offset, ordinal, forecast } = JSON.parse(data);
    window.places.push(offset + "." + ordinal + " " + forecast.target + " " + lastEventId.split(":").slice(1).join("."));
  };
  for (const name of ["subscribed", "gap", "draining", "failure"]) source.addEventListener(name, () => window.told.push(name));
`;

test.skipIf(missing !== "")(`EventSource goes on after the server was away${missing}`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-events-"));
  const database = join(folder, "eddy.db");
  let engine: Engine;
  let server: Server | undefined;
  let browser: Browser | undefined;
  /** It listens, and says that it is starting, until `recovered`. */
  const start = async (port = 0, recovered: Promise<unknown> = Promise.resolve()): Promise<Server> => {
    const opening = recovered.then(() =>
      openEngine({
        database,
        series: { model: "persistence", horizon: 3 },
        ahead: Number.POSITIVE_INFINITY,
      }),
    );
    server = await startServer({ engine: opening, port, socket: { reconnectAfterMs: 50 } });
    engine = await opening;
    await server.ready;
    return server;
  };
  const observe = (n: number) =>
    engine.ingest([{ series: "tank", time: 1_700_000_000_000 + n * 1000, values: { level: n, inflow: -n } }]);
  try {
    const { url, port } = await start();
    await observe(0);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
    const page = await browser.newPage({ bypassCSP: true });
    await page.goto(url);
    await page.evaluate(PAGE);
    await page.waitForFunction("window.told.length === 1");
    for (let n = 1; n < 4; n++) await observe(n);
    await page.waitForFunction("window.places.length === 6");
    await server?.close();
    // It comes back while the server still recovers, too.
    await start(port, page.waitForFunction("window.told.includes('failure')"));
    // Some while nobody listens, if the browser has not come back yet.
    for (let n = 4; n < 8; n++) await observe(n);
    await page.waitForFunction("window.places.length >= 14");
    await page.waitForFunction("window.opened >= 2");
    const places = await page.evaluate("window.places");
    const all = [2, 3, 4, 5, 6, 7, 8].flatMap((offset) => [
      `${offset}.0 inflow ${offset}.0`,
      `${offset}.1 level ${offset}.1`,
    ]);
    expect(places).toEqual(all);
    expect(await page.evaluate("window.told")).not.toContain("gap");
  } finally {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
