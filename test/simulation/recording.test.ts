// Recordings on a file system that fails by the seed: torn writes, failed syncs, a full disk, power cuts after any operation.
// RECORDING_SEED=<seed> RECORDING_HISTORIES=1 npx vitest run test/simulation/recording.test.ts repeats one.
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect, test } from "vitest";
import { type AppendFile, type Files, Recording, recordedBatches } from "../../src/storage/index.ts";

class PowerCut extends Error {}

/** Bytes of one file: `synced` of them survive anything, of the rest a power cut leaves some prefix. */
interface Content {
  bytes: Uint8Array;
  synced: number;
}

class FailingFiles implements Files {
  readonly #contents = new Map<string, Content>();
  readonly #draw: (low: number, high: number) => number;
  readonly faults: Record<string, number> = {};
  /** One fault per so many operations; 0: none. */
  faultEvery = 12;
  #dead = false;

  constructor(draw: (low: number, high: number) => number) {
    this.#draw = draw;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** The power comes back. */
  restart(): void {
    this.#dead = false;
    for (const content of this.#contents.values()) {
      const kept = this.#draw(content.synced, content.bytes.length);
      content.bytes = content.bytes.slice(0, kept);
      content.synced = kept;
    }
  }

  #fault(kinds: readonly string[]): string | undefined {
    if (this.#dead) throw new PowerCut();
    if (this.faultEvery === 0 || this.#draw(1, this.faultEvery) > 1) return undefined;
    const kind = kinds[this.#draw(0, kinds.length - 1)];
    this.faults[kind] = (this.faults[kind] ?? 0) + 1;
    if (kind === "power cut") {
      this.#dead = true;
      throw new PowerCut();
    }
    return kind;
  }

  open(path: string): AppendFile {
    if (this.#dead) throw new PowerCut();
    const content = this.#contents.get(path) ?? { bytes: new Uint8Array(0), synced: 0 };
    this.#contents.set(path, content);
    const grow = (bytes: Uint8Array): void => {
      const grown = new Uint8Array(content.bytes.length + bytes.length);
      grown.set(content.bytes);
      grown.set(bytes, content.bytes.length);
      content.bytes = grown;
    };
    return {
      get size() {
        return content.bytes.length;
      },
      append: (bytes) => {
        const fault = this.#fault(["torn write", "full disk", "power cut"]);
        if (fault === "torn write") grow(bytes.subarray(0, this.#draw(0, bytes.length)));
        if (fault) throw new Error(fault);
        grow(bytes);
      },
      sync: () => {
        if (this.#fault(["failed sync", "power cut"])) throw new Error("failed sync");
        content.synced = content.bytes.length;
      },
      truncate: (size) => {
        if (this.#dead) throw new PowerCut();
        content.bytes = content.bytes.slice(0, size);
        content.synced = Math.min(content.synced, size);
      },
      read: (offset, length) => content.bytes.slice(offset, offset + length),
      close() {},
    };
  }

  exists(path: string): boolean {
    return this.#contents.has(path);
  }

  rename(from: string, to: string): void {
    this.#fault(["power cut"]);
    const content = this.#contents.get(from);
    if (!content) throw new Error(`${from} is not there`);
    this.#contents.delete(from);
    this.#contents.set(to, content);
  }

  remove(path: string): void {
    this.#contents.delete(path);
  }

  recordings(): string[] {
    return [...this.#contents.keys()].filter((path) => /\.arrow(\.partial)?$/.test(path)).sort();
  }
}

const columns = [{ name: "n", kind: "number" as const }];

function runHistory(seed: number): { problems: string[]; faults: Record<string, number> } {
  const generator = xoroshiro128plus(seed);
  const draw = (low: number, high: number): number => uniformInt(generator, low, high);
  const files = new FailingFiles(draw);
  const problems: string[] = [];
  /** For each batch tried, in order: was it promised? */
  const tried: { n: number; promised: boolean }[] = [];
  let recording: Recording | undefined;
  const rotateBytes = draw(600, 3000);
  for (let n = 0; n < 25; n++) {
    try {
      recording ??= new Recording({ path: "r", columns, rotateBytes, files });
      tried.push({ n, promised: false });
      recording.append([[n, n + 0.5]]);
      tried[tried.length - 1].promised = true;
    } catch {
      if (files.dead) files.restart();
      recording = undefined;
    }
  }
  files.faultEvery = 0;
  if (files.dead) files.restart();
  // Opening repairs what is left.
  new Recording({ path: "r", columns, rotateBytes, files }).close();
  const found = files
    .recordings()
    .flatMap((path) => [...recordedBatches(path, files)].map((batch) => Number(batch.get(0)?.n)));
  if (found.some((n, i) => i > 0 && n <= found[i - 1])) problems.push("out of order or twice");
  const attempts = new Set(tried.map(({ n }) => n));
  if (found.some((n) => !attempts.has(n))) problems.push("invented");
  const there = new Set(found);
  for (const { n, promised } of tried) if (promised && !there.has(n)) problems.push(`batch ${n} is missing`);
  return { problems, faults: files.faults };
}

test("every batch that was promised is there, in order, once, and nothing is invented", () => {
  const first = Number(process.env.RECORDING_SEED ?? 1);
  const histories = Number(process.env.RECORDING_HISTORIES ?? 400);
  const faults: Record<string, number> = {};
  const failures: string[] = [];
  for (let seed = first; seed < first + histories; seed++) {
    const report = runHistory(seed);
    for (const [kind, count] of Object.entries(report.faults)) faults[kind] = (faults[kind] ?? 0) + count;
    if (report.problems.length > 0) failures.push(`seed ${seed}: ${report.problems.join("; ")}`);
  }
  console.log(JSON.stringify({ histories, faults, violations: failures.length }));
  expect(failures).toEqual([]);
  if (histories >= 400) expect(Object.keys(faults)).toHaveLength(4);
});
