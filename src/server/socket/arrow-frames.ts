import { itemAt } from "../../models/item-at.ts";
import { ARROW_SUBPROTOCOL } from "../../protocol/subprotocols.ts";
import { openArrowReader } from "../http/observations-body.ts";
import { Kept } from "./kept.ts";
import { type Outgoing, sharedKey } from "./outgoing.ts";
import type { Subprotocol } from "./subprotocol.ts";
import type { Subscription } from "./subscription.ts";

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
  const frames = new Kept<Uint8Array>();

  const frameOf = (subscription: Subscription, run: readonly Outgoing[]): Uint8Array =>
    frames.get(sharedKey(subscription, run), () => {
      const { id, view } = subscription;
      return forecastStream(run, { steps: view.steps, metadata: { id: JSON.stringify(id), epoch } });
    });

  return {
    name: ARROW_SUBPROTOCOL,
    readBinary,
    send(subscription, now, room, sink) {
      let sent = 0;
      let run: Outgoing[] = [];
      let steps = 0;
      const flush = (): boolean => {
        if (run.length === 0) return true;
        const more = sink.message(frameOf(subscription, run), true);
        run = [];
        steps = 0;
        return more;
      };
      while (sent < room) {
        const outgoing = subscription.take(now);
        if (outgoing === null) break;
        sent++;
        const { issue } = outgoing;
        if (issue.output !== undefined) {
          if (!flush() || !sink.message(outgoing.frame(subscription.id, subscription.view), false)) break;
          continue;
        }
        // One table has one set of columns.
        const fits =
          run.length === 0 ||
          (steps + issue.horizon <= FRAME_STEPS && sameLevels(itemAt(run, 0).issue, issue));
        const more = fits || flush();
        run.push(outgoing);
        steps += issue.horizon;
        if (!more) break;
      }
      flush();
      return sent;
    },
  };
}

const sameLevels = (
  a: { readonly quantileLevels: readonly number[] },
  b: { readonly quantileLevels: readonly number[] },
): boolean => a.quantileLevels === b.quantileLevels || a.quantileLevels.join() === b.quantileLevels.join();
