/**
 * Long memory: how far back can a net that learns online remember?
 *
 * A trial shows one of four symbols for one step, then D − 1 steps of noise, then asks for the symbol; only that step
 * has a label. The stream never stops and no state is reset. A run has succeeded when 95 of the last 100 answers, each
 * given before its label was seen, were right.
 *
 *     node --import tsx scripts/studies/long-memory.ts [--systems lstm,gru] [--delays 5,10] [--seeds 101-105]
 *         [--events 5000000] [--minutes 60] [--rate 0.01]
 *     node --import tsx scripts/studies/long-memory.ts --tune       choose each system's learning rate, on other seeds
 *
 * Results are gathered in docs/studies/long-memory.ndjson, run by run, and rendered as a table and a picture after each
 * call: a run that is there already is not made again.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import {
  Arena,
  categories,
  clockwork,
  DelayedLeastSquares,
  DiagonalNetwork,
  elman,
  esn,
  gradientByDelay,
  gru,
  Layout,
  LiveNetwork,
  leaky,
  lstm,
  Network,
  OnlineLearner,
  skip,
  Window,
  type Wiring,
} from "../../src/models/index.ts";
import { seeded } from "../../src/models/network/seeded.ts";
import { lineChart, type Series } from "./line-chart.ts";

const SYMBOLS = 4;
/** x: one place per symbol, noise, and the question. */
const INPUTS = SYMBOLS + 2;
const HIDDEN = 32;
const DELAYS = [5, 10, 20, 50, 100, 200];
const REPORTED_SEEDS = [101, 102, 103, 104, 105];
const TUNING_SEEDS = [1, 2];
const RECENT = 100;
const ENOUGH = 95;
const PATH = new URL("../../docs/studies/long-memory", import.meta.url).pathname;

/** A learner as the stream sees it: answer from x at the question, then the label. */
interface Candidate {
  step(x: Float64Array): ArrayLike<number>;
  /** Called at the question only, after `step`. */
  label(symbol: number): void;
}

interface Settings {
  readonly delay: number;
  readonly seed: number;
  readonly rate: number;
}

interface System {
  /** What a reader needs to know of it. */
  readonly wiring: (settings: Settings) => Wiring;
  readonly learns: "window" | "rtrl" | "readout";
  /** The learning rate whose worst run on the tuning seeds, at D = 20 and D = 50, was best. */
  readonly rate: number;
}

const shape = { inputs: INPUTS, outputs: SYMBOLS };
const systems: Record<string, System> = {
  elman: {
    wiring: ({ seed }) => elman({ ...shape, hidden: HIDDEN, seed }),
    learns: "window",
    rate: 0.001,
  },
  leaky: {
    wiring: ({ seed, delay }) => leaky({ ...shape, hidden: HIDDEN, fastest: 1, slowest: 2 * delay, seed }),
    learns: "window",
    rate: 0.003,
  },
  skip: {
    wiring: ({ seed }) => skip({ ...shape, hidden: HIDDEN, skip: 10, seed }),
    learns: "window",
    rate: 0.001,
  },
  clockwork: {
    wiring: ({ seed }) => clockwork({ ...shape, hidden: 6, periods: [1, 2, 4, 8, 16, 32], seed }),
    learns: "window",
    rate: 0.001,
  },
  lstm: {
    wiring: ({ seed, delay }) => lstm({ ...shape, hidden: HIDDEN, memory: Math.max(3, 2 * delay), seed }),
    learns: "window",
    rate: 0.003,
  },
  gru: {
    wiring: ({ seed, delay }) => gru({ ...shape, hidden: HIDDEN, memory: Math.max(3, 2 * delay), seed }),
    learns: "window",
    rate: 0.01,
  },
  "rtrl-leaky": {
    wiring: ({ seed, delay }) => leaky({ ...shape, hidden: HIDDEN, fastest: 1, slowest: 2 * delay, seed }),
    learns: "rtrl",
    rate: 0.003,
  },
  esn: {
    wiring: ({ seed }) => esn({ inputs: INPUTS, units: 200, radius: 0.99, inputScale: 0.1, bias: 0, seed }),
    learns: "readout",
    rate: 0,
  },
};

function windowed(system: System, settings: Settings): Candidate {
  const layout = new Layout(new Arena());
  const network = new Network(system.wiring(settings), layout);
  // The window is one trial long and ends at the question: it reaches the symbol, and not one step further.
  const steps = settings.delay + 1;
  const learner = new OnlineLearner(network, layout, {
    every: steps,
    through: steps,
    readout: categories(SYMBOLS),
    optimiser: { kind: "adam", rate: settings.rate },
  });
  layout.allocate();
  return {
    step: (x) => learner.step(x),
    label: (symbol) => {
      learner.label(0, [symbol]);
      learner.learn();
    },
  };
}

function realTime(settings: Settings): Candidate {
  const layout = new Layout(new Arena());
  const net = new DiagonalNetwork(layout, "net", {
    inputs: INPUTS,
    units: HIDDEN,
    readout: categories(SYMBOLS),
    optimiser: { kind: "adam", rate: settings.rate },
  });
  layout.allocate();
  net.spread(1, 2 * settings.delay);
  const random = seeded(settings.seed, "rtrl");
  for (let i = 0; i < net.inputWeights.length; i++) net.inputWeights[i] = 2 * random() - 1;
  return {
    step: (x) => {
      net.step(x);
      return net.output;
    },
    label: (symbol) => {
      net.learn([symbol]);
    },
  };
}

/** A frozen reservoir; only the readout of the state at the question learns, by recursive least squares. */
function reservoir(system: System, settings: Settings): Candidate {
  const layout = new Layout(new Arena());
  const network = new Network(system.wiring(settings), layout);
  const live = new LiveNetwork(network, layout);
  const features = network.outputs + 1;
  const readout = new DelayedLeastSquares(layout, "readout", {
    features,
    targets: SYMBOLS,
    horizon: 1,
    forgetting: 0.9999,
    delta: 1e-3,
  });
  layout.allocate();
  const phi = new Float64Array(features).fill(1);
  const answer = new Float64Array(SYMBOLS);
  const target = new Float64Array(SYMBOLS);
  return {
    step: (x) => {
      const state = live.step(x);
      if (x[SYMBOLS + 1] === 0) return answer;
      phi.set(state, 1);
      readout.issue(phi);
      return readout.predict(answer);
    },
    label: (symbol) => {
      target.fill(0);
      target[symbol] = 1;
      readout.settle(target);
    },
  };
}

interface Run {
  readonly system: string;
  readonly delay: number;
  readonly seed: number;
  readonly rate: number;
  readonly limit: number;
  /** Events until 95 of the last 100 answers were right; null when that never happened. */
  readonly events: number | null;
  /** Right answers among the last 100 at the end. */
  readonly right: number;
  readonly seconds: number;
}

function run(name: string, settings: Settings, limit: number): Run {
  const system = systems[name];
  const candidate =
    system.learns === "rtrl"
      ? realTime(settings)
      : system.learns === "readout"
        ? reservoir(system, settings)
        : windowed(system, settings);
  const random = seeded(settings.seed, `stream:${settings.delay}`);
  const x = new Float64Array(INPUTS);
  const recent = new Uint8Array(RECENT);
  const started = performance.now();
  let right = 0;
  let events = 0;
  let succeeded = false;
  for (let trial = 0; events < limit && !succeeded; trial++) {
    const symbol = Math.floor(random() * SYMBOLS);
    let answer: ArrayLike<number> = [];
    for (let t = 0; t <= settings.delay; t++) {
      x.fill(0);
      if (t === 0) x[symbol] = 1;
      x[SYMBOLS] = 2 * random() - 1;
      if (t === settings.delay) x[SYMBOLS + 1] = 1;
      answer = candidate.step(x);
      events++;
    }
    let best = 0;
    for (let k = 1; k < SYMBOLS; k++) if (answer[k] > answer[best]) best = k;
    const slot = trial % RECENT;
    right += (best === symbol ? 1 : 0) - recent[slot];
    recent[slot] = best === symbol ? 1 : 0;
    candidate.label(symbol);
    succeeded = trial >= RECENT && right >= ENOUGH;
  }
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  return { system: name, ...settings, limit, events: succeeded ? events : null, right, seconds };
}

/** |∂o(t)/∂z(t − d)| over all units of the untrained net, d = 0 to `delay`, in a stream of noise; relative to d = 0. */
function gradientsOf(name: string, delay: number): number[] {
  const layout = new Layout(new Arena({ backend: "reference64" }));
  const network = new Network(systems[name].wiring({ delay, seed: TUNING_SEEDS[0], rate: 0 }), layout);
  layout.allocate();
  const T = delay + 1;
  const window = new Window(network, T);
  const random = seeded(1, "gradient");
  window.forward({ x: Float64Array.from({ length: T * INPUTS }, () => 2 * random() - 1) });
  const squares = new Float64Array(T);
  for (const [node, norms] of Object.entries(gradientByDelay(window, T))) {
    if (node === "o") continue;
    norms.forEach((norm, d) => {
      squares[d] += norm ** 2;
    });
  }
  return Array.from(squares, (square) => Math.sqrt(square / squares[0]));
}

const known = (): Run[] =>
  existsSync(`${PATH}.ndjson`)
    ? readFileSync(`${PATH}.ndjson`, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as Run)
    : [];

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];

function short(events: number): string {
  return events >= 1e6 ? `${(events / 1e6).toFixed(1)} M` : `${Math.round(events / 1e3)} k`;
}

function render(runs: readonly Run[]): void {
  const names = Object.keys(systems).filter((name) => runs.some((run) => run.system === name));
  const cell = (name: string, delay: number): string => {
    const cases = runs.filter((run) => run.system === name && run.delay === delay);
    if (cases.length === 0) return "–";
    const done = cases.flatMap(({ events }) => (events === null ? [] : [events]));
    const needed = done.length > 0 ? ` · ${short(median(done))}` : "";
    return `${done.length}/${cases.length}${needed}`;
  };
  const longest = (name: string): string => {
    const solved = DELAYS.filter((delay) => {
      const cases = runs.filter((run) => run.system === name && run.delay === delay);
      return cases.filter(({ events }) => events !== null).length > cases.length / 2;
    });
    return solved.length > 0 ? String(Math.max(...solved)) : "none";
  };
  const limits = [...new Set(runs.map(({ limit }) => limit))].sort((a, b) => a - b).map(short);
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  const lines = [
    "# Long memory: recall after a delay, learned online",
    "",
    "One of four symbols is shown for one step; D − 1 steps of noise follow; then the net is asked for it. Only the answer",
    "has a label, nothing is ever reset, and answers are scored before their label is learned from. A run succeeds when 95 of",
    `the last 100 answers were right (chance: 25). Each cell: runs that succeeded of all, and the median number of events they`,
    `needed. Limit: ${limits.join(" or ")} events (a run that failed at the smaller may yet succeed at the larger). Seeds ${seeds.join(", ")}; learning rates and all other settings were`,
    `chosen on seeds ${TUNING_SEEDS.join(" and ")} at D = 20 and 50 and then left alone.`,
    "",
    `| system | learns by | rate | ${DELAYS.map((delay) => `D = ${delay}`).join(" | ")} | longest on most seeds |`,
    `|---|---|---|${DELAYS.map(() => "---").join("|")}|---|`,
    ...names.map((name) => {
      const how = { window: "TBPTT, window D + 1", rtrl: "RTRL, exact, no window", readout: "RLS readout" }[
        systems[name].learns
      ];
      return `| ${name} | ${how} | ${systems[name].rate || "–"} | ${DELAYS.map((delay) => cell(name, delay)).join(" | ")} | ${longest(name)} |`;
    }),
    "",
    "![Success by delay, and what is left of a gradient](long-memory.svg)",
    "",
    "The wirings at D = 100:",
    "",
    ...names
      .filter((name) => systems[name].learns !== "rtrl")
      .map((name) => {
        const layout = new Layout(new Arena());
        return `* ${name}: \`${new Network(systems[name].wiring({ delay: 100, seed: 1, rate: 0 }), layout)}\``;
      }),
    "* rtrl-leaky: `h = λ h(1) + (1 − λ) tanh(b + w h(1) + Uᵀ x)`, λ w b per unit, then a linear readout",
    "",
    "Right: the norm of the gradient of the answer by what went into the units d steps back, in nets as they begin (D = 100), relative to",
    "d = 0: what is left of a cause to learn from. A line that ends has fallen to zero.",
    "",
    "```",
    "node --import tsx scripts/studies/long-memory.ts",
    "```",
    "",
  ];
  writeFileSync(`${PATH}.md`, lines.join("\n"));
  const success: Series[] = names.map((name) => ({
    name,
    points: DELAYS.flatMap((delay) => {
      const cases = runs.filter((run) => run.system === name && run.delay === delay);
      const done = cases.filter(({ events }) => events !== null).length;
      return cases.length > 0 ? [[delay, done / cases.length] as const] : [];
    }),
  }));
  const gradients: Series[] = names.map((name) => ({
    name,
    points:
      systems[name].learns === "window"
        ? gradientsOf(name, 100)
            .map((norm, d) => [d, norm] as const)
            .filter(([, norm]) => norm > 1e-16)
        : [],
  }));
  writeFileSync(
    `${PATH}.svg`,
    lineChart([
      { title: "runs that recalled, by delay", x: "delay D", y: "share", logX: true, series: success },
      { title: "gradient left, by steps back", x: "d", y: "relative norm", logY: true, series: gradients },
    ]),
  );
}

const { values: flags } = parseArgs({
  options: {
    systems: { type: "string" },
    delays: { type: "string" },
    seeds: { type: "string" },
    events: { type: "string", default: "5000000" },
    minutes: { type: "string", default: "120" },
    rate: { type: "string" },
    tune: { type: "boolean", default: false },
  },
});
const list = (text: string | undefined): number[] | undefined =>
  text?.split(",").flatMap((part) => {
    const [from, to = from] = part.split("-").map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
const chosen = flags.systems?.split(",") ?? Object.keys(systems);
const limit = Number(flags.events);

if (flags.tune) {
  const delay = list(flags.delays)?.[0] ?? 20;
  console.log(`D = ${delay}, seeds ${TUNING_SEEDS}, ${limit} events at most`);
  for (const name of chosen) {
    for (const rate of systems[name].learns === "readout"
      ? [0]
      : (list(flags.rate) ?? [0.001, 0.003, 0.01, 0.03])) {
      const runs = TUNING_SEEDS.map((seed) => run(name, { delay, seed, rate }, limit));
      console.log(name, rate, runs.map(({ events, right }) => events ?? `${right} %`).join("  "));
    }
  }
} else {
  // Runs at a rate that has since been given up are not results.
  const runs = known().filter(({ system, rate }) => flags.rate || rate === systems[system].rate);
  const until = performance.now() + Number(flags.minutes) * 60_000;
  for (const delay of list(flags.delays) ?? DELAYS) {
    for (const seed of list(flags.seeds) ?? REPORTED_SEEDS) {
      for (const name of chosen) {
        if (performance.now() > until) continue;
        const settings = { delay, seed, rate: Number(flags.rate ?? systems[name].rate) };
        const same = (run: Run): boolean =>
          run.system === name && run.delay === delay && run.seed === seed && run.rate === settings.rate;
        if (runs.some((run) => same(run) && (run.events !== null || run.limit >= limit))) continue;
        const made = run(name, settings, limit);
        console.log(JSON.stringify(made));
        runs.splice(0, runs.length, ...runs.filter((run) => !same(run)), made);
        writeFileSync(`${PATH}.ndjson`, `${runs.map((run) => JSON.stringify(run)).join("\n")}\n`);
      }
    }
  }
  if (runs.length > 0) render(runs);
}
