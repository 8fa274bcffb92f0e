import { expect, test } from "vitest";
import { packParts, unpackParts } from "../../src/stages/stage.ts";

test("parts come back as they were put together, and not in another number than asked for", () => {
  const parts = [Uint8Array.of(1, 2, 3), Uint8Array.of(), Uint8Array.of(4)];
  const bytes = packParts(parts);
  expect(unpackParts(bytes, "state")).toEqual(parts);
  expect(unpackParts(bytes, "state", 3)).toEqual(parts);
  expect(() => unpackParts(bytes, "state", 2)).toThrow("state: expected whole parts");
  expect(() => unpackParts(packParts(parts.slice(1)), "state", 3)).toThrow("state: expected whole parts");
});
