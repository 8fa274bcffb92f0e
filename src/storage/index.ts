export { type Checkpoint, frameCheckpoint, readFrame } from "./checkpoint.ts";
export { type Clock, systemClock } from "./clock.ts";
export { packForecasts, unpackForecasts } from "./issued-forecasts.ts";
export { packValues, unpackValues } from "./journal.ts";
export { partitionOf } from "./partition.ts";
export { DatabaseReader, type StoredForecast, type StoredObservation } from "./sqlite/reader.ts";
export { SqliteStore, type SqliteStoreOptions } from "./sqlite/store.ts";
export type * from "./store.ts";
