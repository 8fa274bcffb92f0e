import type { ClientError } from "./errors.ts";

/** Where the connection of a client stands. */
export type Status =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "live" }
  /** The connection was lost, `reason` says why, and it is tried again at `until` (epoch milliseconds). */
  | { readonly state: "waiting"; readonly until: number; readonly reason: string; readonly code: number }
  /** For good: closed by its owner (null), or refused by the server in a way that trying again does not mend. */
  | { readonly state: "ended"; readonly error: ClientError | null };

/** A status in words, for a person. */
export function statusWords(status: Status, now: number): string {
  switch (status.state) {
    case "connecting":
      return status.attempt > 1 ? "connecting again" : "connecting";
    case "live":
      return "live";
    case "waiting": {
      const seconds = Math.max(0, (status.until - now) / 1000);
      return `${status.reason}; trying again in ${seconds.toFixed(1)} s`;
    }
    case "ended":
      return status.error === null ? "closed" : status.error.message;
  }
}
