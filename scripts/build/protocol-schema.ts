// Writes docs/protocol.schema.json, every message of /v1/stream as a JSON Schema: node --import tsx scripts/build/protocol-schema.ts
import { writeFileSync } from "node:fs";
import { protocolSchema } from "../../src/protocol/schema.ts";

writeFileSync("docs/protocol.schema.json", `${JSON.stringify(protocolSchema(), null, 2)}\n`);
