import { describe, expect, test } from "vitest";
import { isRefused } from "../../../src/streams/formats/reading.ts";
import { type Case, cases } from "./cases.ts";
import { losses, read, refused } from "./read.ts";

describe("as people have them", () => {
  test.each(Object.entries(cases))("%s", async (_name, { text, options = {}, format, ...want }: Case) => {
    const reading = read(text, options, format ?? "auto", 512);
    if (want.error !== undefined) {
      await expect(reading).rejects.toThrow(want.error);
      return;
    }
    const all = await reading;
    const last: Record<string, Record<string, number | null>> = {};
    let newest = Number.NEGATIVE_INFINITY;
    let timed = false;
    for (const each of all) {
      if (isRefused(each)) continue;
      last[each.observation.series] = { ...each.observation.values };
      newest = Math.max(newest, each.observation.time);
      timed ||= each.timed;
    }
    expect(last).toEqual(want.last);
    if (want.time !== undefined) expect(timed ? new Date(newest).toISOString() : null).toBe(want.time);
    if (want.refused !== undefined) expect(refused(all)).toHaveLength(want.refused);
    if (want.lost !== undefined) expect(losses(all)).toHaveLength(want.lost);
  });

  test("however the bytes are cut, what is read is the same", async () => {
    for (const { text, options, format } of Object.values(cases)) {
      const outcome = (size: number) =>
        read(text, options ?? {}, format ?? "auto", size).catch((error: Error) => error.message);
      expect(await outcome(5)).toEqual(await outcome(100_000));
    }
  });
});
