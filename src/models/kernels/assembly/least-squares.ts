// Least squares in float64, two lanes.

@inline
function load<T>(p: usize): v128 {
  if (isVector<T>()) return v128.load(p);
  return v128.load64_zero(p);
}

@inline
function store<T>(p: usize, x: v128): void {
  if (isVector<T>()) v128.store(p, x);
  else v128.store_lane<f64>(p, x, 0);
}

@inline
function sum(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1);
}

export function widen(y: usize, x: usize, n: usize): void {
  const end = y + (n << 3);
  for (; y + 16 <= end; y += 16, x += 8) v128.store(y, f64x2.promote_low_f32x4(v128.load64_zero(x)));
  for (; y < end; y += 8, x += 4) f64.store(y, <f64>f32.load(x));
}

export function narrow(y: usize, x: usize, n: usize): void {
  const end = y + (n << 2);
  for (; y + 8 <= end; y += 8, x += 16) v128.store_lane<i64>(y, f32x4.demote_f64x2_zero(v128.load(x)), 0);
  for (; y < end; y += 4, x += 8) f32.store(y, <f32>f64.load(x));
}

export function dot64(x: usize, y: usize, n: usize): f64 {
  const end = x + (n << 3);
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  let c = f64x2.splat(0);
  let d = f64x2.splat(0);
  for (; x + 64 <= end; x += 64, y += 64) {
    a = f64x2.add(a, f64x2.mul(v128.load(x), v128.load(y)));
    b = f64x2.add(b, f64x2.mul(v128.load(x, 16), v128.load(y, 16)));
    c = f64x2.add(c, f64x2.mul(v128.load(x, 32), v128.load(y, 32)));
    d = f64x2.add(d, f64x2.mul(v128.load(x, 48), v128.load(y, 48)));
  }
  for (; x + 16 <= end; x += 16, y += 16) a = f64x2.add(a, f64x2.mul(v128.load(x), v128.load(y)));
  if (x < end) b = f64x2.add(b, f64x2.mul(load<f64>(x), load<f64>(y)));
  return sum(f64x2.add(f64x2.add(a, b), f64x2.add(c, d)));
}

export function axpy64(y: usize, a: f64, x: usize, n: usize): void {
  const end = y + (n << 3);
  const s = f64x2.splat(a);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, f64x2.add(v128.load(y), f64x2.mul(s, v128.load(x))));
  if (y < end) store<f64>(y, f64x2.add(load<f64>(y), f64x2.mul(s, load<f64>(x))));
}

export function multiply64(y: usize, A: usize, x: usize, m: usize, n: usize): void {
  const row = n << 3;
  const last = x + row;
  let left = m;
  // 4 rows at a time share every load of x.
  for (; left >= 4; left -= 4) {
    let r0 = A;
    let r1 = A + row;
    let r2 = r1 + row;
    let r3 = r2 + row;
    let a0 = f64x2.splat(0);
    let a1 = f64x2.splat(0);
    let a2 = f64x2.splat(0);
    let a3 = f64x2.splat(0);
    let c0 = f64x2.splat(0);
    let c1 = f64x2.splat(0);
    let c2 = f64x2.splat(0);
    let c3 = f64x2.splat(0);
    let p = x;
    for (; p + 32 <= last; p += 32) {
      const u = v128.load(p);
      const v = v128.load(p, 16);
      a0 = f64x2.add(a0, f64x2.mul(u, v128.load(r0)));
      a1 = f64x2.add(a1, f64x2.mul(u, v128.load(r1)));
      a2 = f64x2.add(a2, f64x2.mul(u, v128.load(r2)));
      a3 = f64x2.add(a3, f64x2.mul(u, v128.load(r3)));
      c0 = f64x2.add(c0, f64x2.mul(v, v128.load(r0, 16)));
      c1 = f64x2.add(c1, f64x2.mul(v, v128.load(r1, 16)));
      c2 = f64x2.add(c2, f64x2.mul(v, v128.load(r2, 16)));
      c3 = f64x2.add(c3, f64x2.mul(v, v128.load(r3, 16)));
      r0 += 32;
      r1 += 32;
      r2 += 32;
      r3 += 32;
    }
    for (; p < last; p += 8) {
      const u = load<f64>(p);
      a0 = f64x2.add(a0, f64x2.mul(u, load<f64>(r0)));
      a1 = f64x2.add(a1, f64x2.mul(u, load<f64>(r1)));
      a2 = f64x2.add(a2, f64x2.mul(u, load<f64>(r2)));
      a3 = f64x2.add(a3, f64x2.mul(u, load<f64>(r3)));
      r0 += 8;
      r1 += 8;
      r2 += 8;
      r3 += 8;
    }
    f64.store(y, sum(f64x2.add(a0, c0)));
    f64.store(y, sum(f64x2.add(a1, c1)), 8);
    f64.store(y, sum(f64x2.add(a2, c2)), 16);
    f64.store(y, sum(f64x2.add(a3, c3)), 24);
    y += 32;
    A += row << 2;
  }
  for (; left > 0; left--) {
    f64.store(y, dot64(A, x, n));
    y += 8;
    A += row;
  }
}

export function downdate64(P: usize, g: usize, inverse: f64, growth: f64, n: usize): void {
  const last = g + (n << 3);
  const s = f64x2.splat(inverse);
  const r = f64x2.splat(growth);
  for (let q = g; q < last; q += 8) {
    const a = v128.load64_splat(q);
    let p = g;
    // (g_i g_j) first: the product is the same for [i, j] and [j, i], so P keeps its symmetry exactly.
    for (; p + 16 <= last; p += 16, P += 16) {
      const k = f64x2.mul(f64x2.mul(a, v128.load(p)), s);
      v128.store(P, f64x2.mul(f64x2.sub(v128.load(P), k), r));
    }
    if (p < last) {
      const k = f64x2.mul(f64x2.mul(a, load<f64>(p)), s);
      store<f64>(P, f64x2.mul(f64x2.sub(load<f64>(P), k), r));
      P += 8;
    }
  }
}

export function correct64(W: usize, e: usize, k: usize, m: usize, n: usize): void {
  for (let i: usize = 0; i < m; i++, e += 8, W += n << 3) {
    const a = f64.load(e);
    if (a != 0 && a == a) axpy64(W, a, k, n);
  }
}
