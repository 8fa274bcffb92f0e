// Vectors of float32. The signatures are those of `Arithmetic` in kernels.ts.
import { load, store, splat, add as plus, mul, sum } from "./lanes";

export function copy(y: usize, x: usize, n: usize): void {
  const bytes = n << 2;
  // A call into the engine's memmove costs more than a short copy; ascending order is right unless y follows x closely.
  if (n > 128 || (y > x && y < x + bytes)) {
    memory.copy(y, x, bytes);
    return;
  }
  const end = y + bytes;
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, v128.load(x));
  for (; y < end; y += 4, x += 4) i32.store(y, i32.load(x));
}

export function fill(y: usize, a: f32, n: usize): void {
  const end = y + (n << 2);
  for (; y + 16 <= end; y += 16) v128.store(y, splat(a));
  for (; y < end; y += 4) store<f32>(y, splat(a));
}

export function add(y: usize, x: usize, n: usize): void {
  const end = y + (n << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, plus(v128.load(y), v128.load(x)));
  for (; y < end; y += 4, x += 4) store<f32>(y, plus(load<f32>(y), load<f32>(x)));
}

export function axpy(y: usize, a: f32, x: usize, n: usize): void {
  const end = y + (n << 2);
  const s = splat(a);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, plus(v128.load(y), mul(s, v128.load(x))));
  for (; y < end; y += 4, x += 4) store<f32>(y, plus(load<f32>(y), mul(s, load<f32>(x))));
}

export function scale(y: usize, a: f32, n: usize): void {
  const end = y + (n << 2);
  const s = splat(a);
  for (; y + 16 <= end; y += 16) v128.store(y, mul(s, v128.load(y)));
  for (; y < end; y += 4) store<f32>(y, mul(s, load<f32>(y)));
}

export function multiply(y: usize, x: usize, n: usize): void {
  const end = y + (n << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, mul(v128.load(y), v128.load(x)));
  for (; y < end; y += 4, x += 4) store<f32>(y, mul(load<f32>(y), load<f32>(x)));
}

export function dot(x: usize, y: usize, n: usize): f32 {
  const end = x + (n << 2);
  let a = splat(0);
  let b = splat(0);
  let c = splat(0);
  let d = splat(0);
  for (; x + 64 <= end; x += 64, y += 64) {
    a = plus(a, mul(v128.load(x), v128.load(y)));
    b = plus(b, mul(v128.load(x, 16), v128.load(y, 16)));
    c = plus(c, mul(v128.load(x, 32), v128.load(y, 32)));
    d = plus(d, mul(v128.load(x, 48), v128.load(y, 48)));
  }
  for (; x + 16 <= end; x += 16, y += 16) a = plus(a, mul(v128.load(x), v128.load(y)));
  for (; x < end; x += 4, y += 4) b = plus(b, mul(load<f32>(x), load<f32>(y)));
  return sum(plus(plus(a, b), plus(c, d)));
}

export function sumSquares(x: usize, n: usize): f32 {
  return dot(x, x, n);
}
