import { describe, expect, it } from "vitest";
import { EddyError } from "../../../src/models/errors.ts";
import { type ForecasterOptions, specification } from "../../../src/models/forecaster/specification.ts";

const refusal = (options: ForecasterOptions): string => {
  try {
    specification(options);
  } catch (error) {
    expect(error).toBeInstanceOf(EddyError);
    expect((error as EddyError).code).toBe("bad-argument");
    return (error as EddyError).message;
  }
  return "taken";
};

describe("the quantiles of a specification", () => {
  it("are none unless asked for", () => {
    expect(specification({}).quantiles).toEqual([]);
  });

  it("are put in order, and what was given is left as it was", () => {
    const given = [0.9, 0.1, 0.5];
    expect(specification({ quantiles: given }).quantiles).toEqual([0.1, 0.5, 0.9]);
    expect(given).toEqual([0.9, 0.1, 0.5]);
  });

  it("may be 32", () => {
    const levels = Array.from({ length: 32 }, (_, k) => (k + 1) / 33);
    expect(specification({ quantiles: levels }).quantiles).toEqual(levels);
    expect(refusal({ quantiles: [...levels, 0.999] })).toMatch(
      /^quantiles: expected a list of at most 32 different numbers between 0 and 1, got \[0\.03.*…$/,
    );
  });

  it.each([
    [[0], "[0]"],
    [[0.5, 1], "[0.5,1]"],
    [[-0.1], "[-0.1]"],
    [[0.2, Number.NaN], "[0.2,NaN]"],
    [[0.5, 0.1, 0.5], "[0.5,0.1,0.5]"],
  ])("%j are refused", (quantiles, received) => {
    expect(refusal({ quantiles })).toBe(
      `quantiles: expected a list of at most 32 different numbers between 0 and 1, got ${received}`,
    );
  });
});
