import { ARROW_SUBPROTOCOL } from "../../protocol/subprotocols.ts";
import { openArrowReader } from "../http/observations-body.ts";
import { framed, WHOLE_BINARY, WHOLE_TEXT } from "./frame.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Piece } from "./run.ts";
import type { Subprotocol } from "./subprotocol.ts";

/** Steps told in one frame, unless a single forecast has more. */
const FRAME_STEPS = 4096;

/**
 * `eddy.v1.arrow`: all forecasts that wait for a subscription leave in one binary frame, a whole Arrow IPC stream. What has no columns
 * (outputs of pipelines) is JSON as in `eddy.v1.json`.
 */
export async function openArrowFrames(epoch: string): Promise<Subprotocol> {
  const [{ forecastStream }, readBinary] = await Promise.all([
    import("../../storage/arrow/forecast-stream.ts"),
    openArrowReader(),
  ]);

  return {
    name: ARROW_SUBPROTOCOL,
    readBinary,
    pieces(forecasts, { id, view }) {
      const pieces: Piece[] = [];
      let table: Outgoing[] = [];
      let steps = 0;
      const end = (): void => {
        if (table.length === 0) return;
        const metadata = { id: JSON.stringify(id), epoch };
        const bytes = forecastStream(table, { steps: view.steps, metadata });
        pieces.push({ bytes: framed(WHOLE_BINARY, bytes), forecasts: table.length });
        table = [];
        steps = 0;
      };
      for (const outgoing of forecasts) {
        const { issue } = outgoing;
        if (issue.output !== undefined) {
          end();
          pieces.push({ bytes: framed(WHOLE_TEXT, outgoing.message(id, view)), forecasts: 1 });
          continue;
        }
        // One table has one set of columns.
        const [first] = table;
        if (first !== undefined && (steps + issue.horizon > FRAME_STEPS || !sameLevels(first.issue, issue)))
          end();
        table.push(outgoing);
        steps += issue.horizon;
      }
      end();
      return pieces;
    },
  };
}

const sameLevels = (
  a: { readonly quantileLevels: readonly number[] },
  b: { readonly quantileLevels: readonly number[] },
): boolean => a.quantileLevels === b.quantileLevels || a.quantileLevels.join() === b.quantileLevels.join();
