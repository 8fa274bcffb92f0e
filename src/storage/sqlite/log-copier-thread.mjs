// The thread of `LogCopier`: copies the log into the database whenever it is asked, over a connection of its own.
// Plain JavaScript, because a thread is started from the file as it is, in a checkout and in the package alike.
import { parentPort, workerData } from "node:worker_threads";

const { default: Database } = await import(workerData.sqlite);
const db = new Database(workerData.path, { fileMustExist: true });
// Synced either way: a page of the log is given up only once the database holds it.
db.pragma("synchronous = FULL");
const copy = db.prepare("PRAGMA wal_checkpoint(PASSIVE)");

parentPort.on("message", (asked) => {
  if (asked === "close") {
    db.close();
    parentPort.close();
    return;
  }
  try {
    parentPort.postMessage(copy.get());
  } catch ({ code, message }) {
    parentPort.postMessage({ code, message });
  }
});
