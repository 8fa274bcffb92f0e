// Every example in a docstring, in the README and in docs/ runs. A line `expression; // value` is checked against the value.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { openEngine } from "../../src/server/engine.ts";
import { type Server, startServer } from "../../src/server/server.ts";

interface Example {
  readonly where: string;
  readonly code: string;
}

const files = (folder: string, ending: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending) && !name.includes("generated") && !name.includes("assembly"))
    .map((name) => join(folder, name))
    .sort();

const fences = (where: string, text: string): Example[] =>
  [...text.matchAll(/^```ts( no-run)?\n([\s\S]*?)^```/gm)]
    .filter((match) => match[1] === undefined)
    .map((match, i) => ({ where: `${where} #${i + 1}`, code: match[2] ?? "" }));

const docstrings = (path: string): Example[] => {
  const comments = readFileSync(path, "utf8").match(/\/\*\*[\s\S]*?\*\//g) ?? [];
  return fences(path, comments.map((comment) => comment.replace(/^[ \t]*\* ?/gm, "")).join("\n"));
};

const examples = [
  ...files("src", ".ts").flatMap(docstrings),
  ...["README.md", ...files("docs", ".md")].flatMap((path) => fences(path, readFileSync(path, "utf8"))),
];

/** `expression; // 0.5` becomes an expectation; any other comment stays a comment. */
const checked = (code: string): string =>
  code.replace(
    /^(?!\s*(?:const|let|import|for|if|\/\/|\}))(\s*)(\S.*?);\s*\/\/ (.+)$/gm,
    (line, space, expression, value) => {
      try {
        JSON.parse(value);
      } catch {
        return line;
      }
      return `${space}__same(${expression}, ${value});`;
    },
  );

const modules = ["models", "streams", "storage", "server"];
const folder = resolve("test/.examples");
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const servers: Server[] = [];
afterAll(async () => {
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The address of a server that knows nothing yet. */
async function serve(): Promise<string> {
  const database = join(folder, `${servers.length}.db`);
  const server = await startServer({
    port: 0,
    engine: openEngine({ database, series: { model: "persistence" } }),
  });
  servers.push(server);
  await server.ready;
  return server.url;
}

describe("examples", () => {
  test("there are some", () => {
    expect(examples.length).toBeGreaterThan(5);
  });

  test.each(examples.map((example, i) => [example.where, example.code, i] as const))(
    "%s",
    async (_where, code, i) => {
      // An example that imports nothing from the package gets what it names of the public API.
      let source = code.replace(
        /from "eddy(?:\/(\w+))?"/g,
        (_all, sub) =>
          `from "../../src/${sub === "client" ? "client/node" : `${sub ? `${sub}/` : ""}index`}.ts"`,
      );
      const known = new Set(
        [...source.matchAll(/import (?:type )?\{([^}]*)\}/g)].flatMap((match) =>
          (match[1] ?? "").split(/[\s,]+/),
        ),
      );
      for (const module of /from "eddy/.test(code) ? [] : ["", ...modules.map((name) => `${name}/`)]) {
        const index = `../../src/${module}index.ts`;
        const missing = Object.keys(await import(/* @vite-ignore */ join(folder, index))).filter(
          (name) => new RegExp(`\\b${name}\\b`).test(source) && !known.has(name),
        );
        for (const name of missing) known.add(name);
        if (missing.length > 0) source = `import { ${missing.join(", ")} } from "${index}";\n${source}`;
      }
      // What speaks to a server has one of its own.
      if (/from "eddy\/client"/.test(code))
        source = source.replaceAll("http://127.0.0.1:8787", await serve());
      const path = join(folder, `example-${i}.ts`);
      writeFileSync(
        path,
        `import { expect as __expect } from "vitest";\nconst __same = (a: unknown, b: unknown) => __expect(a).toEqual(b);\n${checked(source)}\nexport {};\n`,
      );
      await import(/* @vite-ignore */ path);
    },
  );
});
