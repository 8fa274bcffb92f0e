import { PbfReader } from "pbf";

/** The fields of a message that are to be read, by their numbers. */
export type MessageShape = Readonly<Record<number, readonly [name: string, type: FieldType, many?: "many"]>>;
export type FieldType =
  | "text"
  | "double"
  | "integer"
  | "fixed"
  | "sfixed"
  | "boolean"
  | "bytes"
  | (() => MessageShape);

/** A message as it was read: by name; what came is there, nothing else. */
export type ProtobufMessage = Record<string, unknown>;

const decoder = new TextDecoder("utf-8", { fatal: true });
const WIRE: Readonly<Record<string, number>> = { double: 1, fixed: 1, sfixed: 1, integer: 0, boolean: 0 };

/** Levels of messages within messages. */
const MAX_DEPTH = 16;

/**
 * Reads a message of protocol buffers by its shape. Lengths never reach beyond what they are in, repeated numbers may be packed.
 *
 * @throws when the bytes are no such message
 */
export function readProtobuf(bytes: Uint8Array, shape: MessageShape): ProtobufMessage {
  return message(new PbfReader(bytes), bytes, shape, bytes.length, 0);
}

function message(
  pbf: PbfReader,
  bytes: Uint8Array,
  shape: MessageShape,
  end: number,
  depth: number,
): ProtobufMessage {
  if (depth > MAX_DEPTH) throw new RangeError("nested too deep");
  const found: ProtobufMessage = Object.create(null);
  pbf.readFields(
    (tag) => {
      const field = shape[tag];
      if (field === undefined) return;
      const [name, type, many] = field;
      const put = (value: unknown): void => {
        if (many === undefined) found[name] = value;
        else {
          const list = found[name] as unknown[] | undefined;
          if (list === undefined) found[name] = [value];
          else list.push(value);
        }
      };
      const ending = (): number => {
        if (pbf.type !== 2) throw new TypeError("another type");
        const to = pbf.readVarint() + pbf.pos;
        if (!(to <= end)) throw new RangeError("longer than what it is in");
        return to;
      };
      if (typeof type === "function") put(message(pbf, bytes, type(), ending(), depth + 1));
      else if (type === "text" || type === "bytes") {
        const to = ending();
        const part = bytes.subarray(pbf.pos, to);
        pbf.pos = to;
        put(type === "text" ? decoder.decode(part) : part);
      } else if (pbf.type === 2 && many !== undefined) {
        for (const to = ending(); pbf.pos < to; ) put(number(pbf, type));
      } else {
        if (pbf.type !== WIRE[type]) throw new TypeError("another type");
        put(number(pbf, type));
      }
    },
    undefined,
    end,
  );
  return found;
}

function number(
  pbf: PbfReader,
  type: Exclude<FieldType, "text" | "bytes" | (() => MessageShape)>,
): number | boolean {
  if (type === "double") return pbf.readDouble();
  if (type === "fixed") return pbf.readFixed64();
  if (type === "sfixed") return pbf.readSFixed64();
  return type === "boolean" ? pbf.readBoolean() : pbf.readVarint(true);
}
