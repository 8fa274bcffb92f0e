/** What the process of readers is asked to do. */
export type Asked =
  | {
      do: "open";
      port: number;
      /** Empty: a server that sends without being asked. */
      protocol: string;
      count: number;
      subscribe: object;
      /** Those of before come back to where they were. */
      resume: boolean;
      /** Every frame is read, and which forecasts came is noted. */
      exact: boolean;
    }
  | { do: "forget" | "drop" | "account" | "end" }
  | { do: "pause"; count: number }
  | { do: "measure"; skip: number };

/** What it answers. */
export type Told =
  | { told: "opened"; milliseconds: number }
  | { told: "forgot" | "paused" | "dropped" }
  | { told: "measured"; frames: number; p50: number; p99: number; closed: readonly number[] }
  | { told: "account"; forecasts: number; complete: number; missing: number; twice: number };
