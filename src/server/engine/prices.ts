import { Forecaster } from "../../models/forecaster/forecaster.ts";
import type { ForecasterSpecification } from "../../models/forecaster/specification.ts";
import { Arena } from "../../models/kernels/arena.ts";

/** State of one series at most, unless it is set otherwise. */
export const SERIES_BYTES = 32 * 2 ** 20;

/** Bytes of views and objects that a series has beside its block while it is in memory, about. */
const BESIDE = 48 * 1024;
/** Prices remembered: one for each shape of series. */
const REMEMBERED = 4096;

/** Ends the opening of a forecaster at the moment when it asks for its memory. */
class Asked extends Error {
  readonly bytes: number;

  constructor(bytes: number) {
    super();
    this.bytes = bytes;
  }
}

class AskingArena extends Arena {
  override allocate(byteLength: number): never {
    throw new Asked(byteLength);
  }
}

/**
 * What a series would take in memory, known before it is opened: all of its state is planned as one block, so opening it up to
 * the moment at which the block is asked for tells its size. Cost: some milliseconds for a shape not seen before.
 */
export class Prices {
  readonly #arena: AskingArena;
  readonly #known = new Map<string, number>();

  constructor(arena: Arena) {
    this.#arena = new AskingArena({ backend: arena.backend });
  }

  of(specification: ForecasterSpecification): number {
    const { targets, inputs } = specification;
    // Columns by number: their names take no part in it.
    const shape = JSON.stringify({ ...specification, targets: targets.length, inputs: inputs.length });
    let price = this.#known.get(shape);
    if (price === undefined) {
      price = this.#ask(specification) + BESIDE;
      if (this.#known.size >= REMEMBERED) this.#known.clear();
      this.#known.set(shape, price);
    }
    return price;
  }

  #ask(specification: ForecasterSpecification): number {
    try {
      new Forecaster(specification, this.#arena).release();
    } catch (error) {
      if (error instanceof Asked) return error.bytes;
      throw error;
    }
    return 0;
  }
}
