import { seeded } from "../../src/models/network/seeded.ts";

/** How something fills: its rate at row t, called row after row. */
type Rate = (drawn: {
  readonly uniform: () => number;
  readonly normal: () => number;
}) => (t: number) => number;

/** What fills up, by how its rate behaves; the mean rate is 0.03 a step. */
const RATES: Readonly<Record<string, Rate>> = {
  "steady rate": () => () => 0.03,
  "rate that changes now and then": ({ uniform }) => {
    let rate = 0.03;
    return () => {
      if (uniform() < 0.004) rate = 0.005 + 0.05 * uniform();
      return rate;
    };
  },
  "rate that wanders": ({ normal }) => {
    let log = 0;
    return () => {
      log = 0.995 * log + 0.06 * normal();
      return 0.03 * Math.exp(log - 0.18);
    };
  },
  "rate of day and night": ({ normal }) => {
    let log = 0;
    return (t) => {
      log = 0.995 * log + 0.02 * normal();
      return 0.03 * Math.exp(log) * (t % 96 < 48 ? 1.8 : 0.2);
    };
  },
};

export const FILLING: readonly string[] = Object.keys(RATES);

/** Readings of something that fills without end, with noise of size 0.1: the same for the same seed. */
export function fillingSeries(name: string, seed: number, rows: number): number[] {
  const uniform = seeded(seed, name);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const rate = (RATES[name] as Rate)({ uniform, normal });
  let used = 10;
  return Array.from({ length: rows }, (_, t) => {
    used += rate(t) * (0.4 + 1.2 * uniform());
    return used + 0.1 * normal();
  });
}
