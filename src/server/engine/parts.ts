import type { Clock } from "../../storage/clock.ts";
import type { Store } from "../../storage/store.ts";
import type { Alerts } from "./alerts/alerts.ts";
import type { EngineLog } from "./contract.ts";
import type { Derivation } from "./derivation.ts";
import type { EngineMetrics } from "./metrics.ts";
import type { SeriesRefusals } from "./series-refusals.ts";
import type { SeriesTable } from "./table.ts";

/** What the parts of one engine share. */
export interface EngineParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: EngineLog;
  readonly metrics: EngineMetrics;
  readonly table: SeriesTable;
  readonly derivation: Derivation;
  readonly refusals: SeriesRefusals;
  readonly alerts: Alerts;
}
