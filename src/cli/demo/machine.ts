import { cpus, freemem, loadavg, totalmem } from "node:os";
import type { Observation } from "../../models/observation.ts";

/** This machine's own load, sampled when asked: processor in use since the last sample, load average, memory in use. */
export class Machine {
  #busy = 0;
  #all = 0;

  constructor() {
    this.#processor();
  }

  sample(time: number): Observation[] {
    const [load] = loadavg();
    const memory = 100 * (1 - freemem() / totalmem());
    return [
      { series: "machine/processor", time, values: { value: this.#processor() } },
      { series: "machine/load", time, values: { value: load } },
      { series: "machine/memory", time, values: { value: memory } },
    ];
  }

  /** Per cent of all processors' time that was not idle since the last call. */
  #processor(): number {
    let busy = 0;
    let all = 0;
    for (const { times } of cpus()) {
      const total = times.user + times.nice + times.sys + times.idle + times.irq;
      all += total;
      busy += total - times.idle;
    }
    const share = all > this.#all ? (busy - this.#busy) / (all - this.#all) : 0;
    this.#busy = busy;
    this.#all = all;
    return 100 * share;
  }
}
