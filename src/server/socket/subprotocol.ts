import type { Batch } from "../http/observations-body.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Addressee, Piece } from "./run.ts";

/** How forecasts become frames, and frames observations. Control messages are JSON in text frames in every one. */
export interface Subprotocol {
  readonly name: string;
  /** The frames of these forecasts, in order; the socket is asked between two pieces whether it takes more. */
  pieces(forecasts: readonly Outgoing[], to: Addressee): readonly Piece[];
  /** Reads the observations of a binary frame, at most `rows`; absent where there are no binary frames. */
  readonly readBinary?: (bytes: Buffer, rows: number) => Generator<unknown, Batch>;
}
