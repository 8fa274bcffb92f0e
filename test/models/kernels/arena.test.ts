import { describe, expect, it } from "vitest";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";

const KIB = 1024;

describe("Arena", () => {
  it("a released block is handed out again, zeroed; another size opens no hole", () => {
    const arena = new Arena({ backend: "reference64", bankBytes: 64 * KIB });
    const first = arena.allocate(1000);
    new Uint8Array(first.bank.buffer, first.pointer, 1000).fill(7);
    const second = arena.allocate(1000);
    expect(arena.usedBytes).toBe(2048);
    arena.release(first);
    const third = arena.allocate(1000);
    expect(third.pointer).toBe(first.pointer);
    expect(new Uint8Array(third.bank.buffer, third.pointer, 1000).every((byte) => byte === 0)).toBe(true);
    expect(second.pointer).not.toBe(third.pointer);
  });

  it("a bank that holds no block any more takes blocks of other sizes, zeroed", () => {
    const arena = new Arena({ backend: "reference32", bankBytes: 64 * KIB });
    const banks = new Set<unknown>();
    for (let size = 1; size <= 40; size++) {
      const blocks = Array.from({ length: 4 }, () => arena.allocate(size * 256));
      for (const { bank, pointer, byteLength } of blocks) {
        banks.add(bank);
        const bytes = new Uint8Array(bank.buffer, pointer, byteLength);
        expect(bytes.every((byte) => byte === 0)).toBe(true);
        bytes.fill(size);
        arena.constant(bank, `of ${size}`, 64, (constant) => constant.fill(size));
      }
      for (const block of blocks) arena.release(block);
    }
    expect(arena.usedBytes).toBe(0);
    // Without beginning anew it would be some twenty.
    expect(banks.size).toBeLessThanOrEqual(2);
  });

  it("a bank that is full of blocks still has room for their constants and scratch", () => {
    const arena = new Arena({ backend: "reference32", bankBytes: 256 * KIB });
    const first = arena.allocate(16 * KIB);
    let last = first;
    while (last.bank === first.bank) last = arena.allocate(16 * KIB);
    arena.constant(first.bank, "weights", 16 * KIB, () => {});
    expect(arena.scratch(first.bank, 16 * KIB)).toBeGreaterThan(0);
  });

  it("a block larger than a bank has a bank of its own, with room for scratch of its size", () => {
    const arena = new Arena({ backend: "wasm", bankBytes: 64 * KIB });
    const { bank } = arena.allocate(2048 * KIB);
    expect(arena.scratch(bank, 2048 * KIB)).toBeGreaterThan(0);
  });

  it("constants are filled once per bank; scratch of one size is shared, a smaller wish uses it too", () => {
    const arena = new Arena({ backend: "reference32" });
    const { bank } = arena.allocate(8);
    let fills = 0;
    const ask = () => arena.constant(bank, "key", 64, () => fills++).pointer;
    expect(ask()).toBe(ask());
    expect(fills).toBe(1);
    const big = arena.scratch(bank, 100_000);
    expect(arena.scratch(bank, 100_000)).toBe(big);
    expect(arena.scratch(bank, 70_000)).toBe(big);
    expect(arena.scratch(bank, 200_000)).not.toBe(big);
  });

  it("says what is left when a constant does not fit", () => {
    const arena = new Arena({ backend: "reference32", bankBytes: 64 * KIB });
    const { bank } = arena.allocate(8);
    expect(() => arena.scratch(bank, 10 * 1024 * KIB)).toThrow(
      /^constant scratch:10485760: expected at most the \d+ bytes left in its memory bank, got 10485760 bytes \(an Arena/,
    );
  });
});

describe("Layout", () => {
  it.each(["wasm", "reference32", "reference64"] as const)(
    "slices of one block, on SIMD boundaries: %s",
    (backend) => {
      const layout = new Layout(new Arena({ backend }));
      const odd = layout.real("odd", 5);
      const flags = layout.int32("flags", 3);
      const sums = layout.float64("sums", 2);
      const order: string[] = [];
      layout.whenAllocated(() => order.push("first"));
      layout.whenAllocated((block) => {
        order.push("second");
        odd.view.fill(1.5);
        flags.view.set([1, 2, 3]);
        sums.view[1] = block.byteLength;
      });
      const block = layout.allocate();
      expect(order).toEqual(["first", "second"]);
      for (const slice of [odd, flags, sums]) expect(slice.pointer % 16).toBe(0);
      const saved = block.save();
      expect(saved.byteLength).toBe(block.byteLength);
      odd.view.fill(0);
      sums.view.fill(0);
      block.load(saved);
      expect([...odd.view, ...flags.view, sums.view[1]]).toEqual([
        1.5,
        1.5,
        1.5,
        1.5,
        1.5,
        1,
        2,
        3,
        block.byteLength,
      ]);
    },
  );

  it("refuses bytes of another length, and keeps what it has", () => {
    const layout = new Layout(new Arena({ backend: "reference64" }));
    const slice = layout.float64("x", 2);
    const block = layout.allocate();
    slice.view.set([3, 4]);
    expect(() => block.load(new Uint8Array(8))).toThrow(/^saved model: expected 16 bytes, got 8 bytes$/);
    expect([...slice.view]).toEqual([3, 4]);
  });
});
