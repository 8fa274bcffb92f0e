// The client in a real browser: a page of ten lines, from another origin, against a real server.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../../src/server/server.ts";

const CHROMIUM = "/usr/bin/chromium";
const missing = existsSync(CHROMIUM) ? "" : ` (skipped: no ${CHROMIUM}; .ci/run installs it)`;

/** The page of ten lines of docs/client.md. */
const PAGE = (server: string): string => {
  const [, page = ""] = /^```html\n([\s\S]*?)^```/m.exec(readFileSync("docs/client.md", "utf8")) ?? [];
  expect(page.trim().split("\n")).toHaveLength(10);
  return page.replaceAll("http://127.0.0.1:8787", server);
};

describe.skipIf(missing !== "")(`the client in a browser${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-client-"));
  let browser: Browser;
  let origin = "";
  let body = "";
  const pages = createServer((_request, response) => {
    response.setHeader("content-type", "text/html").end(body);
  });
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
      ],
    });
    await new Promise<void>((resolve) => pages.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  afterAll(async () => {
    await browser?.close();
    pages.closeAllConnections();
    pages.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (options: Partial<ServerOptions> = {}): Promise<Server> => {
    const engine = openEngine({
      database: join(folder, "eddy.db"),
      series: { model: "persistence", horizon: 2 },
    });
    const server = await startServer({
      engine,
      origins: [origin],
      socket: { reconnectAfterMs: 50 },
      ...options,
    });
    await server.ready;
    closers.unshift(() => server.close());
    return server;
  };
  const visit = async (html: string): Promise<{ page: Page; complaints: string[] }> => {
    body = html;
    const page = await browser.newPage();
    closers.unshift(() => page.close());
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(origin);
    return { page, complaints };
  };
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 25));
  };
  const observe = async (server: Server, t: number) =>
    (await server.intake).ingest([{ series: "boiler", time: t * 1000, values: { value: t } }]);

  test("ten lines show forecasts as they are made, and go on after the server was away", async () => {
    const first = await start({ port: 0 });
    await observe(first, 1);
    const { page, complaints } = await visit(PAGE(first.url));
    const next = () => page.textContent("#next");
    const status = () => page.textContent("#status");
    await until(async () => (await status()) === "live");
    await observe(first, 2);
    await observe(first, 3);
    await until(async () => (await next()) === "3");
    await first.close();
    await until(async () => ((await status()) ?? "").includes("trying again in"));
    const second = await start({ port: first.port });
    for (let t = 4; t <= 6; t++) await observe(second, t);
    await until(async () => (await next()) === "6");
    expect(complaints.filter((text) => !text.includes("ERR_CONNECTION_REFUSED"))).toEqual([]);
  });

  test("readings are sent from a page, and one that is wrong is refused with its reason", async () => {
    const server = await start();
    const { page } = await visit(`<!doctype html><output id="o"></output><script type="module">
      import { connect } from "${server.url}/client.js";
      const client = connect("${server.url}");
      const told = [];
      told.push((await client.observe({ series: "boiler", value: 71.3 })).status);
      await client.observe({ series: "", value: 1 }).catch(({ code }) => told.push(code));
      await client.observe({ series: "boiler", value: NaN }).catch(({ code }) => told.push(code));
      client.close();
      told.push(client.status.state);
      document.querySelector("#o").textContent = told.join(" ");
    </script>`);
    await until(async () => (await page.textContent("#o")) !== "");
    expect(await page.textContent("#o")).toBe("accepted bad-observation bad-observation ended");
  });

  test("a page from elsewhere gets neither the client nor a connection", async () => {
    const server = await start({ origins: [] });
    const { page, complaints } = await visit(PAGE(server.url));
    await until(async () => complaints.length > 0);
    expect(await page.textContent("#status")).toBe("");
    expect((await fetch(`${server.url}/client.js`, { headers: { origin } })).status).toBe(403);
  });
});
