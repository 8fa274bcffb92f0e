import { describe, test } from "vitest";
import { skip } from "../../src/models/network/systems.ts";
import { expectClose, load, numbers } from "./load.ts";
import { BACKENDS, checkSequence, networkOf, toleranceOf } from "./sequence.ts";

describe.each(["08_skip_time", "09_removed"])("%s", (name) => {
  test.each(BACKENDS)("%s", (backend) => {
    const golden = load(name);
    const { input, hidden, output, d } = golden.config;
    const only = golden.params.W === undefined;
    const tensors: Record<string, string> = { U: "h.x", Wd: `h.h(${d})`, b: "h.b", V: "o.h", c: "o.b" };
    if (!only) tensors.W = "h.h(1)";
    const network = networkOf(golden, backend, skip({ inputs: input, hidden, outputs: output, skip: d, only }), tensors);
    const { window } = checkSequence(golden, backend, network, { x: numbers(golden.inputs.x) }, tensors);
    expectClose(window.states("h"), golden.expect.h, toleranceOf(golden, backend), "h");
  });
});
