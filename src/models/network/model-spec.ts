import { EddyError, printable } from "../errors.ts";
import { LARGEST_SIZE } from "./program.ts";
import * as systems from "./systems.ts";
import type { Wiring } from "./wiring.ts";

/** A model by its short name and options, as in `--model lstm:hidden=64,memory=200`. */
export interface ModelSpec {
  readonly name: string;
  readonly options: Readonly<Record<string, number | boolean | string | readonly number[]>>;
}

/** How an option is written: `64`, `0.5`, `true`, `after`, `1x2x4` (a list). A size is a whole number of units. */
type Form =
  | "whole"
  | "size"
  | "number"
  | "flag"
  | "word"
  | "list"
  | "sizes"
  | "number or list"
  | "size or sizes";

/** Longest list of an option. */
const LONGEST_LIST = 64;

interface System {
  readonly forms: Readonly<Record<string, Form>>;
  readonly build: (options: never) => Wiring;
}

/** How many inputs and outputs a network has follows from what it is used for: sizes are no options. */
const shared = { seed: "whole" } as const;
const hidden = { ...shared, hidden: "size" } as const;

/** Every network that has a short name, with the options it takes: those of its builder function. */
const listed: Readonly<Record<string, System>> = {
  elman: { forms: { ...hidden, orthogonal: "flag" }, build: systems.elman },
  lstm: {
    forms: { ...hidden, candidate: "word", forgetBias: "number", memory: "number" },
    build: systems.lstm,
  },
  gru: { forms: { ...hidden, memory: "number", reset: "word" }, build: systems.gru },
  leaky: {
    forms: { ...hidden, alpha: "number or list", fastest: "number", slowest: "number", learned: "flag" },
    build: systems.leaky,
  },
  skip: { forms: { ...hidden, skip: "whole", only: "flag" }, build: systems.skip },
  clockwork: {
    forms: { ...shared, hidden: "size or sizes", periods: "list", firstStep: "whole" },
    build: systems.clockwork,
  },
  deep: { forms: { ...shared, layers: "sizes", cell: "word", skips: "flag" }, build: systems.deep },
  output: { forms: { ...hidden, hiddenEdge: "flag" }, build: systems.outputRecurrence },
  context: { forms: { ...hidden, context: "size", as: "word" }, build: systems.contextual },
  bidirectional: {
    forms: { ...hidden, hiddenBack: "size", cell: "word" },
    build: systems.bidirectional,
  },
  esn: {
    forms: {
      ...shared,
      units: "size",
      radius: "number",
      degree: "whole",
      leak: "number",
      inputScale: "number",
      bias: "number",
      feedback: "number",
    },
    build: systems.esn,
  },
};

/** Names come from outside: in a map, those that every object has (`constructor`) are unknown like any other. */
const table: ReadonlyMap<string, System> = new Map(Object.entries(listed));

/** Short names of networks. */
export function systemNames(): string[] {
  return [...table.keys()];
}

/**
 * Reads `name` or `name:key=value,key=value`. Which options a network takes is checked; any other name is passed on
 * with its options as text, for whoever knows it (`auto`, `persistence`).
 *
 * @example
 * ```ts
 * const spec = parseModelSpec("lstm:hidden=32,memory=100");
 * spec.name === "lstm" && spec.options.hidden === 32; // true
 * ```
 * @throws EddyError `bad-model` naming the option that is wrong.
 */
export function parseModelSpec(text: string): ModelSpec {
  const colon = text.indexOf(":");
  const name = (colon < 0 ? text : text.slice(0, colon)).trim();
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new EddyError("bad-model", "model", {
      expected: "a name, or name:option=value,option=value",
      received: printable(text),
    });
  }
  const options: Record<string, ModelSpec["options"][string]> = Object.create(null);
  const rest = colon < 0 ? "" : text.slice(colon + 1).trim();
  for (const part of rest === "" ? [] : rest.split(",")) {
    const [key = "", value = "", ...more] = part.split("=").map((piece) => piece.trim());
    if (key === "" || value === "" || more.length > 0) {
      throw new EddyError("bad-model", `model ${name}`, {
        expected: "options as name=value",
        received: printable(part),
      });
    }
    if (Object.hasOwn(options, key)) {
      throw new EddyError("bad-model", `model ${name}`, { expected: "each option once", received: key });
    }
    const forms = table.get(name)?.forms;
    options[key] = forms ? readOption(name, key, value, forms) : value;
  }
  return { name, options };
}

/**
 * Takes a list of specs apart. A comma stands between specs and between the options of one: a piece `key=value` without
 * a name goes on with the spec before it.
 *
 * @example
 * ```ts
 * splitModelSpecs("persistence,lstm:hidden=32,memory=100,auto"); // ["persistence", "lstm:hidden=32,memory=100", "auto"]
 * ```
 */
export function splitModelSpecs(text: string): string[] {
  const specs: string[] = [];
  for (const piece of text.split(",")) {
    if (specs.length > 0 && /^\s*[a-zA-Z]+=/.test(piece)) specs[specs.length - 1] += `,${piece}`;
    else specs.push(piece.trim());
  }
  return specs;
}

/** Writes a spec back as text: `parseModelSpec(printModelSpec(spec))` gives an equal spec. */
export function printModelSpec({ name, options }: ModelSpec): string {
  const parts = Object.entries(options).map(
    ([key, value]) => `${key}=${Array.isArray(value) ? value.join("x") : value}`,
  );
  return parts.length ? `${name}:${parts.join(",")}` : name;
}

/**
 * The wiring that a spec stands for; `defaults` fill what it leaves open (lengths of inputs and outputs, the seed).
 * @throws EddyError `bad-model` for a name that is not a network.
 */
export function wiringOf(
  spec: ModelSpec | string,
  defaults: { readonly inputs?: number; readonly outputs?: number; readonly seed?: number } = {},
): Wiring {
  const { name, options } = typeof spec === "string" ? parseModelSpec(spec) : spec;
  const system = table.get(name);
  if (!system) {
    throw new EddyError("bad-model", "model", {
      expected: `one of ${systemNames().join(", ")}`,
      received: printable(name),
    });
  }
  return system.build({ ...defaults, ...options } as never);
}

function readOption(
  model: string,
  key: string,
  value: string,
  forms: Readonly<Record<string, Form>>,
): ModelSpec["options"][string] {
  const form = Object.hasOwn(forms, key) ? forms[key] : undefined;
  if (form === undefined) {
    throw new EddyError("bad-model", `model ${model}`, {
      expected: `options among ${Object.keys(forms).join(", ")}`,
      received: printable(key),
    });
  }
  const wrong = (expected: string): never => {
    throw new EddyError("bad-model", `model ${model}, ${key}`, { expected, received: printable(value) });
  };
  const number = (text: string): number => {
    const parsed = Number(text);
    return text !== "" && Number.isFinite(parsed)
      ? parsed
      : wrong(/list|sizes/.test(form) ? "numbers, such as 1x2x4" : "a number");
  };
  const size = (text: string): number => {
    const parsed = number(text);
    return Number.isInteger(parsed) && parsed >= 1 && parsed <= LARGEST_SIZE
      ? parsed
      : wrong(`${form === "size" ? "a whole number" : "whole numbers"} from 1 to ${LARGEST_SIZE}`);
  };
  const list = (each: (text: string) => number): number[] => {
    const pieces = value.split("x", LONGEST_LIST + 1);
    return pieces.length <= LONGEST_LIST ? pieces.map(each) : wrong(`at most ${LONGEST_LIST} numbers`);
  };
  switch (form) {
    case "word":
      return value;
    case "flag":
      return value === "true" || value === "false" ? value === "true" : wrong("true or false");
    case "whole": {
      const parsed = number(value);
      return Number.isSafeInteger(parsed) && parsed >= 0 ? parsed : wrong("a whole number");
    }
    case "number":
      return number(value);
    case "size":
      return size(value);
    case "list":
      return list(number);
    case "sizes":
      return list(size);
    case "size or sizes":
      return value.includes("x") ? list(size) : size(value);
    default:
      return value.includes("x") ? list(number) : number(value);
  }
}
