import { spawn } from "node:child_process";
import * as fs from "node:fs";
import { systemClock } from "../../../storage/clock.ts";
import type { DeliveryWorld } from "./receiver.ts";

/** The world of this process, as far as nothing else is given. */
export const deliveryWorld = (given: Partial<DeliveryWorld> = {}): DeliveryWorld => ({
  now: Date.now,
  monotonic: systemClock.monotonic,
  after: systemClock.after,
  random: Math.random,
  fs,
  fetch: globalThis.fetch,
  spawn,
  environment: process.env,
  ...given,
});
