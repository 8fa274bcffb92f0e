// The page in a real browser, against a real server.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
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
  const visit = async (
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; complaints: string[] }> => {
    const page = await browser.newPage(options);
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
      const canvas = document.querySelector("#stage-chart canvas");
      if (canvas === null) return 0;
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
    await page.click(".card-button[title^='tank/a']");
    await until(async () => (await now(page)) > 10);
    const before = await now(page);
    await until(async () => (await now(page)) > before + 5);
    expect(await page.textContent("#stage-name")).toBe("tank/a");
    expect(await page.textContent("#stage-model")).toContain("4 steps ahead");
    await until(async () => (await drawn(page)) > 50);
    expect(await page.title()).toMatch(/Eddy$/);
    await page.fill("#filter", "onerror");
    await until(async () => (await cards(page)) === 1);
    expect(await page.textContent(".card-name")).toBe(HOSTILE);
    await page.fill("#filter", "tank ?");
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
    await until(async () => (await page.textContent("#fact-now")) === "50");
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
    await page.click("#sources summary");
    const list = page.locator("#source-list li");
    await list.nth(1).waitFor();
    expect(await list.nth(0).textContent()).toMatch(/^machine .*\d+ of \d+ taken/);
    expect(await list.nth(1).textContent()).toContain("not connected");
    expect(await list.nth(1).textContent()).toContain(`${HOSTILE}.csv: expected a file, got none yet`);
    expect(await page.title()).toMatch(/Eddy$/);
  });

  /** A series of a day at a reading a minute, with a daily curve, one reading that cannot be, and a silence. */
  const minutes = (name: string, count = 400) =>
    Array.from({ length: count }, (_, i) => ({
      series: name,
      time: Date.UTC(2026, 0, 1) + 60_000 * (i < 300 ? i : i + 60),
      values: { value: i === 350 ? 5000 : 50 + 20 * Math.sin(i / 20) },
    }));
  const text = (page: Page, selector: string) => page.textContent(selector);
  const pressed = (page: Page) =>
    page.locator('#stage .choices button[aria-pressed="true"]').allTextContents();
  /** What is told where the pointer is. */
  const told = (page: Page) => text(page, "#stage-chart .tip");
  const picture = (page: Page): Promise<string> =>
    page.evaluate('document.querySelector("#stage-chart canvas").toDataURL()');

  test("one series in full: values where one points, ranges, zoom, moving, what was forecast before", async () => {
    const server = await start();
    await (await server.intake).ingest(minutes("oven"));
    const { page, complaints } = await visit(`${server.url}/#series=oven`);
    await until(async () => (await drawn(page)) > 50);
    const chart = page.locator("#stage-chart .u-over");
    const { width, height } = (await chart.boundingBox()) as { width: number; height: number };
    await chart.hover({ position: { x: width / 3, y: height / 2 } });
    expect(await told(page)).toMatch(/observed\d.*forecast 4 min before: 9 of 10 expected here[\d-]/);
    expect(await text(page, "#stage-key")).toContain("9 of 10 readings expected here (5 % to 95 %)");
    expect(await text(page, "#zone")).toMatch(/^Times are yours: ./);

    const latest = await picture(page);
    await page.click("#range-all");
    await until(async () => (await picture(page)) !== latest);
    expect(await pressed(page)).toEqual(["all"]);
    const all = await picture(page);
    await page.mouse.move(0, 0);
    const box = (await chart.boundingBox()) as { x: number; y: number };
    await page.mouse.move(box.x + 100, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 300, box.y + 50, { steps: 4 });
    await page.mouse.up();
    await until(async () => (await pressed(page)).length === 0 && (await picture(page)) !== all);
    const near = await picture(page);
    await page.click("#later");
    await until(async () => (await picture(page)) !== near);
    await chart.dblclick();
    await until(async () => (await pressed(page)).join() === "latest");

    await page.selectOption("#lead", "1");
    await until(async () => ((await text(page, "#stage-key")) ?? "").includes("forecast 60 s before"));
    expect(await text(page, "#marks")).toMatch(/5,?000 (was not believed|was a surprise)/);
    await until(async () => ((await text(page, "#record-note")) ?? "").includes("repeating the last value"));
    expect(await text(page, "#fact-held")).toMatch(/of (10|100) readings fell inside$/);
    expect(complaints).toEqual([]);
  });

  test("what is seen after a reload is what was seen before it", async () => {
    const server = await start();
    await (await server.intake).ingest(minutes("oven", 290));
    const { page } = await visit(`${server.url}/#series=oven`);
    const seen = async () => {
      await until(async () => (await drawn(page)) > 50 && ((await text(page, "#record-note")) ?? "") !== "");
      // The same place of the pointer, and so the same lines.
      await page.mouse.move(0, 0);
      return [
        await text(page, "#fact-held"),
        await text(page, "#fact-skill"),
        await text(page, "#record-note"),
        await picture(page),
      ];
    };
    const before = await seen();
    await page.reload();
    expect(await seen()).toEqual(before);
  });

  test("keyboard only: search, arrows, Esc, and reading the values one by one", async () => {
    const server = await start();
    await feed(
      server,
      Array.from({ length: 9 }, (_, i) => `tank/${i}`),
    );
    const { page } = await visit(server.url);
    await until(async () => (await cards(page)) >= 5 && (await now(page)) > 0);
    await page.keyboard.press("/");
    await page.keyboard.type("tank 4");
    await until(async () => (await cards(page)) === 1);
    await page.keyboard.press("Enter");
    await until(async () => (await text(page, "#stage-name")) === "tank/4");
    await page.keyboard.press("/");
    await page.keyboard.press("Escape");
    await until(async () => (await cards(page)) >= 5);
    await page.keyboard.press("Escape");
    await page.keyboard.press("ArrowDown");
    await until(async () => (await text(page, "#stage-name")) === "tank/5");
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("ArrowUp");
    await until(async () => (await text(page, "#stage-name")) === "tank/3");
    expect(new URL(page.url()).hash).toBe("#series=tank%2F3");
    await page.focus("#stage-chart");
    // Until its readings have come there is nothing to read.
    await until(async () => {
      await page.keyboard.press("ArrowLeft");
      return /observed[\d,.]+/.test((await text(page, "#told")) ?? "");
    });
    await page.keyboard.press("Escape");
    await page.keyboard.press("Escape");
    await until(async () => !(await page.isVisible("#stage")));
    expect(await page.evaluate("document.activeElement.title")).toContain("tank/3");
  });

  test("a link to a series far beyond what is in sight shows that one, and one to none says so", async () => {
    const server = await start();
    const names = Array.from({ length: 300 }, (_, i) => `machine/${String(i).padStart(3, "0")}/temperature`);
    const intake = await server.intake;
    for (let t = 1; t <= 5; t++) {
      await intake.ingest(names.map((series, i) => ({ series, time: t * 1000, values: { value: i } })));
    }
    const { page } = await visit(`${server.url}/#series=machine%2F287%2Ftemperature`);
    await until(async () => (await text(page, "#stage-name")) === "machine/287/temperature");
    await until(async () => (await now(page)) === 287);
    // Far fewer cards than series are in the page; the one that is shown is among them, and in sight.
    expect(await cards(page)).toBeLessThan(40);
    await page.locator('.card-button[aria-current="true"]').waitFor();
    expect(await page.getAttribute('.card-button[aria-current="true"]', "title")).toContain("machine/287/");

    await page.goto(`${server.url}/#series=machine%2F999`);
    await page.reload();
    await page.locator("#missing").waitFor();
    expect(await text(page, "#missing")).toContain("There is no series machine/999 yet");
    expect(await page.isVisible("#stage")).toBe(false);
  });

  test("a small picture has all readings, though more came than were sent", async () => {
    const server = await start();
    const intake = await server.intake;
    const { page } = await visit(server.url);
    await live(page);
    // A saw of ten readings a tooth, all of it within less than a second.
    for (let t = 1; t <= 300; t++)
      await intake.ingest([{ series: "saw", time: t * 1000, values: { value: t % 10 } }]);
    const reversals = (): Promise<number> =>
      page.evaluate(`(() => {
        const canvas = document.querySelector(".card canvas");
        if (canvas === null) return 0;
        const { data } = canvas.getContext("2d").getImageData(0, Math.floor(canvas.height / 2), canvas.width, 1);
        let crossings = 0;
        let inside = false;
        for (let i = 0; i < data.length; i += 4) {
          const hit = data[i + 3] > 60;
          if (hit && !inside) crossings++;
          inside = hit;
        }
        return crossings;
      })()`);
    // Eight teeth, each crossed on its way up and on its way down.
    await until(async () => (await reversals()) >= 12);
  });

  test("names are told apart where they differ", async () => {
    const server = await start();
    const long = (cpu: number) =>
      `node_cpu_seconds_total{instance="host.example.org:9100",cpu="${cpu}",mode="idle"}`;
    await feed(server, [long(0), long(1)]);
    const { page } = await visit(server.url);
    await until(async () => (await cards(page)) === 2);
    const names = await page.locator(".card-name").allTextContents();
    expect(names.map((name) => /cpu="\d"|\d/.test(name))).toEqual([true, true]);
    expect(new Set(names).size).toBe(2);
    expect(Math.max(...names.map(({ length }) => length))).toBeLessThan(50);
  });

  test("a table dropped on the page is recognised, replayed, evaluated and shown", async () => {
    const server = await start();
    const { page, complaints } = await visit(server.url);
    const rows = Array.from(
      { length: 30_000 },
      (_, i) => `${new Date(Date.UTC(2025, 0, 1) + i * 3_600_000).toISOString()};${i % 24};x\n`,
    );
    await page.setInputFiles("#file-input", {
      name: "greenhouse.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(`when;degrees;note\n${rows.slice(0, 9000).join("")}not a time;1;x\n`),
    });
    await until(async () => (await page.locator(".found dd").count()) > 3);
    const found = (await text(page, "#file-found")) ?? "";
    expect(found).toContain("cut by semicolons");
    expect(found).toContain("when");
    expect(found).toContain("degrees");
    await page.click("#file-replay");
    await until(async () => ((await text(page, "#file-result")) ?? "").includes("repeating the last value"));
    const result = (await text(page, "#file-result")) ?? "";
    expect(result).toContain("9,000 readings replayed, 1 was refused");
    expect(result).toContain("line 9002");
    await page.click("#file-cancel");
    expect(await text(page, "#stage-name")).toBe("greenhouse · degrees");
    await until(async () => (await drawn(page)) > 50);
    expect(complaints).toEqual([]);
  });

  test.each(["dark", "light"] as const)(
    "%s colours, on a phone and off: nothing for axe to complain of",
    async (colorScheme) => {
      const server = await start({
        sources: [{ name: "machine", kind: "machine", options: { every: "50ms" } }],
      });
      await (await server.intake).ingest(minutes("oven"));
      const axe = readFileSync("node_modules/axe-core/axe.min.js", "utf8");
      for (const viewport of [
        { width: 1440, height: 900 },
        { width: 390, height: 844 },
      ]) {
        const { page, complaints } = await visit(`${server.url}/#series=oven`, { viewport, colorScheme });
        await until(async () => (await drawn(page)) > 20 && (await page.isVisible("#record")));
        // Nothing is wider than the screen.
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(
          viewport.width,
        );
        await page.evaluate(axe);
        const violations = async () =>
          (
            (await page.evaluate("axe.run()")) as { violations: { id: string; nodes: { html: string }[] }[] }
          ).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        expect(await violations()).toEqual([]);
        await page.click("#back");
        await until(async () => (await cards(page)) > 3);
        expect(await violations()).toEqual([]);
        // The switch turns the colours round, and they stay so.
        const paper = () => page.evaluate("getComputedStyle(document.body).backgroundColor");
        const before = await paper();
        await page.click("#theme");
        if ((await paper()) === before) await page.click("#theme");
        expect(await paper()).not.toBe(before);
        await page.reload();
        expect(await paper()).not.toBe(before);
        expect(complaints).toEqual([]);
        await page.close();
      }
    },
  );
});
