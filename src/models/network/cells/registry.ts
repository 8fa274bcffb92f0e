import { EddyError, printable } from "../../errors.ts";
import { blendCell } from "./blend.ts";
import type { Cell } from "./cell.ts";
import { gruCell } from "./gru.ts";
import { leakyCell } from "./leaky.ts";
import { linearCell } from "./linear.ts";
import { lstmCell } from "./lstm.ts";
import { productCell } from "./product.ts";
import { sigmoidCell } from "./sigmoid.ts";
import { tanhCell } from "./tanh.ts";

const builtIn = [tanhCell, linearCell, sigmoidCell, leakyCell, lstmCell, gruCell, productCell, blendCell];
const cells = new Map<string, Cell>(builtIn.map((cell) => [cell.name, cell as Cell]));

/** Adds a cell to those that wirings may name. @throws EddyError `bad-argument` when the name is taken. */
export function registerCell<Settings>(cell: Cell<Settings>): void {
  if (cells.has(cell.name)) {
    throw new EddyError("bad-argument", "cell", {
      expected: "a name that is not taken",
      received: cell.name,
    });
  }
  cells.set(cell.name, cell as Cell);
}

/** The names of all registered cells, in the order of their registration. */
export function cellNames(): string[] {
  return [...cells.keys()];
}

/** The cell registered under `name`. @throws EddyError `bad-model` for a name that is not registered. */
export function cellNamed(name: string, subject = "cell"): Cell {
  const cell = cells.get(name);
  if (!cell) {
    throw new EddyError("bad-model", subject, {
      expected: `one of ${cellNames().join(", ")}`,
      received: printable(name),
    });
  }
  return cell;
}
