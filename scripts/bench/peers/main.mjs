// The same task in Eddy, TensorFlow.js and brain.js: an LSTM of 64 units reads 8 numbers an event, says what comes next, and learns online
// by backpropagation through the last 16 events, every 16 events, with the library's own Adam (brain.js: its own rule).
//
//   npm run build && cd scripts/bench/peers && npm install --ignore-scripts && npm run bench [-- --events 640]
//
// CPU time, in rounds that alternate. TensorFlow.js runs on its plain JavaScript backend, which needs nothing native. Every one of them says something for every event, and learns every event once.
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "320" },
    rounds: { type: "string", default: "3" },
  },
});
const events = Number(values.events);
const HIDDEN = 64;
const INPUTS = 8;
const WINDOW = 16;
const xOf = (t) => Array.from({ length: INPUTS }, (_, j) => Math.sin(0.1 * t * (j + 1)));
const labelOf = (t) => Math.sin(0.1 * (t + 1));

async function eddy() {
  const { recurrent } = await import("../../../dist/streams/index.js");
  const { Subject } = await import("rxjs");
  const input = new Subject();
  let said = 0;
  const adam = { kind: "adam", rate: 1e-3 };
  input
    .pipe(recurrent("lstm", { hidden: HIDDEN, inputs: INPUTS, targets: 1, every: WINDOW, optimiser: adam }))
    .subscribe(({ point }) => {
      said = point[0];
    });
  return (t) => {
    input.next({ x: xOf(t), label: [labelOf(t)] });
    return said;
  };
}

async function tensorflow() {
  const tf = await import("@tensorflow/tfjs");
  await tf.setBackend("cpu");
  const cell = tf.layers.lstmCell({ units: HIDDEN, recurrentActivation: "sigmoid" });
  const head = tf.layers.dense({ units: 1 });
  cell.build([1, INPUTS]);
  head.build([1, HIDDEN]);
  const optimiser = tf.train.adam(1e-3);
  const zeros = () => [tf.zeros([1, HIDDEN]), tf.zeros([1, HIDDEN])];
  let state = zeros();
  let began = zeros().map((one) => one.clone());
  let window = [];
  const step = (x, [h, c]) => {
    const [, next, memory] = cell.call([tf.tensor2d([x]), h, c], {});
    return [head.apply(next), [next, memory]];
  };
  return (t) => {
    const x = xOf(t);
    const [said, next] = tf.tidy(() => {
      const [output, after] = step(x, state);
      return [output.dataSync()[0], after.map((one) => tf.keep(one))];
    });
    if (window.length > 0) tf.dispose(state);
    state = next;
    window.push([x, labelOf(t)]);
    if (window.length < WINDOW) return said;
    optimiser
      .minimize(
        () => {
          let at = began;
          let loss = tf.scalar(0);
          for (const [one, label] of window) {
            const [output, after] = step(one, at);
            at = after;
            loss = loss.add(tf.losses.meanSquaredError(tf.tensor2d([[label]]), output));
          }
          return loss.div(WINDOW);
        },
        false,
        [...cell.trainableWeights, ...head.trainableWeights].map(({ val }) => val),
      )
      ?.dispose();
    tf.dispose(began);
    began = state.map((one) => one.clone());
    window = [];
    return said;
  };
}

async function brain() {
  const { default: library } = await import("brain.js");
  const net = new library.recurrent.LSTMTimeStep({
    inputSize: INPUTS,
    hiddenLayers: [HIDDEN],
    outputSize: INPUTS,
  });
  let window = [xOf(-1), xOf(0)];
  net.train([window], { iterations: 1 });
  return (t) => {
    // It keeps no state between calls: what has come since the last learning is read again for every answer.
    window.push(xOf(t));
    const said = net.run(window);
    if (window.length > WINDOW) {
      net.train([window], { iterations: 1, learningRate: 1e-3 });
      window = window.slice(-1);
    }
    return said[0];
  };
}

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1];

const peers = [];
for (const [name, open, share] of [
  ["Eddy, in a stream", eddy, 64],
  ["TensorFlow.js, plain JavaScript", tensorflow, 1],
  ["brain.js", brain, 1],
]) {
  try {
    const run = await open();
    let said = 0;
    // Warm, and seen to learn something that is a number.
    for (let t = 0; t < 64; t++) said = run(t);
    if (!Number.isFinite(said)) throw new Error(`it says ${said}`);
    peers.push({ name, run, events: events * share, at: 64, rates: [] });
  } catch (error) {
    console.log(`${name}: not run: ${error.message.split("\n", 1)[0]}`);
  }
}
for (let round = 0; round < Number(values.rounds); round++) {
  for (const peer of peers) {
    const start = cpu();
    for (const end = peer.at + peer.events; peer.at < end; peer.at++) peer.run(peer.at);
    peer.rates.push((1e6 * peer.events) / (cpu() - start));
  }
}
console.log(`LSTM-${HIDDEN}, ${INPUTS} inputs, learning online over windows of ${WINDOW}, by CPU time`);
const ours = median(peers[0].rates);
for (const { name, rates } of peers) {
  const rate = median(rates);
  const times = rate === ours ? "" : `, 1/${(ours / rate).toFixed(0)} of Eddy's`;
  console.log(`  ${name}: ${Math.round(rate).toLocaleString("en")} events/s${times}`);
}
