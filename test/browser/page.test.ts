// The page in a real browser, against a real server.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { type Server, type ServerOptions, startServer } from "../../src/server/server.ts";

const CHROMIUM = "/usr/bin/chromium";
const missing = existsSync(CHROMIUM) ? "" : ` (skipped: no ${CHROMIUM}; .ci/run installs it)`;
const HOSTILE = '<img src=x onerror="document.title=1">';

describe.skipIf(missing !== "")(`the page${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-page-"));
  let browser: Browser;
  let database = 0;
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
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const start = async (options: Partial<ServerOptions> = {}, name = `${database++}.db`): Promise<Server> => {
    const series = (name: string) => ({
      model: "persistence",
      horizon: 4,
      every: name.startsWith("resampled") ? 5_000 : 0,
    });
    const engine = openEngine({ database: join(folder, name), series });
    const server = await startServer({ engine, socket: { reconnectAfterMs: 100 }, ...options });
    await server.ready;
    closers.unshift(() => server.close());
    return server;
  };
  /** Sends a reading of each series every 50 ms, from `t` on. */
  const feed = async (server: Server, series: readonly string[], from = 1): Promise<() => number> => {
    const intake = await server.intake;
    let t = from;
    const timer = setInterval(() => {
      const batch = series.map((name, i) => ({
        series: name,
        time: t * 1000,
        values: { value: t + 1000 * i },
      }));
      t++;
      intake.ingest(batch).catch(() => clearInterval(timer));
    }, 50);
    closers.unshift(() => clearInterval(timer));
    return () => t;
  };
  const visit = async (url: string): Promise<{ page: Page; complaints: string[] }> => {
    const page = await browser.newPage();
    closers.unshift(() => page.close());
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(url);
    return { page, complaints };
  };
  const live = (page: Page) => page.waitForSelector('#status[data-state="live"]');
  // waitForFunction would need eval in the page, which its policy refuses.
  const until = async (holds: () => Promise<boolean>) => {
    while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 25));
  };
  const cards = (page: Page) => page.locator(".card").count();
  const now = async (page: Page) => Number(await page.textContent("#fact-now"));
  /** Pixels of the line of readings in the left half of the chart. */
  const drawn = (page: Page): Promise<number> =>
    page.evaluate(`(() => {
      const canvas = document.getElementById("stage-chart");
      const colour = getComputedStyle(document.documentElement).getPropertyValue("--line").trim();
      const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16));
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width / 2, canvas.height);
      let count = 0;
      for (let i = 0; i < data.length; i += 4) {
        if (data[i] === r && data[i + 1] === g && data[i + 2] === b) count++;
      }
      return count;
    })()`);

  test("live points arrive, the chart moves, nothing complains", async () => {
    const server = await start();
    await feed(server, ["tank/a", "tank/b", HOSTILE]);
    const { page, complaints } = await visit(server.url);
    await live(page);
    await until(async () => (await cards(page)) === 3);
    await page.click(".card >> text=tank/a");
    await until(async () => (await now(page)) > 10);
    const before = await now(page);
    await until(async () => (await now(page)) > before + 5);
    expect(await page.textContent("#stage-name")).toBe("tank/a");
    expect(await page.textContent("#stage-model")).toContain("4 steps ahead");
    await until(async () => (await drawn(page)) > 50);
    expect(await page.title()).toBe("Eddy");
    expect(await page.textContent(`.card >> text=${HOSTILE}`)).toBe(HOSTILE);
    await page.fill("#filter", "tank/?");
    await until(async () => (await cards(page)) === 2);
    expect(complaints).toEqual([]);
  });

  test("what happened before the page was opened, and before the server was started, is drawn too", async () => {
    const first = await start({}, "before.db");
    const intake = await first.intake;
    for (let t = 1; t <= 50; t++) {
      await intake.ingest([{ series: "a", time: t * 1000, values: { value: t } }]);
    }
    await first.close();
    const { page, complaints } = await visit((await start({}, "before.db")).url);
    await until(async () => (await page.textContent("#fact-now")) === "50.00");
    await until(async () => (await drawn(page)) > 50);
    expect(complaints).toEqual([]);
  });

  test("a series that is resampled is drawn with its readings", async () => {
    const server = await start();
    await feed(server, ["resampled"]);
    const { page } = await visit(server.url);
    await until(async () => (await page.isVisible("#stage")) && (await now(page)) > 30);
    await until(async () => (await drawn(page)) > 50);
  });

  test("nothing observed yet: it says how to begin, and begins", async () => {
    const server = await start();
    const { page } = await visit(server.url);
    await page.waitForSelector("#empty", { state: "visible" });
    expect(await page.textContent("#example")).toContain(`curl ${server.url}/v1/observations`);
    await feed(server, ["first"]);
    await page.waitForSelector("#stage", { state: "visible" });
    expect(await page.isVisible("#empty")).toBe(false);
  });

  test("a server that goes away and comes back is followed", async () => {
    const first = await start({}, "again.db");
    const reached = await feed(first, ["a"]);
    const { page } = await visit(first.url);
    await live(page);
    await page.waitForSelector("#stage", { state: "visible" });
    await first.close();
    await page.waitForSelector('#status[data-state="lost"], #status[data-state="connecting"]');
    const second = await start({ port: first.port }, "again.db");
    const from = reached() + 100;
    await feed(second, ["a"], from);
    await live(page);
    await until(async () => (await now(page)) >= from);
  });

  test("a server with a token asks for it", async () => {
    const server = await start({ token: "secret" });
    await feed(server, ["a"]);
    const { page } = await visit(server.url);
    await page.fill("#token", "wrong");
    await page.click("#token-form button");
    await page.waitForSelector("#token-form", { state: "visible" });
    await page.fill("#token", "secret");
    await page.click("#token-form button");
    await live(page);
    await page.waitForSelector("#stage", { state: "visible" });
    expect(await page.isVisible("#token-form")).toBe(false);
  });

  test("sources are listed with what became of their readings; their words are text and nothing else", async () => {
    const server = await start({
      sources: [
        { name: "machine", kind: "machine", options: { every: "20ms" } },
        { name: "log", kind: "file", options: { path: join(folder, `${HOSTILE.replaceAll("/", "")}.csv`) } },
      ],
    });
    const page = await browser.newPage();
    closers.push(() => page.close());
    await page.goto(server.url);
    const list = page.locator("#source-list li");
    await list.nth(1).waitFor();
    expect(await list.nth(0).textContent()).toMatch(/^machine .*\d+ of \d+ taken/);
    expect(await list.nth(1).textContent()).toContain("not connected");
    expect(await list.nth(1).textContent()).toContain(`${HOSTILE}.csv: expected a file, got none yet`);
    expect(await page.title()).toBe("Eddy");
  });
});
