// The description of HTTP, made from its schemas.
//
//   node --import tsx scripts/build/openapi.ts    # writes docs/openapi.json
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { openApiDocument } from "../../src/protocol/http/openapi.ts";

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };

/** The page as it should be. */
export const openApiPage = (): string => `${JSON.stringify(openApiDocument(version), null, 1)}\n`;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync("docs/openapi.json", openApiPage());
}
