import { expect, test } from "vitest";
import { invoke } from "./invoke.ts";

test("readings in Eddy's own form: what they say of time and series is told, and what they do not say is not", async () => {
  const told = async (...lines: object[]): Promise<string> =>
    (
      await invoke(
        ["pipe", "--model", "persistence", "--horizon", "1"],
        `${lines.map((l) => JSON.stringify(l)).join("\n")}\n`,
      )
    ).stderr.split("\n")[0] ?? "";
  const own = await told(
    { series: "a", time: "2026-01-01T00:00:00Z", value: 1 },
    { series: "b", time: "2026-01-01T00:01:00Z", value: 2 },
  );
  expect(own).toContain("time: time, ISO 8601");
  expect(own).toContain("series: by series (--series)");
  const bare = await told({ value: 1 }, { value: 2 });
  expect(bare).toContain("time: none, so readings count as steps");
  expect(bare).toContain("series: one (--series)");
});
