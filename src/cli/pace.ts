import type { World } from "./world.ts";

/** Waits shorter than this are not worth a timer. */
const SHORTEST = 4;

/** Lets recorded time pass at a speed: 1 as it was, 60 a minute in a second, Infinity at once. It can be paused. */
export class Pace {
  readonly #world: World;
  readonly #speed: number;
  #started = 0;
  #first = Number.NaN;
  #pausedAt: number | undefined;

  constructor(world: World, speed: number) {
    this.#world = world;
    this.#speed = speed;
  }

  /** Milliseconds until what happened at `time` is due again; 0 when it is now or was before, Infinity while paused. */
  until(time: number): number {
    if (this.#pausedAt !== undefined) return Number.POSITIVE_INFINITY;
    if (this.#speed === Number.POSITIVE_INFINITY) return 0;
    if (Number.isNaN(this.#first)) {
      this.#first = time;
      this.#started = this.#world.now();
    }
    const wait = this.#started + (time - this.#first) / this.#speed - this.#world.now();
    return wait >= SHORTEST ? wait : 0;
  }

  get paused(): boolean {
    return this.#pausedAt !== undefined;
  }

  /** Stops time, or lets it go on from where it stood. */
  toggle(): void {
    if (this.#pausedAt === undefined) this.#pausedAt = this.#world.now();
    else {
      this.#started += this.#world.now() - this.#pausedAt;
      this.#pausedAt = undefined;
    }
  }
}
