// A server, a browser that visits its page, and what both leave behind, for tests of the page.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { openEngine } from "../../src/server/engine.ts";
import { type Server, startServer } from "../../src/server/server.ts";

const CHROMIUM = "/usr/bin/chromium";
export const missing = existsSync(CHROMIUM) ? "" : ` (skipped: no ${CHROMIUM}; .ci/run installs it)`;

export class Harness {
  readonly #folder = mkdtempSync(join(tmpdir(), "eddy-page-"));
  #browser: Browser | null = null;
  #databases = 0;
  readonly #closers: (() => unknown)[] = [];

  /** A server on a database of that name, and at that port. */
  async start({ database = `${this.#databases++}.db`, port = 0 } = {}): Promise<Server> {
    const engine = openEngine({
      database: join(this.#folder, database),
      series: { model: "persistence", horizon: 6 },
      ahead: Number.POSITIVE_INFINITY,
    });
    const server = await startServer({ engine, port, socket: { reconnectAfterMs: 100 } });
    await server.ready;
    this.#closers.unshift(() => server.close());
    return server;
  }

  /** Readings of a series, so many milliseconds apart. */
  async observe(
    server: Server,
    series: string,
    values: readonly (number | null)[],
    { from = Date.UTC(2026, 0, 5), step = 60_000 } = {},
  ): Promise<void> {
    const intake = await server.intake;
    await intake.ingest(values.map((value, i) => ({ series, time: from + i * step, values: { value } })));
  }

  async visit(
    url: string,
    {
      before,
      ...options
    }: BrowserContextOptions & { readonly before?: (page: Page) => Promise<unknown> } = {},
  ): Promise<{ page: Page; complaints: string[] }> {
    this.#browser ??= await chromium.launch({
      executablePath: CHROMIUM,
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    });
    const page = await this.#browser.newPage(options);
    this.#closers.unshift(() => page.close());
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    await before?.(page);
    await page.goto(url);
    return { page, complaints };
  }

  /** After each test. */
  async clear(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }

  async end(): Promise<void> {
    await this.#browser?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
