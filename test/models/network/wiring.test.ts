import { describe, expect, it } from "vitest";
import { compile } from "../../../src/models/network/program.ts";
import { clockwork, deep, elman, esn, gru, lstm } from "../../../src/models/network/systems.ts";
import { hashWiring, type Node, printWiring, type Wiring } from "../../../src/models/network/wiring.ts";
import { openLive } from "./trial.ts";

const h: Node = { name: "h", cell: "tanh", size: 3, edges: [{ from: "x" }, { from: "h", delay: 1 }] };
const o: Node = { name: "o", cell: "linear", size: 1, edges: [{ from: "h" }] };
const net: Wiring = { sources: { x: 2 }, nodes: [h, o], output: "o" };
const withH = (change: Partial<Node>): Wiring => ({ ...net, nodes: [{ ...h, ...change }, o] });

describe("a wiring that cannot be is refused, naming the node and the edge", () => {
  it.each<[string, Wiring, RegExp]>([
    [
      "unknown origin",
      withH({ edges: [{ from: "g" }] }),
      /^node h, edge g: expected a node \(h, o\) or a source \(x, y, c\), got g$/,
    ],
    ["unknown cell", withH({ cell: "lstn" }), /^node h: expected one of tanh, linear, .*got "lstn"$/],
    [
      "cycle without delay",
      withH({ edges: [{ from: "o" }] }),
      /^edges of delay 0: expected no cycle, got .*->/,
    ],
    ["itself without delay", withH({ edges: [{ from: "h" }] }), /no cycle, got h -> h/],
    ["size", withH({ size: 0 }), /^node h: expected a size from 1/],
    [
      "fractional delay",
      withH({ edges: [{ from: "h", delay: 1.5 }] }),
      /^node h, edge h\(1.5\): expected a whole number/,
    ],
    [
      "the same edge twice",
      withH({ edges: [{ from: "x" }, { from: "x", delay: 0 }] }),
      /^node h: expected each edge once/,
    ],
    [
      "target of this very step",
      { ...withH({ edges: [{ from: "y" }] }), sources: { x: 2, y: 1 } },
      /^node h, edge y: .*not known before its step/,
    ],
    [
      "source without a length",
      withH({ edges: [{ from: "c" }] }),
      /^node h, edge c: expected sources.c to have a length/,
    ],
    ["start without a context", withH({ start: "context" }), /^node h: expected a source c/],
    ["unknown output", { ...net, output: "q" }, /^output: expected one of h, o, got q$/],
    ["two nodes of one name", { ...net, nodes: [h, h] }, /^node h: expected a name that no other/],
    ["name of a source", { ...net, nodes: [{ ...h, name: "x" }] }, /^node x: expected a name that no other/],
    ["period", withH({ period: 0 }), /^node h: expected a period/],
    [
      "degree",
      withH({ edges: [{ from: "x", degree: 3 }] }),
      /^node h, edge x sparse 3: expected a degree from 1 to 2/,
    ],
    [
      "edges of a weightless cell",
      withH({ cell: "product", edges: [{ from: "h", delay: 1 }] }),
      /^node h: expected 2 edges \(a, b\), got 1$/,
    ],
    ["setting", withH({ settings: { alpha: 1 } }), /^node h \(tanh\): setting alpha: expected no settings/],
    [
      "value of a setting",
      withH({ cell: "leaky", settings: { alpha: 1.5 } }),
      /^node h \(leaky\): alpha: expected a share/,
    ],
    [
      "both directions in one loop",
      withH({
        edges: [
          { from: "h", delay: 1 },
          { from: "h", delay: -1 },
        ],
      }),
      /all into the past or all into the future/,
    ],
    ["no node", { ...net, nodes: [] }, /^nodes: expected at least one/],
  ])("%s", (_, wiring, message) => {
    expect(() => compile(wiring)).toThrow(message);
  });

  it("looking ahead live", () => {
    const ahead = withH({ edges: [{ from: "x" }, { from: "h", delay: -1 }] });
    expect(() => openLive(ahead, "wasm")).toThrow(
      /^node h, edge h\(-1\): expected no negative delay in live use/,
    );
  });
});

describe("a wiring is data", () => {
  it("prints as one line", () => {
    expect(printWiring(lstm({ inputs: 2, hidden: 8, outputs: 3 }))).toBe(
      "h = lstm[8](x, h(1)); o = linear[3](h)",
    );
    expect(printWiring(esn({ units: 100 }))).toBe("h = leaky[100](x*, h(1)* sparse 10)");
    expect(printWiring(gru({ hidden: 4, reset: "before" }))).toBe(
      "r = sigmoid[4](x, h(1)); z = sigmoid[4](x, h(1)); rh = product[4](r, h(1)); n = tanh[4](x, rh); h = blend[4](z, h(1), n); o = linear[1](h)",
    );
    expect(printWiring(clockwork({ hidden: 2, periods: [1, 4] }))).toBe(
      "h1 = tanh[2](x, h1(1), h2(1)); h2 = tanh[2](x, h2(1)) every 4; o = linear[1](h1, h2)",
    );
  });

  it("survives JSON, and its hash does not depend on the order of keys", () => {
    const wiring = deep({ inputs: 3, layers: [4, 5], seed: 9 });
    const stored = JSON.parse(JSON.stringify(wiring)) as Wiring;
    expect(stored).toEqual(wiring);
    const { output, nodes, sources, seed } = stored;
    expect(hashWiring({ seed, nodes, output, sources } as Wiring)).toBe(hashWiring(wiring));
    expect(hashWiring(wiring)).toMatch(/^[0-9a-f]{16}$/);
    expect(hashWiring({ ...wiring, seed: 10 })).not.toBe(hashWiring(wiring));
  });

  it("frozen nodes have no parameters; what only they feed is not trained", () => {
    const program = compile(esn({ units: 20, outputs: 1 }));
    expect(program.parameters).toBe(20 + 4);
    expect(program.nodes.map((node) => node.trained)).toEqual([false, true]);
    expect(compile(elman()).nodes.every((node) => node.trained)).toBe(true);
  });
});
