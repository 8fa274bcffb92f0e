import type { World } from "./world.ts";

/** Waits shorter than this are not worth a timer. */
const SHORTEST = 4;

/** Lets recorded time pass at a speed: 1 as it was, 60 a minute in a second, Infinity at once. */
export class Pace {
  readonly #world: World;
  readonly #speed: number;
  #started = 0;
  #first = Number.NaN;

  constructor(world: World, speed: number) {
    this.#world = world;
    this.#speed = speed;
  }

  /** Milliseconds until what happened at `time` is due again; 0 when it is now or was before. */
  until(time: number): number {
    if (this.#speed === Number.POSITIVE_INFINITY) return 0;
    if (Number.isNaN(this.#first)) {
      this.#first = time;
      this.#started = this.#world.now();
    }
    const wait = this.#started + (time - this.#first) / this.#speed - this.#world.now();
    return wait >= SHORTEST ? wait : 0;
  }
}
