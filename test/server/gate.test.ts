// So much at a time, so much waiting, and no more.
import { expect, test } from "vitest";
import { Gate } from "../../src/server/http/gate.ts";

test("what does not fit waits in order; what does not fit there is told to come back", async () => {
  const gate = new Gate(2, 2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (n: number) =>
    gate.pass(async () => {
      begun.push(n);
      await new Promise<void>((end) => ends.push(end));
      return n;
    });
  const all = [0, 1, 2, 3].map(work);
  expect(begun).toEqual([0, 1]);
  await expect(work(4)).rejects.toMatchObject({ code: "busy" });
  ends[1]?.();
  expect(await all[1]).toBe(1);
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2]);
  // Its place goes to whoever waits, and to nobody who comes meanwhile.
  const late = work(5);
  expect(begun).toEqual([0, 1, 2]);
  ends[0]?.();
  ends[2]?.();
  await Promise.all([all[0], all[2]]);
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 2, 3, 5]);
  for (const end of ends) end();
  expect(await Promise.all([...all, late])).toEqual([0, 1, 2, 3, 5]);
});

test("work that fails gives its place back", async () => {
  const gate = new Gate(1, 0);
  await expect(gate.pass(() => Promise.reject(new Error("x")))).rejects.toThrow("x");
  expect(await gate.pass(async () => 1)).toBe(1);
});
