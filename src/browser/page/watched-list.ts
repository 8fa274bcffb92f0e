import { ask } from "./server.ts";
import { Watch } from "./watch.ts";

const PACE = { soonest: 5_000, latest: 60_000 };

/** Asks again and again for a list that is short or empty, and shows it when it is not as it was. */
export function watchedList<T>(route: string, show: (list: readonly T[]) => void): Watch {
  let said = "";
  return new Watch(async (signal) => {
    const list = await ask<T[]>(route, {}, signal);
    const words = JSON.stringify(list);
    const fresh = words !== said;
    said = words;
    if (fresh) show(list);
    return { fresh, nothing: list.length === 0 };
  }, PACE);
}
