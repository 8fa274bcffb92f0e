import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

const BUILT = new URL("../browser/", import.meta.url);

/**
 * What a browser is given, by name: `index.html`, `icon.svg`, `page.js`, `page.css`, `report.js`, `report.css` of the report, and
 * `client.js`, a module that exports what `eddy/client` does.
 */
export type BrowserFiles = ReadonlyMap<string, Buffer>;

let known: BrowserFiles | undefined;

/**
 * The files for browsers, read once. The package holds them ready-made; where the sources run as they stand they are made of
 * those, so that what is seen is what is there.
 */
export function readBrowserFiles(): BrowserFiles {
  known ??= import.meta.url.endsWith(".ts")
    ? browserFiles(BUILT)
    : new Map(readdirSync(BUILT).map((name) => [name, readFileSync(new URL(name, BUILT))]));
  return known;
}

/**
 * Bundles the sources in a folder: each script with all it needs in one file, and nothing to be fetched from elsewhere. The build
 * does so for the package.
 *
 * @public
 */
export function browserFiles(sources: URL): BrowserFiles {
  const esbuild = createRequire(import.meta.url)("esbuild") as {
    buildSync(options: object): { readonly outputFiles: readonly { path: string; contents: Uint8Array }[] };
  };
  const path = (name: string): string => fileURLToPath(new URL(name, sources));
  const built = (entryPoints: Readonly<Record<string, string>>, format: "iife" | "esm") =>
    esbuild.buildSync({
      entryPoints,
      outdir: path("."),
      write: false,
      bundle: true,
      minify: true,
      format,
      target: "es2022",
      // The licences of what is bundled stay with it.
      legalComments: "eof",
      logLevel: "error",
    }).outputFiles;
  const outputFiles = [
    ...built({ page: path("page/main.ts"), report: path("report/main.ts") }, "iife"),
    ...built({ client: path("../client/index.ts") }, "esm"),
  ];
  const files = new Map<string, Buffer>();
  for (const file of outputFiles) files.set(basename(file.path), Buffer.from(file.contents));
  for (const name of ["index.html", "icon.svg"])
    files.set(name, readFileSync(new URL(`page/${name}`, sources)));
  return files;
}
