import { openSource, type SourceSettings } from "../../streams/sources/kinds.ts";
import type { SourceBatches, SourceWorld } from "../../streams/sources/source.ts";
import type { Engine } from "../engine.ts";
import type { Intake } from "../intake.ts";
import { CounterNames } from "./counter-names.ts";
import { SourceCounts, type SourceReport, sourceMetrics } from "./counts.ts";
import { SourceRunner } from "./source-runner.ts";

/** The sources of a server: those of its configuration, and the doors by which others push. */
export class Sources {
  readonly #counts = new Map<string, SourceCounts>();
  readonly #runners: SourceRunner[] = [];
  readonly #world: SourceWorld;
  /** Told which series are counters. */
  readonly counters: CounterNames;

  constructor(world: SourceWorld, counters = new CounterNames()) {
    this.#world = world;
    this.counters = counters;
  }

  /**
   * Opens the sources of a configuration.
   *
   * @throws EddyError `bad-config` naming the source and the option that is wrong
   */
  open(settings: readonly SourceSettings[], engine: Engine, intake: Intake): void {
    const { random, after } = this.#world;
    const counter = (series: string): void => this.counters.add(series);
    const opened: [SourceRunner, SourceBatches][] = [];
    for (const setting of settings) {
      const { name, kind } = setting;
      const prefix = `${name}#`;
      const kept = new Map<string, string>();
      for (const [key, value] of engine.sources)
        if (key.startsWith(prefix)) kept.set(key.slice(prefix.length), value);
      const counts = this.counts(name, kind);
      const batches$ = openSource(setting, { ...this.#world, name, kept, status: counts, counter });
      opened.push([new SourceRunner(counts, prefix, { engine, intake, random, after }), batches$]);
    }
    for (const [runner, batches$] of opened) {
      this.#runners.push(runner);
      runner.run(batches$);
    }
  }

  /** The counts of a source, made when there are none yet. */
  counts(name: string, kind: string): SourceCounts {
    let counts = this.#counts.get(name);
    if (counts === undefined) {
      counts = new SourceCounts(name, kind, this.#world.now);
      this.#counts.set(name, counts);
    }
    return counts;
  }

  get report(): readonly SourceReport[] {
    return [...this.#counts.values()].map(({ report }) => report);
  }

  get metrics(): string {
    return sourceMetrics([...this.#counts.values()]);
  }

  /** Stops all of them; what they have not acknowledged comes again. */
  async stop(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.stop()));
  }
}
