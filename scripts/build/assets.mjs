// Copies what the compiler leaves out of the package: the files of the page.
import { cpSync, rmSync } from "node:fs";

rmSync("dist/server/page", { recursive: true, force: true });
cpSync("src/server/page", "dist/server/page", { recursive: true });
