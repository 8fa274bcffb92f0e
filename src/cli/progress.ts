import type { World } from "./world.ts";

const BAR = 24;
const EVERY_MILLISECONDS = 100;

/** A bar on stderr, on a terminal only; it leaves nothing behind. */
export class Progress {
  readonly #world: World;
  #drawn = 0;

  constructor(world: World) {
    this.#world = world;
  }

  show(label: string, done: number, total: number): void {
    const { stderr, now } = this.#world;
    if (!stderr.isTTY || now() - this.#drawn < EVERY_MILLISECONDS) return;
    this.#drawn = now();
    const share = total > 0 ? Math.min(1, done / total) : 0;
    const filled = Math.round(share * BAR);
    const bar = `${"█".repeat(filled)}${"░".repeat(BAR - filled)}`;
    stderr.write(`\r\x1b[K${`${label} ${bar} ${Math.floor(100 * share)}%`.slice(0, stderr.columns - 1)}`);
  }

  /** How far it is when nobody knows how long it will be. */
  count(label: string, done: number): void {
    const { stderr, now } = this.#world;
    if (!stderr.isTTY || now() - this.#drawn < EVERY_MILLISECONDS) return;
    this.#drawn = now();
    stderr.write(`\r\x1b[K${`${label}  ${done}`.slice(0, stderr.columns - 1)}`);
  }

  clear(): void {
    if (this.#drawn > 0) this.#world.stderr.write("\r\x1b[K");
    this.#drawn = 0;
  }
}
