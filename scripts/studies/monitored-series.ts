import { seeded } from "../../src/models/network/seeded.ts";

/** A made-up series of the kind that people watch: its readings at even steps. */
export interface MonitoredSeries {
  readonly name: string;
  /** Milliseconds from reading to reading. */
  readonly step: number;
  readonly readings: readonly number[];
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

interface Drawn {
  readonly uniform: () => number;
  readonly normal: () => number;
}

interface Kind {
  readonly step: number;
  /** Gives the reading of row t when called with it, row after row. */
  readonly open: (drawn: Drawn) => (t: number) => number;
}

const day = (t: number, rows: number): number => Math.sin((2 * Math.PI * t) / rows);

/** By name, what each looks like. */
const KINDS: Readonly<Record<string, Kind>> = {
  "noise around a level": {
    step: MINUTE,
    open:
      ({ normal }) =>
      () =>
        20 + normal(),
  },
  "random walk": {
    step: MINUTE,
    open: ({ normal }) => {
      let v = 100;
      return () => {
        v += 0.5 * normal();
        return v;
      };
    },
  },
  "day with noise": {
    step: HOUR,
    open: ({ normal }) => {
      let e = 0;
      return (t) => {
        e = 0.7 * e + normal();
        return 50 + 8 * day(t, 24) + 3 * day(2 * t, 24) + e;
      };
    },
  },
  "drawn back": {
    step: MINUTE,
    open: ({ normal }) => {
      let e = 0;
      return () => {
        e = 0.95 * e + normal();
        return 60 + e;
      };
    },
  },
  "level that drifts, with noise": {
    step: MINUTE,
    open: ({ normal }) => {
      let v = 40;
      return () => {
        v = 40 + 0.998 * (v - 40) + 0.15 * normal();
        return v + normal();
      };
    },
  },
  bursts: {
    step: MINUTE,
    open: ({ normal, uniform }) => {
      let [burst, size] = [0, 0];
      return () => {
        if (burst === 0 && uniform() < 0.01) {
          burst = 3 + Math.floor(12 * uniform());
          size = 5 * Math.exp(0.7 * normal());
        }
        if (burst > 0) burst--;
        return 10 + 0.5 * normal() + (burst > 0 ? size * (0.7 + 0.6 * uniform()) : 0);
      };
    },
  },
  "disk that fills": {
    step: 5 * MINUTE,
    open: ({ normal, uniform }) => {
      let [used, rate] = [30, 0.02];
      return () => {
        if (uniform() < 0.004) rate = 0.005 + 0.05 * uniform();
        used += rate * (0.4 + 1.2 * uniform());
        if (uniform() < 0.002 || used > 95) used -= 0.2 * used + 0.3 * used * uniform();
        return Math.max(0, Math.min(100, used + 0.03 * normal()));
      };
    },
  },
  "request counts": {
    step: 5 * MINUTE,
    open: ({ normal, uniform }) => {
      let e = 0;
      return (t) => {
        e = 0.9 * e + 0.15 * normal();
        const rate = 6 * Math.exp(0.9 * day(t, 288) + e);
        return poisson(rate, uniform);
      };
    },
  },
};

/** A Poisson number of a mean, by products of uniform ones (Knuth). */
function poisson(mean: number, uniform: () => number): number {
  const least = Math.exp(-mean);
  let n = 0;
  for (let product = uniform(); product > least; product *= uniform()) n++;
  return n;
}

/** Names of the kinds. */
export const MONITORED: readonly string[] = Object.keys(KINDS);

/** A series of a kind: the same for the same seed. */
export function monitoredSeries(name: string, seed: number, rows: number): MonitoredSeries {
  const kind = KINDS[name] as Kind;
  const uniform = seeded(seed, name);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const reading = kind.open({ uniform, normal });
  return { name, step: kind.step, readings: Array.from({ length: rows }, (_, t) => reading(t)) };
}
