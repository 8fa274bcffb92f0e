// Puts into the package what the compiler leaves out: the page and the script of the report, the thread that copies
// the log, and the schema of the protocol.
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { protocolSchema } from "../../dist/protocol/schema.js";
import { browserFiles } from "../../dist/server/browser-files.js";

rmSync("dist/browser", { recursive: true, force: true });
mkdirSync("dist/browser", { recursive: true });
for (const [name, content] of browserFiles(new URL("../../src/browser/", import.meta.url))) {
  writeFileSync(`dist/browser/${name}`, content);
}
writeFileSync("dist/protocol/schema.json", `${JSON.stringify(protocolSchema(), null, 2)}\n`);
cpSync("src/storage/sqlite/log-copier-thread.mjs", "dist/storage/sqlite/log-copier-thread.mjs");
