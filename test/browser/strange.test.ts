// What people report of pages like this one, in a real browser: zoom lost, stale after a sleep, odd names, odd numbers, odd clocks.
import type { Page } from "playwright-core";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { Harness, missing } from "./harness.ts";

describe.skipIf(missing !== "")(`the page under strange conditions${missing}`, () => {
  const harness = new Harness();
  afterEach(() => harness.clear());
  afterAll(() => harness.end());

  /** Looks until it is so: a machine may be busy. */
  const poll = <T>(look: () => T) => expect.poll(look, { timeout: 20_000, interval: 50 });
  const text = (page: Page, selector: string) => page.textContent(selector);
  const wave = (count: number, from = 0) =>
    Array.from({ length: count }, (_, i) => 50 + 20 * Math.sin((from + i) / 9));
  const shows = (page: Page, name: string) => poll(() => text(page, "#stage-name")).toBe(name);
  const link = (url: string, series: string) => `${url}/#${new URLSearchParams({ series })}`;
  const put = (url: string, name: string, rule: object) =>
    fetch(`${url}/v1/alerts/${name}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(rule),
    });
  /** Keeps what is written on the large chart. */
  const listen = async (page: Page): Promise<void> => {
    await page.addInitScript(`(() => {
      window.written = [];
      const { fillText, clearRect } = CanvasRenderingContext2D.prototype;
      const large = (context) => context.canvas.closest("#stage-chart") !== null;
      CanvasRenderingContext2D.prototype.clearRect = function () {
        if (large(this)) window.written = [];
        return clearRect.apply(this, arguments);
      };
      CanvasRenderingContext2D.prototype.fillText = function (text) {
        if (large(this)) window.written.push({ text, align: this.textAlign });
        return fillText.apply(this, arguments);
      };
    })()`);
  };
  /** What stands along the axis upwards, or along that of time. */
  const labels = (page: Page, axis: "x" | "y"): Promise<string[]> =>
    page.evaluate(
      `window.written.filter(({ align }) => align === "${axis === "y" ? "right" : "center"}").map(({ text }) => text)`,
    );

  test("alerts begin and end on an open page though no question is answered, also across a restart", async () => {
    const first = await harness.start({ database: "socket.db" });
    await put(first.url, "hot", { series: "oven", when: { reading: "above", limit: 80 } });
    await harness.observe(first, "oven", wave(60));
    const { page } = await harness.visit(link(first.url, "oven"));
    await page.getByText("when a reading is above 80").waitFor();
    await page.route("**/v1/alerts**", (route) => route.abort());
    const from = Date.UTC(2026, 0, 5, 1);
    await harness.observe(first, "oven", [90, 91, 91], { from });
    await page.getByRole("button", { name: "hot: oven" }).waitFor();
    expect(await page.title()).toBe("1 alert · oven · Eddy");
    await first.close();
    const second = await harness.start({ database: "socket.db", port: first.port });
    await harness.observe(second, "oven", wave(10), { from: from + 180_000 });
    await page.getByText(/hot fired at 9\d, over after/).waitFor();
    await poll(() => page.title()).toBe("oven · Eddy");
    expect(await text(page, "#alerts-summary")).toBe("no alert · 1 rule");
  });

  test("two pages: a rule made on one is known to the other, and gone from both", async () => {
    const server = await harness.start();
    await harness.observe(server, "oven", wave(60));
    const { page: one } = await harness.visit(link(server.url, "oven"));
    const { page: other } = await harness.visit(link(server.url, "oven"));
    await other.getByText("Nobody is told of anything about this series yet.").waitFor();
    await one.getByRole("button", { name: "Make an alert" }).click();
    await one.fill("#alert-name", "warm");
    await one.getByRole("button", { name: "Save" }).click();
    await one.getByText("warm is saved.").waitFor();
    // The other one looks again when somebody comes back to it.
    await other.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await other.locator(".rules", { hasText: "warm" }).waitFor();
    for (let press = 0; press < 2; press++) await one.getByRole("button", { name: "Delete warm" }).click();
    await one.getByText("Nobody is told of anything about this series yet.").waitFor();
    await other.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await other.getByText("Nobody is told of anything about this series yet.").waitFor();
  });

  test("a page that nobody sees takes nothing but alerts, and is right at once when it is seen again", async () => {
    const server = await harness.start();
    await put(server.url, "hot", { series: "oven", when: { reading: "above", limit: 120 } });
    await harness.observe(server, "oven", wave(60));
    const { page } = await harness.visit(link(server.url, "oven"), {
      before: (page) =>
        // Half a minute goes by at once.
        page.addInitScript(`{
          const { setTimeout } = window;
          window.setTimeout = (run, pause) => setTimeout(run, pause === 30_000 ? 50 : pause);
        }`),
    });
    await page.locator("#record-note", { hasText: "As issued" }).waitFor();
    const subscriptions = async () =>
      Number(
        /eddy_socket_subscriptions (\d+)/.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1],
      );
    await poll(subscriptions).toBe(2);
    const hide = (hidden: boolean) =>
      page.evaluate(`(() => {
        Object.defineProperty(document, "hidden", { configurable: true, value: ${hidden} });
        document.dispatchEvent(new Event("visibilitychange"));
      })()`);
    await hide(true);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await poll(subscriptions).toBe(0);
    await harness.observe(server, "oven", [121, 122, 123], { from: Date.UTC(2026, 0, 5, 1) });
    await poll(() => page.title()).toBe("1 alert · oven · Eddy");
    // Longer than between any two questions of a page that is seen.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect(asked).toEqual([]);
    await hide(false);
    await poll(() => text(page, "#fact-now")).toBe("123");
    await poll(() => text(page, ".card-now")).toBe("123");
    expect(await page.getAttribute("#status", "data-state")).toBe("live");
  });

  test("an answer that never comes, as after a sleep, holds nothing up", async () => {
    const server = await harness.start();
    await harness.observe(server, "a", wave(30));
    let hanging = true;
    const { page } = await harness.visit(link(server.url, "a"), {
      before: (page) => page.route("**/v1/overview**", (route) => (hanging ? undefined : route.continue())),
    });
    await page.locator('#status[data-state="live"]').waitFor();
    hanging = false;
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await shows(page, "a");
  });

  test("back and forward go through what was seen", async () => {
    const server = await harness.start();
    for (const name of ["a", "b", "c"]) await harness.observe(server, name, wave(30));
    const { page } = await harness.visit(link(server.url, "a"));
    await shows(page, "a");
    await page.locator('.card-button[title^="b"]').click();
    await shows(page, "b");
    await page.click("#range-day");
    await page.locator('.card-button[title^="c"]').click();
    await shows(page, "c");
    await page.goBack();
    await shows(page, "b");
    expect(new URL(page.url()).hash).toBe("#series=b&range=day");
    await page.goBack();
    await shows(page, "a");
    await page.goForward();
    await shows(page, "b");
    await page.click("#back");
    await page.goBack();
    await shows(page, "b");
    await page.locator("#stage").waitFor();
  });

  test("a stretch that is looked at stays when readings come, and they are drawn in it", async () => {
    const server = await harness.start();
    await harness.observe(server, "oven", wave(100));
    const { page } = await harness.visit(link(server.url, "oven"));
    const chart = page.locator("#stage-chart .u-over");
    await chart.waitFor();
    const { width, height } = (await chart.boundingBox()) as { width: number; height: number };
    for (let i = 0; i < 3; i++) await page.click("#zoom-in");
    for (let i = 0; i < 7; i++) await page.click("#later");
    const told = async (share: number) => {
      await page.mouse.move(0, 0);
      await chart.hover({ position: { x: width * share, y: height / 2 } });
      return (await text(page, "#stage-chart .tip")) ?? "";
    };
    // Some place that has not come yet.
    let share = 1;
    await poll(async () => {
      share = share <= 0.1 ? 0.95 : share - 0.05;
      const words = await told(share);
      return words.includes("forecast now") && !words.includes("observed");
    }).toBe(true);
    const before = (await told(share)).split(",")[1];
    await harness.observe(server, "oven", wave(8, 100), { from: Date.UTC(2026, 0, 5) + 100 * 60_000 });
    await poll(() => told(share)).toContain("observed");
    expect((await told(share)).split(",")[1]?.slice(0, 6)).toBe(before?.slice(0, 6));
    expect(await page.locator('#stage .choices button[aria-pressed="true"]').count()).toBe(0);
    // Out as far as one likes: time has an end, the page goes on.
    for (let i = 0; i < 60; i++) await page.click("#zoom-out");
    await page.getByRole("button", { name: "latest" }).click();
    await poll(() => told(0.5)).toContain("observed");
    for (let i = 0; i < 3; i++) await page.click("#earlier");
    await page.getByText(/^Nothing was read from/).waitFor();
  });

  test("what is pressed before the readings of a range have come is done when they have", async () => {
    const server = await harness.start();
    await harness.observe(server, "oven", wave(100));
    const { page } = await harness.visit(link(server.url, "oven"));
    const chart = page.locator("#stage-chart .u-over");
    await chart.waitFor();
    for (let i = 0; i < 20; i++) await page.click("#zoom-out");
    // Decades are drawn.
    await poll(async () => {
      await page.mouse.move(0, 0);
      await chart.hover({ position: { x: 20, y: 50 } });
      return text(page, "#stage-chart .tip");
    }).toMatch(/ (18|19)\d\d,/);
    await page.evaluate(
      `for (const id of ["range-latest", "earlier", "earlier", "earlier"]) document.getElementById(id).click()`,
    );
    await page.getByText(/^Nothing was read from .* 2026, .* to .* 2026, /).waitFor();
  });

  test.each([
    ["tiny", (i: number) => 1e-12 * (5 + Math.sin(i / 5))],
    ["tiny beside nothing", (i: number) => (i % 2) * 1e-25],
    ["large", (i: number) => 1e15 + 8 * Math.sin(i / 5)],
    ["a counter", (i: number) => 9_007_199_254_740_000 + i],
    ["huge", (i: number) => 1e300 * Math.sin(i / 5)],
    ["negative", (i: number) => -273 + Math.sin(i / 5)],
    ["constant", () => 71],
    ["constant and tiny", () => 1e-12],
    ["nothing at all", () => 0],
    ["near to each other", (i: number) => 20 + 1e-12 * (i % 7)],
  ])("values that are %s have labels that can be told apart", async (_, value) => {
    const server = await harness.start();
    await harness.observe(
      server,
      "odd",
      Array.from({ length: 80 }, (_, i) => value(i)),
    );
    const { page, complaints } = await harness.visit(link(server.url, "odd"), { before: listen });
    await page.locator("#record-note", { hasText: "As issued" }).waitFor();
    await poll(async () => (await labels(page, "y")).length).toBeGreaterThan(1);
    const told = await labels(page, "y");
    expect(new Set(told).size, told.join(" | ")).toBe(told.length);
    for (const words of [...told, (await text(page, "body")) ?? ""])
      expect(words).not.toMatch(/NaN|Infinity/);
    await page.getByRole("button", { name: "Make an alert" }).click();
    expect(Number.isFinite(Number(await page.inputValue("#alert-limit")))).toBe(true);
    const slider = page.locator(".alert-line");
    const limit = await page.inputValue("#alert-limit");
    await slider.press("ArrowUp");
    expect(await page.inputValue("#alert-limit")).not.toBe(limit);
    expect(complaints).toEqual([]);
  });

  test.each(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])(
    "the day the clocks change in %s",
    async (timezoneId) => {
      const server = await harness.start();
      // Three weeks with the last Sunday of March, the second one, and the first of April among them or near.
      for (const [name, from] of [
        ["spring", Date.UTC(2026, 2, 7)],
        ["autumn", Date.UTC(2026, 9, 23)],
      ] as const)
        await harness.observe(server, name, wave(24 * 31), { from, step: 3_600_000 });
      const { page, complaints } = await harness.visit(link(server.url, "spring"), {
        timezoneId,
        before: listen,
      });
      for (const name of ["spring", "autumn"]) {
        if (name === "autumn") await page.locator('.card-button[title^="autumn"]').click();
        await shows(page, name);
        await page.click("#range-all");
        await poll(async () => (await labels(page, "x")).length).toBeGreaterThan(4);
        const days = await labels(page, "x");
        expect(new Set(days).size, days.join(" | ")).toBe(days.length);
        // Days begin at midnight, whatever the hour is called on which the clocks change.
        for (const day of days) expect(day).toMatch(/^\w{3},? \d{1,2} \w{3}$/);
      }
      expect(complaints).toEqual([]);
    },
  );

  test("a clock that is hours wrong does not make what comes now a silence", async () => {
    const server = await harness.start();
    const now = Math.floor(Date.now() / 1000) * 1000;
    await harness.observe(server, "now", wave(60), { from: now - 60_000, step: 1000 });
    await harness.observe(server, "before", wave(60), { from: now - 3_600_000, step: 1000 });
    const { page } = await harness.visit(link(server.url, "now"), {
      before: (page) =>
        page.addInitScript("{ const { now } = Date; Date.now = () => now.call(Date) + 7_200_000; }"),
    });
    await poll(() => page.locator('.card-button[title^="before"]').textContent()).toContain("silent");
    expect(await page.locator('.card-button[title^="now"]').textContent()).not.toContain("silent");
  });

  test("names with other scripts, of any length, with the same long beginning", async () => {
    const server = await harness.start();
    const long = (end: string) => `${"rack/".repeat(40)}${end}`;
    const names = [
      "الحرارة/المطبخ",
      "חדר/🌡️ טמפרטורה",
      `${"👨‍👩‍👧‍👦".repeat(20)}x`,
      long("one"),
      long("two"),
      "a\u202eb",
    ];
    const taken: string[] = [];
    const intake = await server.intake;
    for (const series of names) {
      try {
        const readings = wave(40).map((value, i) => ({ series, time: i * 60_000, values: { value } }));
        await intake.ingest(readings);
        taken.push(series);
      } catch {
        // A name that the server does not take is none on the page.
      }
    }
    expect(taken.length).toBeGreaterThanOrEqual(5);
    for (const width of [1440, 390]) {
      const { page, complaints } = await harness.visit(link(server.url, names[1] as string), {
        viewport: { width, height: 900 },
      });
      await shows(page, names[1] as string);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      await page.click("#back");
      // Every one of them has its forecast, those too of which the beginning is the same.
      await poll(() =>
        page.evaluate(`[...document.querySelectorAll(".card canvas")].filter((canvas) => {
            const colour = getComputedStyle(document.documentElement).getPropertyValue("--fan").trim();
            const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16));
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            for (let i = 0; i < data.length; i += 4)
              if (Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b) < 30) return true;
            return false;
          }).length`),
      ).toBe(taken.length);
      expect(new Set(await page.locator(".card-name").allTextContents()).size).toBe(taken.length);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
      expect(complaints).toEqual([]);
    }
  });
});
