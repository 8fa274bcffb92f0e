import { EddyError } from "../../models/errors.ts";

const encoder = new TextEncoder();

/** Saved state that grows: a line that says what it is, then JSON. */
export class Bytes {
  readonly #kind: string;

  constructor(kind: string) {
    this.#kind = kind;
  }

  json(value: unknown): Uint8Array {
    return encoder.encode(`eddy ${this.#kind} 1\n${JSON.stringify(value)}`);
  }
}

/** What `Bytes` of this kind were made of. @throws EddyError `bad-state` for anything else. */
export function readBytes(kind: string, bytes: Uint8Array): unknown {
  const text = new TextDecoder().decode(bytes);
  const head = `eddy ${kind} 1\n`;
  if (text.startsWith(head)) {
    try {
      return JSON.parse(text.slice(head.length));
    } catch {
      // Told below: it is not what was saved.
    }
  }
  throw new EddyError("bad-state", "saved state", { expected: head.trim(), received: "other bytes" });
}
