/** What the process of readers is asked to do. */
export type Asked =
  | {
      do: "open";
      port: number;
      /** Empty: a server that sends without being asked. */
      protocol: string;
      count: number;
      subscribe: object;
    }
  | { do: "forget" | "end" }
  | { do: "pause"; count: number }
  | { do: "measure"; skip: number };

/** What it answers. */
export type Told =
  | { told: "opened"; milliseconds: number }
  | { told: "forgot" | "paused" }
  | { told: "measured"; frames: number; p50: number; p99: number; closed: readonly number[] };
