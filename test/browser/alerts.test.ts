// Alerts on the page in a real browser, against a real server.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { type Server, startServer } from "../../src/server/server.ts";

const CHROMIUM = "/usr/bin/chromium";
const missing = existsSync(CHROMIUM) ? "" : ` (skipped: no ${CHROMIUM}; .ci/run installs it)`;
const START = Date.UTC(2026, 0, 5);
const MINUTE = 60_000;

describe.skipIf(missing !== "")(`alerts on the page${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-alerts-page-"));
  let browser: Browser;
  let databases = 0;
  const closers: (() => unknown)[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    });
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Looks until it is so: a machine may be busy. */
  const poll = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 50 });
  const alerts = [{ name: "hot", series: "oven", when: { reading: "above", limit: 80 } }] as const;
  const start = async (
    database = `${databases++}.db`,
    port?: number,
  ): Promise<{ server: Server; database: string }> => {
    const engine = openEngine({
      database: join(folder, database),
      series: { model: "persistence", horizon: 12 },
      alerts: { rules: alerts },
    });
    const server = await startServer({ engine, socket: { reconnectAfterMs: 100 }, ...(port && { port }) });
    await server.ready;
    closers.unshift(() => server.close());
    return { server, database };
  };
  /** Readings of a minute each, from the one numbered `from` on. */
  const observe = async (
    server: Server,
    values: readonly number[],
    from = 0,
    series = "oven",
  ): Promise<void> => {
    const intake = await server.intake;
    await intake.ingest(
      values.map((value, i) => ({ series, time: START + (from + i) * MINUTE, values: { value } })),
    );
  };
  const calm = Array.from({ length: 60 }, (_, i) => 60 + 3 * Math.sin(i / 4));
  const visit = async (
    url: string,
    width = 1440,
    options: BrowserContextOptions = {},
  ): Promise<{ page: Page; complaints: string[] }> => {
    const page = await browser.newPage({ viewport: { width, height: 1000 }, ...options });
    closers.unshift(() => page.close());
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await page.goto(url);
    return { page, complaints };
  };
  /** What axe has against the page as it is. */
  const violations = async (page: Page): Promise<string[]> => {
    await page.evaluate(axe.source);
    const found = (await page.evaluate("axe.run()")) as {
      violations: { id: string; nodes: { html: string }[] }[];
    };
    return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  };
  const rules = async (
    server: Server,
  ): Promise<{ name: string; when: { limit: number } & Record<string, unknown> }[]> =>
    ((await (await fetch(`${server.url}/v1/alerts`)).json()) as { rules: [] }).rules;

  test("a line is dragged, saved, fires, is told of, and survives a reload and a restart", async () => {
    const { server, database } = await start();
    await observe(server, calm);
    const { page, complaints } = await visit(server.url);
    await page.getByText("when a reading is above 80").waitFor();
    await page.getByRole("button", { name: "Make an alert" }).click();
    const line = page.locator(".alert-line");
    const box = await line.boundingBox();
    if (box === null) throw new Error("the line is not seen");
    const before = Number(await page.inputValue("#alert-limit"));
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + 120, { steps: 6 });
    await page.mouse.up();
    const limit = Number(await page.inputValue("#alert-limit"));
    expect(limit).toBeLessThan(before);
    await page.fill("#alert-limit", "70");
    await page.selectOption("#alert-side", "above");
    expect(await page.textContent("#alert-would")).toBe("In what is shown readings went above 70 never.");
    await page.selectOption("#alert-kind", "reading");
    await page.fill("#alert-name", "warm");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("warm is saved.").waitFor();
    expect((await rules(server)).map(({ name, when }) => [name, when])).toContainEqual([
      "warm",
      { reading: "above", limit: 70 },
    ]);

    await observe(server, [72, 74, 75, 76, 77, 77, 78, 78], 60);
    await page.getByRole("button", { name: "warm: oven" }).waitFor();
    expect(await page.textContent("#alerts-summary")).toBe("1 alert · 2 rules");
    await page.reload();
    await page.getByRole("button", { name: "warm: oven" }).waitFor();
    await server.close();
    const again = await start(database, Number(new URL(server.url).port));
    await page.getByText("live", { exact: true }).waitFor();
    await observe(again.server, new Array(12).fill(60), 68);
    await page.getByText("no alert · 2 rules").waitFor();
    await page.getByText(/warm fired at 7\d, over after/).waitFor();
    expect(
      complaints.filter((text) => !text.includes("ERR_CONNECTION_REFUSED") && !text.includes("503")),
    ).toEqual([]);
  });

  test("by the keyboard alone, changed, and deleted at the second press", async () => {
    const { server } = await start();
    await observe(server, calm);
    const { page } = await visit(`${server.url}/#series=oven`, 390);
    await page.locator("#alert-new").focus();
    await page.keyboard.press("Enter");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
    expect(await violations(page)).toEqual([]);
    await page.locator(".alert-line").focus();
    const at = async (): Promise<number> => Number(await page.inputValue("#alert-limit"));
    const first = await at();
    for (let press = 0; press < 5; press++) await page.keyboard.press("ArrowUp");
    expect(await at()).toBeGreaterThan(first);
    const limit = await at();
    expect(await page.locator(".alert-line").getAttribute("aria-valuetext")).toMatch(/^above/);
    await page.keyboard.press("Enter");
    await page.getByText(/is saved/).waitFor();
    const made = (await rules(server)).find(({ name }) => name !== "hot");
    expect(made?.when).toMatchObject({ forecast: "above", limit, within: 12, probability: 0.8 });
    await page.getByRole("button", { name: `Change ${made?.name}` }).focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("PageDown");
    await page.keyboard.press("Enter");
    await expect
      .poll(async () => (await rules(server)).find(({ name }) => name === made?.name)?.when.limit)
      .toBeLessThan(limit);
    await page.getByText(/is saved/).waitFor();
    const remove = page.getByRole("button", { name: `Delete ${made?.name}` });
    await remove.focus();
    await page.keyboard.press("Enter");
    expect(await rules(server)).toHaveLength(2);
    await page.keyboard.press("Enter");
    await poll(async () => (await rules(server)).length).toBe(1);
    await page.getByText(`${made?.name} is deleted.`).waitFor();
    expect(await page.evaluate("document.activeElement.id")).toBe("alert-new");
    // What fires is gone to from the list of alerts.
    await observe(server, [90, 91, 92], 60);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "hot: oven" }).focus();
    await page.keyboard.press("Enter");
    await poll(() => page.textContent("#stage-name")).toBe("oven");
  });

  test.each([
    ["dark", 1440],
    ["dark", 390],
    ["light", 1440],
    ["light", 390],
  ] as const)(
    "%s colours, little motion, %d pixels wide: nothing for axe to complain of while something fires",
    async (colorScheme, width) => {
      const { server } = await start();
      await observe(server, [...calm, 90, 91, 92]);
      const { page, complaints } = await visit(`${server.url}/#series=oven`, width, {
        colorScheme,
        reducedMotion: "reduce",
      });
      await page.getByText("when a reading is above 80").waitFor();
      await page.locator("#record-note", { hasText: "As issued" }).waitFor();
      expect(
        await page.evaluate("getComputedStyle(document.querySelector('button')).transitionDuration"),
      ).toBe("0s");
      const fits = async () =>
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(await violations(page)).toEqual([]);
      await page.getByRole("button", { name: "Make an alert" }).click();
      expect(await violations(page)).toEqual([]);
      await fits();
      await page.keyboard.press("Escape");
      await page.click("#back");
      await page.getByRole("button", { name: "hot: oven" }).waitFor();
      expect(await violations(page)).toEqual([]);
      await fits();
      await page.setInputFiles("#file-input", {
        name: "table.csv",
        mimeType: "text/csv",
        buffer: Buffer.from("time,value\n2025-01-02,2\n2025-01-01,1\n2024-12-31,1\n"),
      });
      await page.getByText("its newest line comes first").waitFor();
      expect(await violations(page)).toEqual([]);
      await fits();
      expect(complaints).toEqual([]);
    },
  );

  test("what the server has against a rule is told at the form; one of the configuration cannot be changed", async () => {
    const { server } = await start();
    await observe(server, calm);
    const { page } = await visit(server.url);
    await page.getByText("of the configuration: changed there").waitFor();
    expect(await page.getByRole("button", { name: "Delete hot" }).count()).toBe(0);
    await page.getByRole("button", { name: "Make an alert" }).click();
    await page.fill("#alert-name", "hot");
    await page.getByRole("button", { name: "Save" }).click();
    await poll(() => page.textContent("#alert-error")).toMatch(/hot/);
    await page.keyboard.press("Escape");
    expect(await page.locator("#alert-form").isHidden()).toBe(true);
    expect(await rules(server)).toHaveLength(1);
  });

  test("a limit far beyond the readings does not flatten them, and what fires is first among what needs a look", async () => {
    const { server } = await start();
    await observe(server, calm, 0, "a");
    await observe(server, [...calm, 90, 91, 92, 92, 92, 92]);
    await fetch(`${server.url}/v1/alerts/far`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ series: "a", when: { reading: "above", limit: 1e6 } }),
    });
    const { page } = await visit(`${server.url}/#series=a`);
    await page.getByText("when a reading is above 1,000,000").waitFor();
    await page.getByRole("button", { name: "Make an alert" }).click();
    expect(Number(await page.inputValue("#alert-limit"))).toBeLessThan(100);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "trouble" }).click();
    const first = page.locator(".card-button").first();
    await poll(() => first.textContent()).toContain("alert: hot");
    expect(await violations(page)).toEqual([]);
  });
});
