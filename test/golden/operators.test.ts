// The golden vectors again, through the operators: what a stream gives is what the equations say.
import { from, lastValueFrom, toArray } from "rxjs";
import { describe, expect, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import type { Network } from "../../src/models/network/network.ts";
import {
  clockwork,
  contextual,
  deep,
  elman,
  esn,
  gru,
  leaky,
  lstm,
  outputRecurrence,
  skip,
} from "../../src/models/network/systems.ts";
import type { Wiring } from "../../src/models/network/wiring.ts";
import {
  echoState,
  leakyAverages,
  leakyUnits,
  recurrent,
  type RecurrentOptions,
  type Sample,
  treeSummary,
} from "../../src/streams/index.ts";
import { expectClose, type GoldenCase, load, numbers, rowOf, type Tensor, transposed } from "./load.ts";
import { LSTM_TENSORS } from "./lstm-tensors.ts";
import { BACKENDS, toleranceOf } from "./sequence.ts";

type Tensors = Readonly<Record<string, string>>;
interface Case {
  readonly wiring: Wiring;
  readonly tensors: Tensors;
  readonly start?: Readonly<Record<string, Float64Array>>;
  readonly options?: RecurrentOptions<Sample>;
  readonly steps?: number;
  readonly labels?: Tensor;
  /** Writes what the file holds in another shape. */
  readonly write?: (network: Network) => void;
  // biome-ignore lint/suspicious/noExplicitAny: the part of a golden file
  readonly wanted?: any;
}

const ELMAN = { U: "h.x", W: "h.h(1)", b: "h.b", V: "o.h", c: "o.b" };
const startOf = (golden: GoldenCase) => (golden.inputs.h0 ? { h: numbers(golden.inputs.h0) } : {});

const cases: Readonly<Record<string, (golden: GoldenCase) => Case>> = {
  ...Object.fromEntries(
    ["01_rnn_softmax", "01_rnn_softmax_h0", "02_rnn_linear_mse", "02_rnn_linear_mse_h0"].map((name) => [
      name,
      (golden: GoldenCase): Case => {
        const { input, hidden, output } = golden.config;
        const softmax = name.startsWith("01");
        return {
          wiring: elman({ inputs: input, hidden, outputs: output }),
          tensors: ELMAN,
          start: startOf(golden),
          ...(softmax ? { options: { readout: "softmax" } } : {}),
        };
      },
    ]),
  ),
  ...Object.fromEntries(
    ["03_lstm_book", "03_lstm_book_h0", "04_lstm_tanh", "04_lstm_tanh_h0"].map((name) => [
      name,
      (golden: GoldenCase): Case => {
        const { input, hidden, output } = golden.config;
        const candidate = golden.config.candidate === "sigmoid" ? "logistic" : "tanh";
        return {
          wiring: lstm({ inputs: input, hidden, outputs: output, candidate }),
          tensors: LSTM_TENSORS,
          start: { h: numbers(golden.inputs.h0), "h.s": numbers(golden.inputs.s0) },
        };
      },
    ]),
  ),
  ...Object.fromEntries(
    ["05_gru", "05_gru_h0"].map((name) => [
      name,
      (golden: GoldenCase): Case => {
        const { input, hidden, output } = golden.config;
        return {
          wiring: gru({ inputs: input, hidden, outputs: output }),
          tensors: {
            ...{ br: "h.b.r", Ur: "h.x.r", Wr: "h.h(1).r", bz: "h.b.u", Uz: "h.x.u", Wz: "h.h(1).u" },
            ...{ bn: "h.b.a", Un: "h.x.a", Wn: "h.h(1).k", bhn: "h.b.k", V: "o.h", c: "o.b" },
          },
          start: startOf(golden),
        };
      },
    ]),
  ),
  "05_gru_reset_before": (golden) => {
    const { input, hidden, output } = golden.config;
    return {
      wiring: gru({ inputs: input, hidden, outputs: output, reset: "before" }),
      tensors: {
        ...{ br: "r.b", Ur: "r.x", Wr: "r.h(1)", bz: "z.b", Uz: "z.x", Wz: "z.h(1)" },
        ...{ bn: "n.b", Un: "n.x", Wn: "n.rh", V: "o.h", c: "o.b" },
      },
      start: startOf(golden),
    };
  },
  "07_deep": (golden) => {
    const { input, hidden: layers, output } = golden.config;
    const tensors: Record<string, string> = { c: "o.b" };
    for (let l = 1; l <= layers.length; l++) {
      tensors[`U${l}`] = `h${l}.x`;
      tensors[`W${l}`] = `h${l}.h${l}(1)`;
      tensors[`b${l}`] = `h${l}.b`;
      tensors[`V${l}`] = `o.h${l}`;
      if (l > 1) tensors[`D${l}`] = `h${l}.h${l - 1}`;
    }
    return { wiring: deep({ inputs: input, layers, outputs: output, cell: "tanh" }), tensors };
  },
  ...Object.fromEntries(
    ["08_skip_time", "09_removed"].map((name) => [
      name,
      (golden: GoldenCase): Case => {
        const { input, hidden, output, d } = golden.config;
        const only = golden.params.W === undefined;
        const tensors: Record<string, string> = { U: "h.x", Wd: `h.h(${d})`, b: "h.b", V: "o.h", c: "o.b" };
        if (!only) tensors.W = "h.h(1)";
        return { wiring: skip({ inputs: input, hidden, outputs: output, skip: d, only }), tensors };
      },
    ]),
  ),
  ...Object.fromEntries(
    ["10_clockwork_t0", "10_clockwork_t1"].map((name) => [
      name,
      (golden: GoldenCase): Case => {
        const { input, output, periods, hidden, group_sizes: sizes, t_first: firstStep } = golden.config;
        const first: number[] = [0];
        for (const size of sizes) first.push(first.at(-1)! + size);
        const h0 = numbers(golden.inputs.h0);
        const cut = (key: string, width: number, rows: number[], columns: number[]): number[] => {
          const all = numbers(golden.params[key]);
          const out: number[] = [];
          for (let i = rows[0]; i < rows[1]; i++) {
            for (let j = columns[0]; j < columns[1]; j++) out.push(all[i * width + j]);
          }
          return out;
        };
        return {
          wiring: clockwork({ inputs: input, hidden: sizes, outputs: output, periods, firstStep }),
          tensors: { c: "o.b" },
          start: Object.fromEntries(
            sizes.map((_: number, g: number) => [`h${g + 1}`, h0.subarray(first[g], first[g + 1])]),
          ),
          write(network) {
            for (let g = 0; g < sizes.length; g++) {
              const rows = [first[g], first[g + 1]];
              network.write(`h${g + 1}.x`, cut("U", input, rows, [0, input]));
              network.write(`h${g + 1}.b`, cut("b", 1, rows, [0, 1]));
              network.write(`o.h${g + 1}`, cut("V", hidden, [0, output], rows));
              for (let k = 0; k < sizes.length; k++) {
                if (periods[k] < periods[g]) continue;
                network.write(`h${g + 1}.h${k + 1}(1)`, cut("W", hidden, rows, [first[k], first[k + 1]]));
              }
            }
          },
        };
      },
    ]),
  ),
  ...Object.fromEntries(
    ["11_leaky_fixed", "11_leaky_learnt"].map((name) => [
      name,
      (golden: GoldenCase): Case => {
        const { input, hidden, output } = golden.config;
        const learned = golden.params.theta !== undefined;
        const alpha = learned ? 0.5 : Array.from(numbers(golden.inputs.alpha));
        return {
          wiring: leaky({ inputs: input, hidden, outputs: output, alpha, learned }),
          tensors: { ...ELMAN, ...(learned ? { theta: "h.theta" } : {}) },
          start: startOf(golden),
        };
      },
    ]),
  ),
  ...Object.fromEntries(
    ["13_output_recurrence", "13_output_recurrence_only"].flatMap((name) =>
      ["teacher_forced", "free_running"].map((mode) => [
        `${name} ${mode}`,
        (golden: GoldenCase): Case => {
          const { input, hidden, output, free_steps: freeSteps, hidden_edge: hiddenEdge } = golden.config;
          const { W, ...rest } = ELMAN;
          return {
            wiring: outputRecurrence({ inputs: input, hidden, outputs: output, hiddenEdge }),
            tensors: { ...rest, Wy: "h.y(1)", ...(hiddenEdge ? { W } : {}) },
            start: { ...startOf(golden), y: numbers(golden.inputs.y0) },
            wanted: golden.expect[mode],
            ...(mode === "teacher_forced" ? { labels: golden.targets.d } : { steps: freeSteps }),
          };
        },
      ]),
    ),
  ),
  ...Object.fromEntries(
    ["14_context_input", "14_context_initial", "14_context_both"].map((name) => [
      name,
      (golden: GoldenCase): Case => {
        const { input, hidden, output, context, mode } = golden.config;
        const tensors: Record<string, string> = { ...ELMAN };
        if (mode !== "initial") tensors.R = "h.c";
        if (mode !== "input") tensors.R0 = "h.start";
        return {
          wiring: contextual({ inputs: input, hidden, outputs: output, context, as: mode }),
          tensors,
          options: { context: numbers(golden.inputs.ctx) },
        };
      },
    ]),
  ),
};

describe.each(Object.entries(cases))("recurrent: %s", (name, of) => {
  test.each(BACKENDS)("%s", async (backend) => {
    const golden = load(name.split(" ")[0]);
    const { wiring, tensors, start = {}, options = {}, write, wanted = golden.expect, labels, steps } = of(golden);
    const begin: RecurrentOptions<Sample>["begin"] = (network, live) => {
      for (const [key, tensor] of Object.entries(tensors)) network.write(tensor, numbers(golden.params[key]));
      write?.(network);
      for (const [node, values] of Object.entries(start)) {
        if (node === "y") live.feedback(values);
        else live.writeState(node.replace(/\.s$/, ""), values, node.endsWith(".s") ? "s" : "h");
      }
    };
    const T = steps ?? (wanted.o ?? wanted.y).shape[0];
    const events = Array.from({ length: T }, (_, t): Sample => ({
      x: rowOf(golden.inputs.x, t),
      ...(labels ? { label: rowOf(labels, t) } : {}),
    }));
    // Nothing is learned within the run: the vectors are those of one set of weights.
    const system = recurrent<Sample>(wiring, {
      begin,
      every: 10 * T,
      arena: new Arena({ backend, bankBytes: 2 ** 20 }),
      ...options,
    });
    const outputs = await lastValueFrom(from(events).pipe(system, toArray()));
    const got = outputs.flatMap(({ output }) => output);
    expectClose(got, wanted.o ?? wanted.y, toleranceOf(golden, backend), "outputs");
    if (labels) {
      const errors = outputs.flatMap(({ error }) => error ?? []);
      const d = numbers(labels);
      expectClose(errors, got.map((y, i) => d[i] - y), { rel: 1e-12, abs: 1e-12 }, "errors");
    }
  });
});

describe("echoState: 12_esn", () => {
  const golden = load("12_esn");
  const { config, params, inputs, targets, expect: wanted } = golden;

  test.each(["rls", "lms"] as const)("%s", async (by) => {
    const readout =
      by === "rls"
        ? ({ by, forgetting: config.forgetting, delta: config.delta, diagonalCap: Number.POSITIVE_INFINITY } as const)
        : ({ by, rate: config.lms_rate } as const);
    const given = (tensor: Tensor) => ({ kind: "given" as const, values: Array.from(numbers(tensor)) });
    const short = esn({ inputs: config.input, units: config.hidden, leak: 1 - config.alpha });
    const [h] = short.nodes;
    const events = Array.from({ length: config.steps }, (_, t): Sample => ({
      x: rowOf(inputs.x, t),
      ...(t >= config.washout ? { label: rowOf(targets.d, t) } : {}),
    }));
    const net = echoState<Sample>({
      readout,
      reservoir: {
        ...short,
        nodes: [
          {
            ...h,
            edges: [
              { from: "x", initial: given(params.U) },
              { from: "h", delay: 1, initial: given(params.W) },
            ],
            bias: given(params.b),
          },
        ],
      },
      // The features of the file: the state and a constant, without x itself.
      passInput: false,
      targets: config.output,
      arena: new Arena({ backend: "reference64" }),
    });
    expect(numbers(inputs.h0).every((h) => h === 0)).toBe(true);
    const outputs = await lastValueFrom(from(events).pipe(net, toArray()));
    const said = outputs.slice(config.washout).flatMap(({ output }) => output);
    expectClose(said, wanted[by].y_prior, golden.tolerance, "said before each label");
  });
});

test("leakyUnits: 19_rtrl_diagonal", async () => {
  const { config, params, inputs, expect: wanted, tolerance } = load("19_rtrl_diagonal");
  const units = leakyUnits<Sample>({
    units: config.hidden,
    targets: config.output,
    activation: "linear",
    selfWeight: false,
    bias: false,
    arena: new Arena({ backend: "reference64" }),
    begin(net) {
      net.theta.set(numbers(params.theta));
      net.inputWeights.set(transposed(params.U, config.hidden, config.input));
      net.outputWeights.set(transposed(params.V, config.output, config.hidden));
    },
  });
  const events = Array.from({ length: config.steps }, (_, t) => ({ x: rowOf(inputs.x, t) }));
  const outputs = await lastValueFrom(from(events).pipe(units, toArray()));
  expectClose(outputs.flatMap(({ output }) => output), wanted.y, tolerance, "outputs");
});

test.each(["16_recursive_balanced", "16_recursive_counter", "16_recursive_leafmap"])("treeSummary: %s", async (name) => {
  const { config, params, inputs, expect: wanted, tolerance } = load(name);
  const { hidden: n, input, leaf_map: leafMap, leaves } = config;
  const tree = treeSummary<Sample>({
    hidden: n,
    leafMap,
    window: leaves,
    arena: new Arena({ backend: "reference64" }),
    begin(own) {
      own.weights.set(transposed(params.W_left, n, n));
      own.weights.set(transposed(params.W_right, n, n), n * n);
      own.bias.set(numbers(params.b));
      if (!leafMap) return;
      own.leafWeights.set(transposed(params.U, n, input));
      own.leafBias.set(numbers(params.b_leaf));
    },
  });
  const events = Array.from({ length: leaves }, (_, t) => ({ x: rowOf(inputs.x, t) }));
  const summaries = await lastValueFrom(from(events).pipe(tree, toArray()));
  expectClose(summaries.flatMap(({ summary }) => summary), wanted.prefix_roots, tolerance, "roots");
});

test("leakyAverages: 11_running_average", async () => {
  const { config, inputs, expect: wanted, tolerance } = load("11_running_average");
  const alphas: number[] = config.alphas;
  const averages = await lastValueFrom(
    from(numbers(inputs.v)).pipe(leakyAverages(alphas.map((alpha) => -1 / Math.log(alpha))), toArray()),
  );
  const rows = alphas.flatMap((_, scale) => averages.map((row) => row[scale]));
  expectClose(rows, wanted.corrected, tolerance, "averages");
});
