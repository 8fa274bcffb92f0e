import { itemAt } from "../../models/item-at.ts";

/** How a unit compares with others: numbers of one family can be turned into each other. */
export interface Scale {
  readonly family: string;
  readonly factor: number;
  /** Whether the family has more units than this one. */
  readonly scaled: boolean;
}

const SECONDS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ns: 1e-9,
    us: 1e-6,
    µs: 1e-6,
    μs: 1e-6,
    ms: 1e-3,
    s: 1,
    sec: 1,
    secs: 1,
    seconds: 1,
    min: 60,
    mins: 60,
    minutes: 60,
    h: 3600,
    hr: 3600,
    hrs: 3600,
    hours: 3600,
    d: 86_400,
    days: 86_400,
  }),
);
const METRES: ReadonlyMap<string, number> = new Map(
  Object.entries({ µm: 1e-6, mm: 1e-3, cm: 1e-2, m: 1, km: 1e3 }),
);
const DECIMAL: ReadonlyMap<string, number> = new Map(
  Object.entries({
    n: 1e-9,
    u: 1e-6,
    µ: 1e-6,
    μ: 1e-6,
    m: 1e-3,
    "": 1,
    k: 1e3,
    K: 1e3,
    M: 1e6,
    G: 1e9,
    T: 1e12,
    P: 1e15,
  }),
);
const POWERS = "kMGTP";
const BYTES = /^([kKMGTP]?)(i?)(B|bytes)(\/s|ps)?$/;
const BITS = /^([kKMGTP]?)(bit|bits|b)(\/s|ps)$/;
const MAGNITUDE = /^([kKMGTPmg])(i?)$/;
const PREFIXED = /^([numµμkMGT]?)(Wh|VAh|VA|var|W|V|Ah|A|Hz|Pa|bar|J|Ω|ohm|g|l|L|lx|S|F|H|mol)$/;
/** Units that stand for themselves alone. */
const ALONE = new Set(
  (
    "% ‰ ° °C °F ºC ºF ℃ ℉ C F K degC degF celsius fahrenheit kelvin psi inHg mmHg mbar ft in mi nm t lb lbs oz gal rpm ppm ppb lux dB dBm dBA pH " +
    "m/s km/h kmh mph kn kt knots m³ m3 m³/h m3/h l/min L/min l/h gpm lm cd kcal cal N kN Nm rad deg px x × req/s ops/s rps pcs EUR USD € $ £ ¥ " +
    "EUR/MWh €/MWh W/m² W/m2 µg/m³ ug/m3 µg/m3 mg/m³ µS/cm uS/cm mg/l mg/L counts cpm µSv/h uSv/h UV °/s bpm steps pkts bytes/s"
  ).split(" "),
);

const scaled = (family: string, factor: number): Scale => ({ family, factor, scaled: true });

/** The scale of a unit that is known, or nothing. */
export function knownScale(unit: string): Scale | undefined {
  const seconds = SECONDS.get(unit);
  if (seconds !== undefined) return scaled("time", seconds);
  const metres = METRES.get(unit);
  if (metres !== undefined) return scaled("length", metres);
  if (ALONE.has(unit)) return { family: unit, factor: 1, scaled: false };
  const bytes = BYTES.exec(unit);
  if (bytes !== null)
    return scaled(`bytes${bytes[4] ? "/s" : ""}`, power(itemAt(bytes, 1), itemAt(bytes, 2)));
  const bits = BITS.exec(unit);
  if (bits !== null) return scaled("bits/s", power(itemAt(bits, 1), ""));
  const [, prefix, base] = PREFIXED.exec(unit) ?? [];
  const factor = prefix === undefined ? undefined : DECIMAL.get(prefix);
  if (base !== undefined && factor !== undefined) return scaled(base, factor);
  const bare = MAGNITUDE.exec(unit);
  if (bare !== null) return scaled(bare[2] ? "bytes" : "magnitude", power(itemAt(bare, 1), itemAt(bare, 2)));
  return undefined;
}

function power(prefix: string, binary: string): number {
  if (prefix === "") return 1;
  return (
    (binary === "" ? 1000 : 1024) **
    (POWERS.indexOf(prefix.replace("K", "k").replace(/[mg]/, (c) => c.toUpperCase())) + 1)
  );
}
