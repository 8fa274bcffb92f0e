import type * as fileSystem from "node:fs";
import type { Clock } from "../storage/clock.ts";

const EVERY_MILLISECONDS = 2_000;

/**
 * Calls `changed` within two seconds of a change to one of the files, or of what a symbolic link leads to: it looks, because
 * notifications are lost where links are switched (certbot, Kubernetes) and on file systems of a network. While `changed` answers
 * false, it is called again each time. The answer ends it.
 */
export function watchFiles(
  paths: readonly string[],
  fs: Pick<typeof fileSystem, "statSync">,
  clock: Pick<Clock, "after">,
  changed: () => boolean,
): () => void {
  const look = (): string =>
    paths
      .map((path) => {
        const stat = fs.statSync(path, { throwIfNoEntry: false });
        return stat === undefined ? "none" : `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeMs}`;
      })
      .join("\n");
  const safely = (): string => {
    try {
      return look();
    } catch {
      return "unreadable";
    }
  };
  let known = safely();
  let done = true;
  let cancel = () => {};
  const next = (): void => {
    cancel = clock.after(EVERY_MILLISECONDS, () => {
      const seen = safely();
      if (seen !== known || !done) {
        known = seen;
        done = changed();
      }
      next();
    });
  };
  next();
  return () => cancel();
}
