import type { TObject } from "@sinclair/typebox";
import { EddyError } from "../../models/errors.ts";
import { checked } from "../checked.ts";
import { FollowOptionsSchema, followedFile } from "./follow.ts";
import { MachineOptionsSchema, machineMetrics } from "./machine.ts";
import { MqttOptionsSchema, mqttMessages } from "./mqtt.ts";
import { ScrapeOptionsSchema, scrapedMetrics } from "./scrape.ts";
import type { SourceBatches, SourceContext } from "./source.ts";

/** A kind of source: what may be said of it, and how it is opened. */
interface SourceKind {
  readonly schema: TObject;
  // The options have passed the schema, whose type they are.
  readonly open: (options: never, context: SourceContext) => SourceBatches;
}

const KINDS: Readonly<Record<string, SourceKind>> = {
  mqtt: { schema: MqttOptionsSchema, open: mqttMessages },
  file: { schema: FollowOptionsSchema, open: followedFile },
  machine: { schema: MachineOptionsSchema, open: machineMetrics },
  scrape: { schema: ScrapeOptionsSchema, open: scrapedMetrics },
};

export const SOURCE_KINDS: readonly string[] = Object.keys(KINDS);

/** A source as the configuration names it. */
export interface SourceSettings {
  readonly name: string;
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Opens a source of any kind.
 *
 * @throws EddyError `bad-config` naming the source and the option that is wrong
 */
export function openSource({ name, kind, options }: SourceSettings, context: SourceContext): SourceBatches {
  const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (known === undefined) {
    throw new EddyError("bad-config", `${name}: kind`, {
      expected: `one of ${SOURCE_KINDS.join(", ")}`,
      received: JSON.stringify(kind),
    });
  }
  return known.open(checked(known.schema, options, name) as never, { ...context, name });
}

/** Throws `bad-config` about `where` unless the source could be opened; nothing is opened. */
export function checkSource({ kind, options }: SourceSettings, where: string): void {
  // Nothing of the world is touched before somebody subscribes.
  openSource({ name: where, kind, options }, {} as SourceContext);
}
