// The report of eddy evaluate, in a real browser.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { invoke } from "./invoke.ts";

const CHROMIUM = "/usr/bin/chromium";
const missing = existsSync(CHROMIUM) ? "" : ` (skipped: no ${CHROMIUM}; .ci/run installs it)`;

describe.skipIf(missing !== "")(`the report of an evaluation${missing}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-report-"));
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("draws every chart of the target and step chosen, and takes names as text", async () => {
    const rows = Array.from(
      { length: 200 },
      (_, i) => `${new Date(i * 3_600_000).toISOString()},${i % 24},${i % 7}\n`,
    );
    const csv = join(folder, "hostile.csv");
    writeFileSync(csv, `date,<img src=x onerror="document.title='owned'">,plain\n${rows.join("")}`);
    const report = join(folder, "report.html");
    const models = ["--model", "persistence,auto:without=recurrent"];
    const { code } = await invoke(["evaluate", csv, "--horizon", "4", ...models, "--report", report]);
    expect(code).toBe(0);

    const page = await browser.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("request", (request) => request.url().startsWith("file:") || problems.push(request.url()));
    await page.goto(`file://${report}`);
    /** What a chart shows, and the pixels that are in a colour of its key: one line may hide another. */
    const drawn = (id: string): Promise<{ picture: string; coloured: number }> =>
      page.evaluate(`(() => {
        const canvas = document.querySelector("#${id} canvas");
        const style = getComputedStyle(document.documentElement);
        const colours = [...document.querySelectorAll("#${id} + .key li")].map((entry) => {
          const colour = style.getPropertyValue(entry.style.getPropertyValue("--mark").slice(4, -1)).trim();
          return [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16)).join();
        });
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        let coloured = 0;
        for (let i = 0; i < data.length; i += 4) {
          if (colours.includes([data[i], data[i + 1], data[i + 2]].join())) coloured++;
        }
        return { picture: canvas.toDataURL(), coloured };
      })()`);
    for (const id of ["forecast", "horizon", "error", "coverage", "weights"]) {
      expect((await drawn(id)).coloured, id).toBeGreaterThan(50);
    }
    expect(await page.locator("#figures tr").count()).toBe(3);
    expect(await page.locator("img").count()).toBe(0);
    expect(await page.title()).toContain("hostile.csv");

    const shape = async () => (await drawn("forecast")).picture;
    const before = await shape();
    await page.getByRole("button", { name: "1 step" }).click();
    const oneStep = await shape();
    await page.locator("#target").selectOption({ label: "plain" });
    expect(new Set([before, oneStep, await shape()]).size).toBe(3);
    await page.locator("#forecast .u-over").hover();
    expect(await page.locator("#forecast .tip").textContent()).toMatch(
      /forecast, 1 step ahead\d.*truth\d.*its 90% interval\d/,
    );
    expect(problems).toEqual([]);
    await page.close();
  });
});
