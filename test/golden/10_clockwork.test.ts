import { describe, expect, test } from "vitest";
import type { Network } from "../../src/models/network/network.ts";
import { clockwork } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers, type Tensor } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

/** The golden file holds one matrix for all groups; the wiring has one tensor per pair of groups. */
describe.each(["10_clockwork_t0", "10_clockwork_t1"])("%s", (name) => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load(name);
    const { input, hidden, output, steps, periods, group_sizes: sizes, t_first: firstStep } = golden.config;
    const network = networkOf(
      golden,
      backend,
      clockwork({ inputs: input, hidden: sizes, outputs: output, periods, firstStep }),
      { c: "o.b" },
    );
    const first: number[] = [0];
    for (const size of sizes) first.push(first.at(-1)! + size);
    const pieces: { golden: string; tensor: string; rows: [number, number]; columns: [number, number] }[] = [];
    for (let g = 0; g < sizes.length; g++) {
      const rows: [number, number] = [first[g], first[g + 1]];
      pieces.push({ golden: "U", tensor: `h${g + 1}.x`, rows, columns: [0, input] });
      pieces.push({ golden: "b", tensor: `h${g + 1}.b`, rows, columns: [0, 1] });
      pieces.push({ golden: "V", tensor: `o.h${g + 1}`, rows: [0, output], columns: rows });
      for (let k = 0; k < sizes.length; k++) {
        if (periods[k] < periods[g]) continue;
        const columns: [number, number] = [first[k], first[k + 1]];
        pieces.push({ golden: "W", tensor: `h${g + 1}.h${k + 1}(1)`, rows, columns });
      }
    }
    const width: Record<string, number> = { U: input, b: 1, V: hidden, W: hidden };
    const cut = (all: Float64Array, { golden: key, rows, columns }: (typeof pieces)[0]): number[] => {
      const out: number[] = [];
      for (let i = rows[0]; i < rows[1]; i++)
        for (let j = columns[0]; j < columns[1]; j++) out.push(all[i * width[key] + j]);
      return out;
    };
    for (const piece of pieces) network.write(piece.tensor, cut(numbers(golden.params[piece.golden]), piece));

    const h0 = numbers(golden.inputs.h0);
    const start = Object.fromEntries(
      sizes.map((_: number, g: number) => [`h${g + 1}`, h0.subarray(first[g], first[g + 1])]),
    );
    const sequence = { x: numbers(golden.inputs.x), start };
    const { window, gradients } = checkSequence(golden, backend, network, sequence, { c: "o.b" });
    const tolerance = toleranceOf(golden, backend);
    for (const piece of pieces) {
      const wanted = cut(numbers(golden.expect.grads[piece.golden] as Tensor), piece);
      expectClose(network.read(piece.tensor, gradients.parameters), wanted, tolerance, piece.tensor);
    }
    expect(weights(network)).toBeLessThan(hidden * hidden);
    const states = sizes.map((_: number, g: number) => window.states(`h${g + 1}`));
    const h: number[] = [];
    for (let t = 0; t < steps; t++) {
      for (let g = 0; g < sizes.length; g++) h.push(...states[g].subarray(t * sizes[g], (t + 1) * sizes[g]));
    }
    expectClose(h, golden.expect.h, tolerance, "h");
  });
});

/** Recurrent weights that exist: removed connections take no memory. */
function weights(network: Network): number {
  return network.tensors
    .filter((tensor) => /^h\d+\.h/.test(tensor.name))
    .reduce((sum, { outputs, inputs }) => sum + outputs * inputs, 0);
}
