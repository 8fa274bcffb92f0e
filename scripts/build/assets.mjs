// Copies what the compiler leaves out of the package: the files of the page, and the thread that copies the log.
import { cpSync, rmSync } from "node:fs";

rmSync("dist/server/page", { recursive: true, force: true });
cpSync("src/server/page", "dist/server/page", { recursive: true });
cpSync("src/storage/sqlite/log-copier-thread.mjs", "dist/storage/sqlite/log-copier-thread.mjs");
