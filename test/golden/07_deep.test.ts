import { describe, test } from "vitest";
import { deep } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

describe("07_deep", () => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load("07_deep");
    const { input, hidden, output } = golden.config;
    const layers: number[] = hidden;
    const tensors: Record<string, string> = { c: "o.b" };
    for (let l = 1; l <= layers.length; l++) {
      tensors[`U${l}`] = `h${l}.x`;
      tensors[`W${l}`] = `h${l}.h${l}(1)`;
      tensors[`b${l}`] = `h${l}.b`;
      tensors[`V${l}`] = `o.h${l}`;
      if (l > 1) tensors[`D${l}`] = `h${l}.h${l - 1}`;
    }
    const network = networkOf(
      golden,
      backend,
      deep({ inputs: input, layers, outputs: output, cell: "tanh" }),
      tensors,
    );
    const { window } = checkSequence(golden, backend, network, { x: numbers(golden.inputs.x) }, tensors);
    for (let l = 1; l <= layers.length; l++) {
      expectClose(window.states(`h${l}`), golden.expect[`h${l}`], toleranceOf(golden, backend), `h${l}`);
    }
  });
});
