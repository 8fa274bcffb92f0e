// What an Arrow body declares is checked against its bytes before anything is read.
import {
  Binary,
  Bool,
  DateDay,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  FixedSizeList,
  Float16,
  Float32,
  Float64,
  Int8,
  Int32,
  Int64,
  LargeUtf8,
  List,
  makeData,
  Null,
  RecordBatch,
  Schema,
  Struct,
  Table,
  TimestampMillisecond,
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  Uint64,
  Utf8,
  Utf8View,
  vectorFromArray,
} from "apache-arrow";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { describe, expect, test } from "vitest";
import { readBody } from "../../src/server/http/observations-body.ts";
import { ArrowFlaw, checkedArrow, checkedArrowMessages } from "../../src/streams/sources/arrow-check.ts";

const names = ["a", "b", "a", null, "c", "a long name of more than twelve letters"];
const numbers = [1, 2.5, null, -4, 5, 6];
const whole = [1, 2, null, -4, 5, 6];

const options = { series: "a", rows: 10_000_000 };
async function atOnce<T>(work: Generator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** A table with a column of every kind that is read. */
function everyKind(): Table {
  const list = (type: Int32) => new List(new Field("item", type, true));
  return new Table({
    time: vectorFromArray(
      [1, 2, 3, 4, 5, 6].map((second) => new Date(second * 1000)),
      new TimestampMillisecond(),
    ),
    series: vectorFromArray(names, new Dictionary(new Utf8(), new Int32())),
    utf8: vectorFromArray(names, new Utf8()),
    large: vectorFromArray(names, new LargeUtf8()),
    views: vectorFromArray(names, new Utf8View()),
    f16: vectorFromArray(numbers, new Float16()),
    f32: vectorFromArray(numbers, new Float32()),
    f64: vectorFromArray(numbers, new Float64()),
    i8: vectorFromArray(whole, new Int8()),
    i64: vectorFromArray(
      whole.map((value) => (value === null ? null : BigInt(value))),
      new Int64(),
    ),
    u64: vectorFromArray([0n, 1n, 2n, null, 4n, 2n ** 64n - 1n], new Uint64()),
    bool: vectorFromArray([true, false, null, true, false, true], new Bool()),
    never: vectorFromArray([null, null, null, null, null, null], new Bool()),
    nothing: vectorFromArray([null, null, null, null, null, null], new Null()),
    day: vectorFromArray(
      names.map(() => new Date(86_400_000)),
      new DateDay(),
    ),
    date: vectorFromArray(
      names.map(() => new Date(86_400_000)),
      new DateMillisecond(),
    ),
    decimal: vectorFromArray(
      whole.map(() => Uint32Array.of(1, 0, 0, 0)),
      new Decimal(2, 10, 128),
    ),
    binary: vectorFromArray(
      names.map(() => Uint8Array.of(1, 2, 3)),
      new Binary(),
    ),
    list: vectorFromArray([[1], [], null, [1, 2, 3], [4], []], list(new Int32())),
    pair: vectorFromArray(
      names.map(() => [1, 2]),
      new FixedSizeList(2, new Field("item", new Int32(), true)),
    ),
    struct: vectorFromArray(
      names.map((name, i) => ({ i, name })),
      new Struct([new Field("i", new Int32(), true), new Field("name", new Utf8(), true)]),
    ),
  });
}

const text = (table: Table): string =>
  JSON.stringify(table.toArray(), (_, value) => (typeof value === "bigint" ? String(value) : value));
const refused = (bytes: Uint8Array): string => {
  try {
    checkedArrow(bytes);
    return "taken";
  } catch (error) {
    expect(error).toBeInstanceOf(ArrowFlaw);
    return (error as Error).message;
  }
};

/** A batch that declares `rows` rows of a column over the buffers given. */
function declaring(rows: number, type: Float64 | Utf8 | Null | Bool, buffers: object): Uint8Array {
  const field = new Field("value", type, true);
  const schema = new Schema([field]);
  const child = makeData({ type, length: rows, nullCount: 0, ...buffers } as never);
  const data = makeData({
    type: new Struct([field]),
    length: rows,
    nullCount: 0,
    children: [child],
  } as never);
  return tableToIPC(new Table([new RecordBatch(schema, data as never)]), "stream");
}

describe("honest bytes", () => {
  test.each(["stream", "file"] as const)(
    "a %s of every kind of column comes out as it went in",
    async (kind) => {
      const table = everyKind();
      const bytes = tableToIPC(table, kind);
      const expected = text(tableFromIPC(bytes));
      expect(text(tableFromIPC(checkedArrow(bytes)))).toBe(expected);
      let at = 0;
      const messages: Uint8Array[] = [];
      const read = async (want: number) => {
        at += want;
        return bytes.subarray(at - want, at);
      };
      const tail = bytes.length - 10;
      const footer =
        kind === "file"
          ? bytes.subarray(tail - new DataView(bytes.buffer, bytes.byteOffset).getInt32(tail, true), tail)
          : new Uint8Array(0);
      for await (const message of checkedArrowMessages(read, bytes.length, footer)) messages.push(message);
      expect(text(tableFromIPC(Buffer.concat(messages)))).toBe(expected);
    },
  );

  test("many columns, long names, many batches, none", () => {
    const wide = tableFromArrays(
      Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`${"column ".repeat(30)}${i}`, [i]])),
    );
    expect(refused(tableToIPC(wide, "stream"))).toBe("taken");
    expect(refused(tableToIPC(wide, "file"))).toBe("taken");
    const small = tableFromArrays({ value: Float64Array.of(1, 2) });
    const many = small.concat(...Array.from({ length: 300 }, () => small));
    expect(tableFromIPC(checkedArrow(tableToIPC(many, "file"))).numRows).toBe(602);
    expect(refused(tableToIPC(new Table(small.schema), "stream"))).toBe("taken");
  });
});

describe("declared and not there", () => {
  test("rows", () => {
    const row = { data: Float64Array.of(1, 2, 3) };
    expect(refused(declaring(3, new Float64(), row))).toBe("taken");
    expect(refused(declaring(1_000_000, new Float64(), row))).toMatch(/1000000 rows in \d+ bytes/);
    expect(refused(declaring(9, new Float64(), row))).toMatch(/24 of 72 bytes of column "value"/);
    expect(refused(declaring(1_000_000, new Null(), {}))).toMatch(/1000000 rows in 0 bytes/);
    expect(refused(declaring(1_000_000, new Bool(), { data: new Uint8Array(125_000) }))).toMatch(/rows in/);
  });

  test("texts: offsets that go back, and beyond", () => {
    const data = new TextEncoder().encode("abcdef");
    const offsets = (...valueOffsets: number[]) => ({ data, valueOffsets: Int32Array.from(valueOffsets) });
    expect(refused(declaring(2, new Utf8(), offsets(0, 3, 6)))).toBe("taken");
    expect(refused(declaring(2, new Utf8(), offsets(0, 5, 2)))).toMatch(
      /offsets that go back in column "value"/,
    );
    expect(refused(declaring(2, new Utf8(), offsets(0, 3, 600)))).toMatch(/of 600 bytes of column "value"/);
  });

  test("a body cut anywhere is refused, or ends between two messages", () => {
    const bytes = tableToIPC(everyKind(), "stream");
    for (let cut = 0; cut < bytes.length; cut += 7) {
      const outcome = refused(bytes.subarray(0, cut));
      if (outcome === "taken") expect(tableFromIPC(checkedArrow(bytes.subarray(0, cut))).numRows).toBe(0);
    }
  });

  test("an HTTP body says what is wrong with it", async () => {
    const bytes = Buffer.from(declaring(1_000_000, new Float64(), { data: Float64Array.of(1) }));
    const read = readBody("application/vnd.apache.arrow.stream", bytes, options, atOnce);
    await expect(read).rejects.toMatchObject({ code: "bad-message" });
    await expect(read).rejects.toThrow(/expected an Arrow IPC stream, got 1000000 rows in \d+ bytes/);
  });
});

test("ids of 64 bits keep every digit", async () => {
  const table = new Table({
    id: vectorFromArray([1541815603606036481n, 1541815603606036482n], new Int64()),
    value: vectorFromArray([1, 2], new Float64()),
  });
  const body = Buffer.from(tableToIPC(table, "stream"));
  const { observations } = await readBody("application/vnd.apache.arrow.stream", body, options, atOnce);
  expect(observations.map(({ id }) => id)).toEqual(["1541815603606036481", "1541815603606036482"]);
});

test("bytes altered anywhere: refused, or as cheap to read as they are long", () => {
  const generator = xoroshiro128plus(7);
  const draw = (n: number) => uniformInt(generator, 0, n - 1);
  const originals = (["stream", "file"] as const).map((kind) => tableToIPC(everyKind(), kind));
  const outcomes = { refused: 0, read: 0, unreadable: 0 };
  for (let round = 0; round < 3000; round++) {
    const bytes = Uint8Array.from(originals[round % 2]);
    const view = new DataView(bytes.buffer);
    for (let times = 1 + draw(4); times > 0; times--) {
      const at = draw(bytes.length - 8);
      const aligned = at - (at % 4);
      const kind = draw(5);
      if (kind === 0) bytes[at] ^= 1 << draw(8);
      else if (kind === 1) bytes[at] = draw(256);
      else if (kind === 2)
        view.setInt32(aligned, [0, -1, 2 ** 31 - 1, 1_000_000, 1 << draw(31)][draw(5)], true);
      else if (kind === 3) view.setBigInt64(aligned, BigInt(draw(2 ** 31)) << BigInt(draw(32)), true);
      else bytes.copyWithin(at, draw(bytes.length), draw(bytes.length));
    }
    let checked: Uint8Array;
    try {
      checked = checkedArrow(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(ArrowFlaw);
      outcomes.refused++;
      continue;
    }
    try {
      const table = tableFromIPC(checked);
      expect(table.numRows).toBeLessThanOrEqual(bytes.length);
      for (const field of table.schema.fields) {
        const cells = table.getChild(field.name);
        for (let i = 0; i < table.numRows; i++) String(cells?.get(i));
      }
      outcomes.read++;
    } catch (error) {
      // A value that its type cannot hold; the reader says so, and it has cost nothing.
      expect(error).not.toBeInstanceOf(RangeError);
      outcomes.unreadable++;
    }
  }
  console.log(JSON.stringify(outcomes));
  expect(outcomes.refused).toBeGreaterThan(500);
  expect(outcomes.read).toBeGreaterThan(100);
});
