import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as models from "../../../src/models/index.ts";
import { noise, open, slope, squaredLoss } from "./trial.ts";

const page = readFileSync("docs/systems.md", "utf8");
const tables = page
  .split("\n## ")
  .map((section) =>
    section
      .split("\n")
      .filter((line) => line.startsWith("| ") && !line.startsWith("| system "))
      .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | \|$/g, "").trim())),
  )
  .filter((rows) => rows.length > 0);
const [wirings, others] = tables;
const code = (cell: string): string => cell.replace(/^`|`$/g, "");

/** What a row calls its builder: an expression of the public API, or the name of a wiring in the row's example. */
function build(builder: string, anchor: string): models.Wiring {
  const example = fence(anchor) ?? "";
  const start = example.indexOf(`const ${builder} = `);
  const definition = start < 0 ? "" : `${example.slice(start, example.indexOf("};", start) + 2)}\n`;
  const make = new Function(...Object.keys(models), `${definition}return ${builder};`);
  return make(...Object.values(models)) as models.Wiring;
}

function fence(anchor: string): string | undefined {
  const sections = page.split("\n### ").slice(1);
  const slug = (section: string): string => section.split("\n", 1)[0].toLowerCase().replaceAll(" ", "-");
  return sections.find((section) => slug(section) === anchor)?.match(/```ts\n([\s\S]*?)```/)?.[1];
}

const anchorOf = (cell: string): string => cell.match(/\(#(.*)\)/)?.[1] ?? "";

test("the tables have every system", () => {
  expect(wirings.length).toBeGreaterThanOrEqual(25);
  expect(others.length).toBeGreaterThanOrEqual(3);
  const named = [...wirings, ...others].flatMap((row) =>
    [...row.join().matchAll(/`(\d\d_[\w]+)`/g)].map(([, name]) => name),
  );
  // Cases of models; the others are of learning rules, losses and statistics, which the page names below the tables.
  for (const number of [
    "01",
    "02",
    "03",
    "04",
    "05",
    "07",
    "08",
    "09",
    "10",
    "11",
    "12",
    "13",
    "14",
    "15",
    "16",
    "18",
    "19",
  ]) {
    expect(named.some((name) => name.startsWith(number))).toBe(true);
  }
  for (const system of models.systemNames()) expect(page).toContain(`system ${system}`);
});

test.each([...wirings, ...others].map((row) => [row[0], row] as const))(
  "%s: what the row names is there",
  (_, row) => {
    const anchor = anchorOf(row[5]);
    expect(fence(anchor), anchor).toBeDefined();
    for (const [, file] of row.join().matchAll(/`(\d\d_[\w]+)`/g))
      expect(existsSync(`test/golden/${file}.json`)).toBe(true);
    for (const [, path] of row.join().matchAll(/\]\(\.\.\/([^)]+)\)/g))
      expect(existsSync(path), path).toBe(true);
  },
);

describe.each(wirings.map((row) => [row[0], row] as const))("%s", (_, row) => {
  const wiring = build(code(row[1]), anchorOf(row[5]));

  test("is wired as the table says", () => {
    expect(models.printWiring(wiring)).toBe(code(row[2]));
  });

  test("gradient equals central differences for every parameter", () => {
    const { network } = open({ ...wiring, seed: 5 });
    const T = 7;
    const { x, c = 0 } = wiring.sources;
    const sequence = {
      x: noise(T * x, 3),
      steps: T,
      ...(c > 0 ? { context: noise(c, 4) } : {}),
    };
    const d = noise(T * network.outputs, 6);
    const { parameters: gradient } = squaredLoss(network, sequence, d).gradients();
    const theta = network.parameters.view;
    expect(gradient.length).toBe(theta.length);
    for (let i = 0; i < theta.length; i++) {
      const kept = theta[i];
      const wanted = slope((shift) => {
        theta[i] = kept + shift;
        return squaredLoss(network, sequence, d).loss;
      });
      theta[i] = kept;
      expect(Math.abs(gradient[i] - wanted), `parameter ${i}`).toBeLessThan(1e-7 * (1 + Math.abs(wanted)));
    }
  });
});
