import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { REFUSALS } from "../../src/streams/steps.ts";

const page = readFileSync("docs/errors.md", "utf8");

test("every error code is in the table, and no other", () => {
  const union =
    /export type ErrorCode =([\s\S]*?);/.exec(readFileSync("src/models/errors.ts", "utf8"))?.[1] ?? "";
  const codes = [...union.matchAll(/"([a-z-]+)"/g)].map(([, code]) => code);
  expect(codes.length).toBeGreaterThan(10);
  const [errors] = page.split("## Why");
  expect([...(errors ?? "").matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, code]) => code)).toEqual(codes);
});

test("every reason why an observation is set aside is told", () => {
  const [, reasons] = page.split("## Why");
  for (const reason of REFUSALS) expect(reasons).toContain(`| \`${reason}\` |`);
});
