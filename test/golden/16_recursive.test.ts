import { describe, expect, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { RecursiveTree } from "../../src/models/recursive/recursive-tree.ts";
import { expectClose, FLOAT32, load, numbers, rowOf, transposed } from "./load.ts";

describe.each(["16_recursive_balanced", "16_recursive_counter", "16_recursive_leafmap"])("%s", (name) => {
  const { config, params, inputs, targets, expect: wanted, tolerance: exact } = load(name);
  const { leaves, hidden: n, output: m, input, leaf_map: leafMap } = config;

  describe.each(["reference64", "reference32", "wasm"] as const)("%s", (backend) => {
    const tolerance = backend === "reference64" ? exact : FLOAT32;

    test("structure, values, prefix roots, loss and gradients", () => {
      const layout = new Layout(new Arena({ backend }));
      const tree = new RecursiveTree(layout, "tree", { inputs: input, hidden: n, leafMap, window: leaves });
      layout.allocate();
      tree.weights.set(transposed(params.W_left, n, n));
      tree.weights.set(transposed(params.W_right, n, n), n * n);
      tree.bias.set(numbers(params.b));
      if (leafMap) {
        tree.leafWeights.set(transposed(params.U, n, input));
        tree.leafBias.set(numbers(params.b_leaf));
      }
      for (let i = 0; i < leaves; i++) {
        tree.push(rowOf(inputs.x, i));
        expectClose(tree.root(), rowOf(wanted.prefix_roots, i), tolerance, `root after ${i + 1} leaves`);
      }
      expect(tree.blocks).toEqual(wanted.blocks_before_fold);
      const root = Float64Array.from(tree.root());
      expectClose(root, wanted.root, tolerance, "root");

      const nodes = tree.nodes();
      const made = nodes.findIndex(({ left, right }) => left.kind === "fold" || right.kind === "fold");
      const counted = leaves - wanted.blocks_before_fold.length;
      expect(made === -1 || made > counted - 1).toBe(true);
      const id = ({ kind, id }: { kind: string; id: number }): number =>
        kind === "leaf" ? id : kind === "node" ? leaves + id : leaves + counted + id;
      expect(nodes.map(({ left }) => id(left))).toEqual([...numbers(wanted.node_left)]);
      expect(nodes.map(({ right }) => id(right))).toEqual([...numbers(wanted.node_right)]);
      expectClose(
        nodes.flatMap(({ value }) => value),
        wanted.node_values,
        tolerance,
        "nodes",
      );

      const V = numbers(params.V);
      const c = numbers(params.c);
      const d = numbers(targets.d);
      const y = c.map((bias, k) => root.reduce((sum, h, j) => sum + V[k * n + j] * h, bias));
      const e = y.map((value, k) => value - d[k]);
      expectClose(y, wanted.y, tolerance, "y");
      expectClose(
        e.reduce((sum, error) => sum + 0.5 * error * error, 0),
        wanted.loss,
        tolerance,
        "loss",
      );
      expectClose(e, wanted.grads.c, tolerance, "dc");
      expectClose(
        [...e].flatMap((error) => [...root].map((h) => error * h)),
        wanted.grads.V,
        tolerance,
        "dV",
      );
      const dRoot = root.map((_, j) => e.reduce((sum, error, k) => sum + error * V[k * n + j], 0));
      tree.backward(dRoot);
      const g = Float64Array.from(tree.gradients.view);
      expect(m).toBe(y.length);
      expectClose(g.subarray(0, n * n), transposed(wanted.grads.W_left, n, n), tolerance, "dW_left");
      expectClose(g.subarray(n * n, 2 * n * n), transposed(wanted.grads.W_right, n, n), tolerance, "dW_right");
      expectClose(g.subarray(2 * n * n, 2 * n * n + n), wanted.grads.b, tolerance, "db");
      const rest = g.subarray(2 * n * n + n);
      if (leafMap) {
        expectClose(rest.subarray(0, input * n), transposed(wanted.grads.U, n, input), tolerance, "dU");
        expectClose(rest.subarray(input * n), wanted.grads.b_leaf, tolerance, "db_leaf");
      }
      const dx = Array.from({ length: leaves }, (_, i) => {
        const out = new Float64Array(input);
        tree.inputGradient(out, i);
        return [...out];
      });
      expectClose(dx.flat(), wanted.input_grads.x, tolerance, "dx");
    });
  });
});
