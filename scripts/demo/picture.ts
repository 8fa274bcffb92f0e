// Takes README's picture: the page of the demo, a minute and a half after a fresh start.
//   npm run build && node --import tsx scripts/demo/picture.ts
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const WAIT = 90_000;
const folder = mkdtempSync(join(tmpdir(), "eddy-picture-"));
const demo = spawn("node", ["dist/cli/main.js", "start", "--port", "0", "--db", join(folder, "demo.db")]);
const url = await new Promise<string>((resolve) => {
  let told = "";
  demo.stdout.on("data", (chunk) => {
    told += chunk;
    const found = /listens on (\S+)/.exec(told)?.[1];
    if (found !== undefined) resolve(found);
  });
});
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "dark" });
  await page.goto(url);
  await new Promise((resolve) => setTimeout(resolve, WAIT));
  await page.screenshot({ path: "docs/page.png", timeout: 2 * WAIT });
} finally {
  await browser.close();
  demo.kill("SIGTERM");
  await new Promise((resolve) => demo.once("exit", resolve));
  rmSync(folder, { recursive: true, force: true });
}
