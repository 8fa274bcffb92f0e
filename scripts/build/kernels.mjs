// Compiles src/models/kernels/assembly to one WebAssembly module and writes it, base64, as a TypeScript file, so that
// loading it needs no file access and works the same from a checkout, a package and a bundle.
import { writeFile } from "node:fs/promises";
import asc from "assemblyscript/asc";

const entry = "src/models/kernels/assembly/index.ts";
const target = "src/models/kernels/wasm.generated.ts";

const built = new Map();
const { error, stderr } = await asc.main(
  [
    entry,
    "--outFile",
    "kernels.wasm",
    "--textFile",
    "kernels.wat",
    "--runtime",
    "stub",
    "--importMemory",
    "--initialMemory",
    "1",
    "--enable",
    "simd",
    "--noAssert",
    "-O3",
    "--converge",
  ],
  { writeFile: (name, contents) => void built.set(name, contents) },
);
if (error) {
  console.error(stderr.toString());
  process.exit(1);
}
if (process.argv.includes("--text")) console.log(built.get("kernels.wat"));
const bytes = Buffer.from(built.get("kernels.wasm"));
await writeFile(
  target,
  `// Made by scripts/build/kernels.mjs from ${entry}; do not edit.\nexport const WASM_BASE64 =\n  "${bytes.toString("base64")}";\n`,
);
console.error(`kernels: ${bytes.length} bytes of WebAssembly`);
