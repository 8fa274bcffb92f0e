import { describe, expect, test } from "vitest";
import { endOfSequence } from "../../src/models/readouts/end-of-sequence.ts";
import { gaussian } from "../../src/models/readouts/gaussian.ts";
import { huber } from "../../src/models/readouts/huber.ts";
import { poisson } from "../../src/models/readouts/poisson.ts";
import { quantiles } from "../../src/models/readouts/quantile.ts";
import type { Readout } from "../../src/models/readouts/readout.ts";
import { categories, softmax } from "../../src/models/readouts/softmax.ts";
import { squared } from "../../src/models/readouts/squared.ts";
import { expectClose, load, numbers, rowOf } from "./load.ts";

/** Runs a readout over rows; z(t) and d(t) are built by the caller. */
function run(
  readout: Readout,
  rows: number,
  z: (row: number) => Float64Array,
  d: (row: number) => Float64Array,
): { losses: number[]; gradients: Float64Array[]; points: Float64Array[]; total: number } {
  const losses: number[] = [];
  const gradients: Float64Array[] = [];
  const points: Float64Array[] = [];
  for (let row = 0; row < rows; row++) {
    const dz = new Float64Array(readout.inputs);
    losses.push(readout.loss(dz, z(row), d(row)));
    gradients.push(dz);
    const point = new Float64Array(readout.targets);
    readout.point(point, z(row));
    points.push(point);
  }
  return { losses, gradients, points, total: losses.reduce((sum, loss) => sum + loss, 0) };
}

const flat = (rows: readonly Float64Array[]): number[] => rows.flatMap((row) => [...row]);

describe("17 heads", () => {
  test("17_head_gaussian", () => {
    const { config, inputs, targets, expect: wanted, tolerance } = load("17_head_gaussian");
    const m: number = config.dims;
    const got = run(
      gaussian(m),
      config.rows,
      (row) => Float64Array.of(...rowOf(inputs.mean!, row), ...rowOf(inputs.log_var!, row)),
      (row) => rowOf(targets.y!, row),
    );
    expectClose(got.losses, wanted.loss_per_row, tolerance, "loss");
    expectClose(got.total, wanted.loss, tolerance, "total");
    const constant = 0.5 * m * Math.log(2 * Math.PI);
    expectClose(
      got.losses.map((loss) => loss - constant),
      wanted.loss_per_row_no_constant,
      tolerance,
    );
    expectClose(flat(got.gradients.map((dz) => dz.subarray(0, m))), wanted.input_grads.mean, tolerance, "dmean");
    expectClose(flat(got.gradients.map((dz) => dz.subarray(m))), wanted.input_grads.log_var, tolerance, "dlog_var");
    expectClose(flat(got.points), inputs.mean!, tolerance, "point");
  });

  test("17_head_quantile", () => {
    const { config, inputs, targets, expect: wanted, tolerance } = load("17_head_quantile");
    const y = numbers(targets.y!);
    const pred = (row: number): Float64Array => rowOf(inputs.pred!, row);
    const label = (row: number): Float64Array => y.subarray(row, row + 1);
    const got = run(quantiles(1, config.quantiles), config.rows, pred, label);
    expectClose(got.losses, wanted.loss_per_row, tolerance, "loss");
    expectClose(got.total, wanted.loss, tolerance, "total");
    expectClose(flat(got.gradients), wanted.input_grads.pred, tolerance, "dpred");
    (config.quantiles as number[]).forEach((q, k) => {
      const alone = run(quantiles(1, [q]), config.rows, (row) => pred(row).subarray(k, k + 1), label);
      const column = Array.from({ length: config.rows }, (_, row) => rowOf(wanted.loss_elements, row)[k]);
      expectClose(alone.losses, column, tolerance, `loss of level ${q}`);
    });
  });

  test("17_head_huber", () => {
    const { config, inputs, targets, expect: wanted, tolerance } = load("17_head_huber");
    const got = run(
      huber(config.dims, config.delta),
      config.rows,
      (row) => rowOf(inputs.pred!, row),
      (row) => rowOf(targets.y!, row),
    );
    expectClose(got.losses, wanted.loss_per_row, tolerance, "loss");
    expectClose(got.total, wanted.loss, tolerance, "total");
    expectClose(flat(got.gradients), wanted.input_grads.pred, tolerance, "dpred");
  });

  test("17_head_huber with δ beyond every error is squared error", () => {
    const { config, inputs, targets } = load("17_head_huber");
    const z = (row: number): Float64Array => rowOf(inputs.pred!, row);
    const d = (row: number): Float64Array => rowOf(targets.y!, row);
    const wide = run(huber(config.dims, 1e6), config.rows, z, d);
    const plain = run(squared(config.dims), config.rows, z, d);
    expect(wide).toEqual(plain);
  });

  test("17_head_softmax", () => {
    const { config, inputs, targets, expect: wanted, tolerance } = load("17_head_softmax");
    const classes = numbers(targets.class!);
    const logits = (row: number): Float64Array => rowOf(inputs.logits!, row);
    const got = run(categories(config.classes), config.rows, logits, (row) => classes.subarray(row, row + 1));
    expectClose(got.losses, wanted.loss_per_row, tolerance, "loss");
    expectClose(got.total, wanted.loss, tolerance, "total");
    expectClose(flat(got.gradients), wanted.input_grads.logits, tolerance, "dlogits");
    const p = Array.from({ length: config.rows }, (_, row) => {
      const out = new Float64Array(config.classes);
      softmax(out, logits(row));
      return out;
    });
    expectClose(flat(p), wanted.p, tolerance, "p");
  });

  test("17_head_end", () => {
    const { config, inputs, targets, expect: wanted, tolerance } = load("17_head_end");
    const z = numbers(inputs.logit!);
    const end = numbers(targets.end!);
    const row = (from: Float64Array) => (i: number) => from.subarray(i, i + 1);
    const got = run(endOfSequence(), config.rows, row(z), row(end));
    expectClose(got.losses, wanted.loss_per_row, tolerance, "loss");
    expectClose(got.total, wanted.loss, tolerance, "total");
    expectClose(flat(got.points), wanted.p_end, tolerance, "p");
    expectClose(flat(got.gradients), wanted.input_grads.logit, tolerance, "dlogit");
    let start = 0;
    const sums = (config.sequence_lengths as number[]).map((length) => {
      const sum = got.losses.slice(start, start + length).reduce((total, loss) => total + loss, 0);
      start += length;
      return sum;
    });
    expectClose(sums, wanted.loss_per_sequence, tolerance, "loss per sequence");
  });

  test("18_length_poisson_head", () => {
    const { config, inputs, targets, expect: wanted, tolerance } = load("18_length_poisson_head");
    const z = numbers(inputs.z!);
    const count = numbers(targets.count!);
    const row = (from: Float64Array) => (i: number) => from.subarray(i, i + 1);
    const got = run(poisson(), config.rows, row(z), row(count));
    expectClose(got.losses, wanted.loss_per_row, tolerance, "loss");
    expectClose(got.total, wanted.loss, tolerance, "total");
    expectClose(flat(got.points), wanted.rate, tolerance, "rate");
    expectClose(flat(got.gradients), wanted.input_grads.z, tolerance, "dz");
  });
});
