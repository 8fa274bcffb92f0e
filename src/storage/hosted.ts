import type { StoredSeries } from "./store.ts";

/** What stands in the place of a model for a pipeline, whose rows in the journal stand for readings of others. */
export const PIPELINE_MODEL = "pipeline";

/** Whether what is stored under a name is a pipeline, not a series of readings. */
export const isStoredPipeline = ({ specification }: Pick<StoredSeries, "specification">): boolean =>
  (JSON.parse(specification) as { readonly model?: unknown }).model === PIPELINE_MODEL;
