/** `fan`: the quantiles of the fan. `aci`: adaptive conformal inference on the last 500 errors, to compare with. */
export const INTERVAL_RULES = ["fan", "aci"] as const;
export type IntervalRule = (typeof INTERVAL_RULES)[number];
