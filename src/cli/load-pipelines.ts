import { isBuiltin } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type BuildFailure, build, type Plugin } from "esbuild";
import { EddyError, printable } from "../models/errors.ts";
import { isPipeline, type Pipeline } from "../streams/pipeline.ts";
import { fileError } from "../streams/sources/open-file.ts";
import type { World } from "./world.ts";

/** Most pipelines of one file. */
const MOST = 1000;

/** Where this very Eddy is: a pipeline is to be of the same modules, whether it has a copy of its own or none. */
const OWN = /\.ts$/.test(import.meta.url) ? "ts" : "js";
const ownModule = (name: string): string =>
  new URL(`../${name === "" ? "" : `${name}/`}index.${OWN}`, import.meta.url).href;

/** Something that is not bundled; `require` takes a path where `import` takes a URL. */
const outside = (url: string, kind: string) => ({
  path: kind === "require-call" ? fileURLToPath(url) : url,
  external: true,
});

/** Names of Eddy and of RxJS stand for those that are running; everything else is taken from where the file is. */
const running: Plugin = {
  name: "running",
  setup({ onResolve }) {
    onResolve({ filter: /^eddy(\/(models|streams|storage|server))?$/ }, ({ path, kind }) =>
      outside(ownModule(path.slice("eddy/".length)), kind),
    );
    onResolve({ filter: /^rxjs(\/|$)/ }, ({ path, kind }) => outside(import.meta.resolve(path), kind));
    onResolve({ filter: /^[^./]/ }, ({ path }) => (isBuiltin(path) ? { path, external: true } : undefined));
  },
};

/**
 * The pipelines of a file, in TypeScript or JavaScript: its default export, made by `pipeline`, or a list of them. The file and what it imports
 * run in this process, with all it may do: it is code, and trusted like the program itself.
 *
 * @throws EddyError `bad-file` naming the file: it is not there, cannot be read as code, fails when it is run, or exports something else
 */
export async function loadPipelines({ fs }: World, file: string): Promise<readonly Pipeline[]> {
  const path = resolve(file);
  try {
    fs.accessSync(path);
  } catch (cause) {
    throw fileError(file, cause);
  }
  let code: string;
  try {
    const { outputFiles } = await build({
      entryPoints: [path],
      bundle: true,
      write: false,
      platform: "node",
      format: "esm",
      target: "node20",
      logLevel: "silent",
      sourcemap: "inline",
      // It runs from memory; what it says of its own place is that of the file.
      define: {
        "import.meta.url": JSON.stringify(pathToFileURL(path).href),
        "import.meta.filename": JSON.stringify(path),
        "import.meta.dirname": JSON.stringify(dirname(path)),
        __filename: JSON.stringify(path),
        __dirname: JSON.stringify(dirname(path)),
      },
      // Packages of the older kind ask for modules of Node by `require`.
      banner: {
        js: `import { createRequire as $eddyRequire } from "node:module"; const require = $eddyRequire(${JSON.stringify(path)});`,
      },
      plugins: [running],
    });
    code = outputFiles[0]?.text ?? "";
  } catch (cause) {
    const [first] = (cause as BuildFailure).errors ?? [];
    const where = first?.location ? ` (line ${first.location.line})` : "";
    throw new EddyError("bad-file", file, {
      expected: "a pipeline in TypeScript or JavaScript",
      received: first === undefined ? (cause as Error).message : `${first.text}${where}`,
      cause,
    });
  }
  const found = await run(code, file);
  const pipelines = isPipeline(found) ? [found] : found;
  if (
    Array.isArray(pipelines) &&
    pipelines.length > 0 &&
    pipelines.length <= MOST &&
    pipelines.every(isPipeline)
  ) {
    return pipelines;
  }
  throw new EddyError("bad-file", file, {
    expected: "export default pipeline({ name, series, build }), or a list of them",
    received: found === undefined ? "no default export" : printable(found),
  });
}

async function run(code: string, file: string): Promise<unknown> {
  // From the bytes, so that nothing is written beside the file; the name is for stack traces.
  const named = `${code}\n//# sourceURL=${pathToFileURL(resolve(file)).href}`;
  try {
    const module = (await import(`data:text/javascript;base64,${Buffer.from(named).toString("base64")}`)) as {
      readonly default?: unknown;
    };
    return module.default;
  } catch (cause) {
    if (cause instanceof EddyError) throw cause.about(`${file}: ${cause.subject}`);
    throw new EddyError("bad-file", file, {
      expected: "code that runs",
      received: cause instanceof Error ? `${cause.name}: ${cause.message}` : printable(cause),
      cause,
    });
  }
}
