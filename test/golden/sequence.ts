import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import type { Backend } from "../../src/models/kernels/open.ts";
import { Network } from "../../src/models/network/network.ts";
import { type Sequence, Window, type WindowGradients } from "../../src/models/network/window.ts";
import type { Wiring } from "../../src/models/network/wiring.ts";
import { categories } from "../../src/models/readouts/softmax.ts";
import { squared } from "../../src/models/readouts/squared.ts";
import { expectClose, FLOAT32, type GoldenCase, numbers, type Tolerance } from "./load.ts";

/** The backends every case runs on, with the tolerance each is held to. */
export const BACKENDS = ["reference64", "wasm"] as const;

export function toleranceOf(golden: GoldenCase, backend: Backend): Tolerance {
  return backend === "reference64" ? golden.tolerance : FLOAT32;
}

/** A network with the parameters of a golden file; `tensors` says which golden name each of its tensors has. */
export function networkOf(
  golden: GoldenCase,
  backend: Backend,
  wiring: Wiring,
  tensors: Readonly<Record<string, string>>,
): Network {
  const layout = new Layout(new Arena({ backend, bankBytes: 2 ** 20 }));
  const network = new Network(wiring, layout);
  layout.allocate();
  for (const [name, tensor] of Object.entries(tensors)) network.write(tensor, numbers(golden.params[name]));
  return network;
}

export interface Run {
  readonly window: Window;
  readonly outputs: Float64Array;
  readonly gradients: WindowGradients;
}

/** Runs a sequence and compares outputs, losses, and gradients by parameters with what the file expects. */
export function checkSequence(
  golden: GoldenCase,
  backend: Backend,
  network: Network,
  sequence: Sequence,
  tensors: Readonly<Record<string, string>>,
  wanted = golden.expect,
): Run {
  const tolerance = toleranceOf(golden, backend);
  const width = network.outputs;
  const steps = wanted.y.shape[0];
  const window = new Window(network, steps);
  const outputs = window.forward(sequence);
  expectClose(outputs, wanted.o ?? wanted.y, tolerance, "outputs");
  const classes = golden.targets.class ? numbers(golden.targets.class) : undefined;
  const d = classes ?? numbers(golden.targets.d);
  const readout = classes ? categories(width) : squared(width);
  const gradient = new Float64Array(outputs.length);
  const losses: number[] = [];
  for (let t = 0; t < steps; t++) {
    const label = classes ? [d[t]] : d.subarray(t * width, (t + 1) * width);
    const row = gradient.subarray(t * width, (t + 1) * width);
    losses.push(readout.loss(row, outputs.subarray(t * width, (t + 1) * width), label));
  }
  expectClose(losses, wanted.loss_per_step, tolerance, "loss per step");
  expectClose(
    losses.reduce((sum, loss) => sum + loss, 0),
    wanted.loss,
    tolerance,
    "loss",
  );
  const gradients = window.backward(gradient);
  for (const [name, tensor] of Object.entries(tensors)) {
    expectClose(
      network.read(tensor, gradients.parameters),
      wanted.grads[name],
      tolerance,
      `gradient by ${name}`,
    );
  }
  // Where a run uses only the first rows of x, the file has zeros for the others.
  const dx = new Float64Array(numbers(wanted.input_grads.x).length);
  dx.set(gradients.x);
  expectClose(dx, wanted.input_grads.x, tolerance, "gradient by x");
  return { window, outputs, gradients };
}
