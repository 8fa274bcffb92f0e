import { clip } from "../../kernels/clip.ts";
import { CALENDAR_FEATURES } from "../calendar.ts";
import type { Features } from "../features.ts";

/** Length of what recurrent experts see of an event with `columns` columns. */
export const networkInputs = (columns: number): number => 3 * columns + CALENDAR_FEATURES;

/** x(t) of the recurrent experts: of every column its level z, last step and anomaly, and the calendar. */
export function readNetworkInputs(x: Float64Array, features: Features): void {
  let i = 0;
  for (let c = 0; c < features.columns; c++) {
    x[i++] = features.z[c];
    x[i++] = clip(features.step(c, 0), 6);
    x[i++] = features.anomaly[c];
  }
  for (let k = 0; k < CALENDAR_FEATURES; k++) x[i++] = features.calendar[k];
}
