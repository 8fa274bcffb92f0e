// One LSTM learning online: events per second, an event being a step and its share of TBPTT(16, 16) with Adam; 8 inputs.
// WebAssembly against plain TypeScript and, with --native, a C program of the same work, interleaved in one run on one core.
//
//   node --import tsx scripts/bench/lstm-tbptt.ts [--hidden 16,64,256] [--rounds 5] [--native PROGRAM.c]
//
// Single times mean little on a busy machine: read the ratios. The C program (called with HIDDEN EVENTS, printing
// events/s=…) is built by gcc twice: for 128-bit vectors, which is all WebAssembly has, and for this machine.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Arena, type Backend, Layout } from "../../src/models/kernels/index.ts";
import { OnlineLearner } from "../../src/models/learning/tbptt.ts";
import { lstm, Network } from "../../src/models/network/index.ts";

const INPUTS = 8;
const WINDOW = 16;
const SECONDS = 0.4;

const { values } = parseArgs({
  options: {
    hidden: { type: "string", default: "16,64,256" },
    rounds: { type: "string", default: "5" },
    native: { type: "string" },
  },
});
const sizes = values.hidden.split(",").map(Number);
const rounds = Number(values.rounds);

function open(backend: Backend, hidden: number): { run: (events: number) => Float64Array } {
  const layout = new Layout(new Arena({ backend }));
  const network = new Network(lstm({ inputs: INPUTS, hidden, outputs: 1, seed: 1 }), layout);
  const learner = new OnlineLearner(network, layout, {
    every: WINDOW,
    optimiser: { kind: "adam", rate: 1e-3 },
  });
  layout.allocate();
  const x = new Float64Array(INPUTS);
  const d = new Float64Array(1);
  let k = 0;
  return {
    run(events) {
      const outputs = new Float64Array(events);
      for (let i = 0; i < events; i++, k++) {
        for (let j = 0; j < INPUTS; j++) x[j] = Math.sin(0.1 * k * (j + 1));
        outputs[i] = learner.step(x)[0]!;
        d[0] = Math.sin(0.1 * (k + 1));
        learner.label(0, d);
        learner.learn();
      }
      return outputs;
    },
  };
}

const median = (numbers: number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

function compileNative(source: string, folder: string): { name: string; program: string }[] {
  const made: { name: string; program: string }[] = [];
  for (const [name, flag] of [
    ["C, SSE4 (128 bits)", "-msse4.1"],
    ["C, this machine", "-march=native"],
  ] as const) {
    const program = join(folder, flag.replaceAll(/\W/g, ""));
    try {
      execFileSync("gcc", ["-O3", flag, "-ffast-math", source, "-o", program, "-lm"], { stdio: "ignore" });
      made.push({ name, program });
    } catch {
      console.log(`${name}: not built: gcc is missing or refuses it`);
    }
  }
  return made;
}

const folder = mkdtempSync(join(tmpdir(), "eddy-bench-"));
try {
  const natives = values.native === undefined ? [] : compileNative(values.native, folder);
  for (const hidden of sizes) {
    const wasm = open("wasm", hidden);
    const plain = open("reference32", hidden);
    const check = 20 * WINDOW;
    const a = wasm.run(check);
    const b = plain.run(check);
    const apart = a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
    if (!(apart < 1e-4)) throw new Error(`LSTM-${hidden}: outputs differ by ${apart}; nothing to time`);

    const timed = (run: (events: number) => unknown): ((events: number) => number) => {
      return (events) => {
        const start = performance.now();
        run(events);
        return (events / (performance.now() - start)) * 1000;
      };
    };
    const contestants: { name: string; speed: (events: number) => number; events: number }[] = [
      { name: "WebAssembly", speed: timed(wasm.run), events: check },
      { name: "plain TypeScript", speed: timed(plain.run), events: check },
      ...natives.map(({ name, program }) => ({
        name,
        events: check,
        speed: (events: number) =>
          Number(
            /events\/s=(\d+)/.exec(
              execFileSync(program, [String(hidden), String(events)], { encoding: "utf8" }),
            )![1],
          ),
      })),
    ];
    for (const contestant of contestants) {
      for (let i = 0; i < 3; i++) {
        const speed = contestant.speed(contestant.events);
        contestant.events = Math.max(WINDOW, Math.ceil((speed * SECONDS) / WINDOW) * WINDOW);
      }
    }
    const speeds = contestants.map(() => [] as number[]);
    for (let round = 0; round < rounds; round++) {
      for (const [i, { speed, events }] of contestants.entries()) speeds[i]!.push(speed(events));
    }
    console.log(
      `LSTM-${hidden}, ${INPUTS} inputs, TBPTT(16, 16) + Adam; outputs equal within ${apart.toExponential(1)}`,
    );
    for (const [i, { name }] of contestants.entries()) {
      const ratios = speeds[0]!.map((speed, round) => speed / speeds[i]![round]!);
      console.log(
        `  ${name.padEnd(20)} median ${Math.round(median(speeds[i]!)).toLocaleString("en").padStart(10)} events/s` +
          `, best ${Math.round(Math.max(...speeds[i]!))
            .toLocaleString("en")
            .padStart(10)}` +
          (i === 0
            ? ""
            : `; WebAssembly is ${median(ratios).toFixed(2)} x (median of ${rounds} rounds, least ${Math.min(...ratios).toFixed(2)})`),
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
