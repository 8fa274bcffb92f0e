/// <reference types="node" preserve="true" />
export type { ColumnKind, ColumnPlan, ColumnValues } from "./arrow/batches.ts";
export { type Checkpoint, frameCheckpoint, readFrame } from "./checkpoint.ts";
export { type Clock, systemClock } from "./clock.ts";
export { EXPORT_FORMATS, type ExportFormat, exportForecasts, exportObservations } from "./export.ts";
export { type Inspection, inspect, type SeriesInspection } from "./inspection.ts";
export { packValues, unpackValues } from "./journal.ts";
export { packIssue, unpackIssue } from "./packed-issue.ts";
export { partitionOf } from "./partition.ts";
export { type AppendFile, diskFiles, type Files } from "./recording/files.ts";
export { Recording, type RecordingOptions, readRecording } from "./recording/recording.ts";
export { examine, type Repaired, repair } from "./recording/repair.ts";
export { restoreSavepoint, type SavepointReport, writeSavepoint } from "./savepoint.ts";
export { DatabaseReader, type StoredObservation } from "./sqlite/reader.ts";
export { SqliteStore, type SqliteStoreOptions } from "./sqlite/store.ts";
export type * from "./store.ts";
