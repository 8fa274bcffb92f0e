import { describe, expect, test } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { type Block, Layout } from "../../../src/models/kernels/layout.ts";
import type { Backend } from "../../../src/models/kernels/open.ts";
import { RecursiveTree, type RecursiveTreeOptions } from "../../../src/models/recursive/recursive-tree.ts";

function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state / 2147483647) * 2 - 1;
  };
}

function grown(backend: Backend, options: RecursiveTreeOptions): { tree: RecursiveTree; block: Block } {
  const layout = new Layout(new Arena({ backend }));
  const tree = new RecursiveTree(layout, "tree", options);
  const block = layout.allocate();
  const draw = uniform(5);
  for (let i = 0; i < tree.parameters.length; i++) tree.parameters.view[i] = 0.7 * draw();
  return { tree, block };
}

const leavesOf = (count: number, inputs: number): number[][] => {
  const draw = uniform(9);
  return Array.from({ length: count }, () => Array.from({ length: inputs }, draw));
};

describe("recursive tree", () => {
  test("every prefix root is the root of the tree built afresh by splitting at the largest power of two", () => {
    const { tree } = grown("reference64", { inputs: 3, hidden: 3, leafMap: false });
    const leaves = leavesOf(70, 3);
    const { weights: W, bias: b } = tree;
    const node = (l: number[], r: number[]): number[] =>
      Array.from(b, (bias, i) => {
        let sum = bias;
        for (let j = 0; j < 3; j++) sum += W[j * 3 + i] * l[j] + W[(3 + j) * 3 + i] * r[j];
        return Math.tanh(sum);
      });
    const build = (part: number[][]): number[] => {
      if (part.length === 1) return part[0];
      const cut = 2 ** (Math.ceil(Math.log2(part.length)) - 1);
      return node(build(part.slice(0, cut)), build(part.slice(cut)));
    };
    leaves.forEach((x, t) => {
      tree.push(x);
      const wanted = build(leaves.slice(0, t + 1));
      Array.from(tree.root()).forEach((value, i) => {
        expect(value).toBeCloseTo(wanted[i], 12);
      });
    });
  });

  test("T pushes merge fewer than T times, none more than log₂ T times, and the blocks are the binary number T", () => {
    const { tree } = grown("wasm", { inputs: 2, hidden: 4, window: 2000 });
    let before = 0;
    leavesOf(1000, 2).forEach((x, t) => {
      tree.push(x);
      const merges = tree.nodes().length - before;
      before += merges;
      expect(merges).toBeLessThanOrEqual(Math.log2(t + 1));
      expect(tree.blocks.reduce((sum, size) => sum + size, 0)).toBe(t + 1);
    });
    expect(before).toBeLessThan(1000);
    expect(tree.blocks).toEqual([512, 256, 128, 64, 32, 8]);
  });

  test.each([
    ["all leaves in the window", 11, 16],
    ["a window shorter than the stream: what left it is a constant", 21, 6],
  ])("gradients equal central differences, %s", (_, count, window) => {
    const leaves = leavesOf(count, 2);
    const weightsOfRoot = [0.3, -1.1, 0.8];
    const loss = (tree: RecursiveTree): number =>
      Array.from(tree.root()).reduce((sum, value, i) => sum + weightsOfRoot[i] * value, 0);
    const { tree } = grown("reference64", { inputs: 2, hidden: 3, window });
    for (const x of leaves) tree.push(x);
    loss(tree);
    tree.backward(weightsOfRoot);
    const gradients = tree.gradients.view.slice();
    // Inputs reach the root through every node, whatever the window; only leaves inside it have a gradient.
    for (let i = Math.max(0, count - 3); i < count; i++) {
      const dx = new Float64Array(2);
      tree.inputGradient(dx, i);
      for (let j = 0; j < 2; j++) {
        const slope = [1e-5, -1e-5].map((h) => {
          const other = grown("reference64", { inputs: 2, hidden: 3, window }).tree;
          leaves.forEach((x, t) => {
            other.push(t === i ? x.map((value, k) => (k === j ? value + h : value)) : x);
          });
          return loss(other);
        });
        expect(dx[j]).toBeCloseTo((slope[0] - slope[1]) / 2e-5, 8);
      }
    }
    if (window < count) {
      const dx = new Float64Array(2).fill(7);
      tree.inputGradient(dx, 0);
      expect(dx).toEqual(new Float64Array(2));
      return;
    }
    for (let p = 0; p < tree.parameters.length; p++) {
      const slope = [1e-5, -1e-5].map((h) => {
        const other = grown("reference64", { inputs: 2, hidden: 3, window }).tree;
        other.parameters.view[p] += h;
        for (const x of leaves) other.push(x);
        return loss(other);
      });
      expect(gradients[p]).toBeCloseTo((slope[0] - slope[1]) / 2e-5, 8);
    }
  });

  test("a short window stays finite and its state constant over a long stream", () => {
    const { tree, block } = grown("wasm", { inputs: 2, hidden: 8, window: 16 });
    const size = block.byteLength;
    for (const x of leavesOf(5000, 2)) tree.push(x);
    tree.root();
    tree.backward(new Float64Array(8).fill(1));
    for (const g of tree.gradients.view) expect(g).toSatisfy(Number.isFinite);
    expect(tree.gradients.view.some((g) => g !== 0)).toBe(true);
    expect(block.byteLength).toBe(size);
  });

  test.each(["reference64", "wasm"] as const)("a saved block continues to the same bits, %s", (backend) => {
    const options = { inputs: 3, hidden: 5, window: 8 };
    const leaves = leavesOf(60, 3);
    const a = grown(backend, options);
    for (const x of leaves.slice(0, 37)) a.tree.push(x);
    const b = grown(backend, options);
    b.block.bytes.set(a.block.save());
    for (const { tree } of [a, b]) {
      for (const x of leaves.slice(37)) tree.push(x);
      tree.root();
      tree.backward([1, -1, 2, 0, 1]);
    }
    expect(b.block.save()).toEqual(a.block.save());
  });

  test("clear begins a new sequence and leaves the inputs of pushes untouched", () => {
    const { tree } = grown("reference64", { inputs: 2, hidden: 3 });
    const leaves = leavesOf(6, 2);
    const copies = leaves.map((x) => [...x]);
    for (const x of leaves) tree.push(x);
    const first = [...tree.root()];
    tree.clear();
    expect([...tree.root()]).toEqual([0, 0, 0]);
    for (const x of leaves) tree.push(x);
    expect([...tree.root()]).toEqual(first);
    expect(leaves).toEqual(copies);
  });

  test("sizes that do not fit are refused", () => {
    expect(() => grown("reference64", { inputs: 2, hidden: 3, leafMap: false })).toThrow(EddyError);
    expect(() => grown("reference64", { inputs: 2, hidden: 3, window: 0 })).toThrow(EddyError);
  });
});
