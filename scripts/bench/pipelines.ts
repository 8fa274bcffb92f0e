// What an operator costs over the model within: events per second of recurrent("lstm", 64) in a stream beside the bare OnlineLearner,
// one event being a step of 8 inputs and its share of TBPTT(16, 16) with Adam. Both must say the same before anything is timed.
//
//   node --import tsx scripts/bench/pipelines.ts [--hidden 64] [--rounds 9]
//
// CPU time, in rounds that alternate: on a busy machine read the ratio. Exit 1 when it is below 0.9.
import { parseArgs } from "node:util";
import { Subject } from "rxjs";
import { Arena, Layout } from "../../src/models/kernels/index.ts";
import { OnlineLearner } from "../../src/models/learning/tbptt.ts";
import { lstm, Network } from "../../src/models/network/index.ts";
import { recurrent } from "../../src/streams/index.ts";

const INPUTS = 8;
const WINDOW = 16;
const TARGET = 0.9;
/** CPU milliseconds of one round of each. */
const ROUND = 300;

const { values } = parseArgs({
  options: { hidden: { type: "string", default: "64" }, rounds: { type: "string", default: "9" } },
});
const hidden = Number(values.hidden);
const optimiser = { kind: "adam", rate: 1e-3 } as const;

interface Sample {
  readonly x: readonly number[];
  readonly label: readonly number[];
}

/** A wave at eight paces, and where the slowest is next. */
const samples: readonly Sample[] = Array.from({ length: 4096 }, (_, t) => ({
  x: Array.from({ length: INPUTS }, (_, j) => Math.sin(0.1 * t * (j + 1))),
  label: [Math.sin(0.1 * (t + 1))],
}));

type Run = (from: number, to: number) => number;

function bare(): Run {
  const layout = new Layout(new Arena());
  const network = new Network(lstm({ inputs: INPUTS, hidden, outputs: 1, seed: 1 }), layout);
  const learner = new OnlineLearner(network, layout, { every: WINDOW, through: WINDOW, optimiser });
  layout.allocate();
  return (from, to) => {
    let said = Number.NaN;
    for (let t = from; t < to; t++) {
      const { x, label } = samples[t % samples.length] as Sample;
      said = learner.step(x)[0] ?? Number.NaN;
      learner.label(0, label);
      learner.learn();
    }
    return said;
  };
}

function inStream(): Run {
  const input = new Subject<Sample>();
  let said = Number.NaN;
  input
    .pipe(
      recurrent<Sample>("lstm", {
        hidden,
        inputs: INPUTS,
        targets: 1,
        every: WINDOW,
        through: WINDOW,
        optimiser,
      }),
    )
    .subscribe(({ output }) => {
      said = output[0] ?? Number.NaN;
    });
  return (from, to) => {
    for (let t = from; t < to; t++) input.next(samples[t % samples.length] as Sample);
    return said;
  };
}

const runs = { bare: bare(), stream: inStream() };
for (let t = 0; t < 40 * WINDOW; t++) {
  const [one, other] = [runs.bare(t, t + 1), runs.stream(t, t + 1)];
  if (!Object.is(one, other)) throw new Error(`event ${t}: the learner says ${one}, the operator ${other}`);
}

/** CPU microseconds of so many events. */
function cost(run: Run, from: number, events: number): number {
  const start = process.cpuUsage();
  run(from, from + events);
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

let at = 40 * WINDOW;
let events = 64 * WINDOW;
for (;;) {
  const spent = cost(runs.bare, at, events);
  cost(runs.stream, at, events);
  at += events;
  if (spent > ROUND * 500) break;
  events *= 2;
}
const median = (numbers: readonly number[]): number =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;
const ratios: number[] = [];
const rates = { bare: [] as number[], stream: [] as number[] };
for (let round = 0; round < Number(values.rounds); round++) {
  const first = round % 2 === 0 ? "bare" : "stream";
  const second = round % 2 === 0 ? "stream" : "bare";
  const spent = { [first]: cost(runs[first], at, events), [second]: cost(runs[second], at, events) };
  at += events;
  const [alone, within] = [spent.bare ?? Number.NaN, spent.stream ?? Number.NaN];
  ratios.push(alone / within);
  rates.bare.push((1e6 * events) / alone);
  rates.stream.push((1e6 * events) / within);
}
const whole = (rate: number): string => Math.round(rate).toLocaleString("en");
console.log(
  `LSTM-${hidden}, ${INPUTS} inputs, TBPTT(${WINDOW}, ${WINDOW}), ${events} events a round, by CPU time`,
);
console.log(`  bare learner ${whole(median(rates.bare))} events/s`);
console.log(`  in a stream  ${whole(median(rates.stream))} events/s`);
const ratio = median(ratios);
console.log(
  `  ratio ${ratio.toFixed(3)} (${ratios.map((one) => one.toFixed(2)).join(" ")}), at least ${TARGET}`,
);
process.exitCode = ratio >= TARGET ? 0 : 1;
