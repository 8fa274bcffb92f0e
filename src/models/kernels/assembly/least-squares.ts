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

export function rankOne64(P: usize, g: usize, scale: f64, growth: f64, n: usize): void {
  const last = g + (n << 3);
  const s = f64x2.splat(scale);
  const r = f64x2.splat(growth);
  for (let q = g; q < last; q += 8) {
    const a = v128.load64_splat(q);
    let p = g;
    // (g_i g_j) first: the product is the same for [i, j] and [j, i], so P keeps its symmetry exactly.
    for (; p + 16 <= last; p += 16, P += 16) {
      const k = f64x2.mul(f64x2.mul(a, v128.load(p)), s);
      v128.store(P, f64x2.mul(f64x2.add(v128.load(P), k), r));
    }
    if (p < last) {
      const k = f64x2.mul(f64x2.mul(a, load<f64>(p)), s);
      store<f64>(P, f64x2.mul(f64x2.add(load<f64>(P), k), r));
      P += 8;
    }
  }
}

export function symmetricMultiply64(y: usize, P: usize, x: usize, n: usize): void {
  memory.fill(y, 0, n << 3);
  let left = n;
  // 4 rows at a time: their corner on the diagonal by itself, then every element both along its row and down its column.
  for (; left >= 4; left -= 4) {
    const r1 = P + (left << 3);
    const r2 = r1 + ((left - 1) << 3);
    const r3 = r2 + ((left - 2) << 3);
    const x0 = f64.load(x);
    const x1 = f64.load(x, 8);
    const x2 = f64.load(x, 16);
    const x3 = f64.load(x, 24);
    const p01 = f64.load(P, 8);
    const p02 = f64.load(P, 16);
    const p03 = f64.load(P, 24);
    const p12 = f64.load(r1, 8);
    const p13 = f64.load(r1, 16);
    const p23 = f64.load(r2, 8);
    const s0 = f64.load(P) * x0 + p01 * x1 + (p02 * x2 + p03 * x3);
    const s1 = p01 * x0 + f64.load(r1) * x1 + (p12 * x2 + p13 * x3);
    const s2 = p02 * x0 + p12 * x1 + (f64.load(r2) * x2 + p23 * x3);
    const s3 = p03 * x0 + p13 * x1 + (p23 * x2 + f64.load(r3) * x3);
    let a0 = f64x2.splat(0);
    let a1 = f64x2.splat(0);
    let a2 = f64x2.splat(0);
    let a3 = f64x2.splat(0);
    const v0 = f64x2.splat(x0);
    const v1 = f64x2.splat(x1);
    const v2 = f64x2.splat(x2);
    const v3 = f64x2.splat(x3);
    let p0 = P + 32;
    let p1 = r1 + 24;
    let p2 = r2 + 16;
    let p3 = r3 + 8;
    let xj = x + 32;
    let yj = y + 32;
    const last = x + (left << 3);
    for (; xj + 16 <= last; xj += 16, yj += 16, p0 += 16, p1 += 16, p2 += 16, p3 += 16) {
      const u = v128.load(xj);
      const q0 = v128.load(p0);
      const q1 = v128.load(p1);
      const q2 = v128.load(p2);
      const q3 = v128.load(p3);
      a0 = f64x2.add(a0, f64x2.mul(q0, u));
      a1 = f64x2.add(a1, f64x2.mul(q1, u));
      a2 = f64x2.add(a2, f64x2.mul(q2, u));
      a3 = f64x2.add(a3, f64x2.mul(q3, u));
      const down = f64x2.add(
        f64x2.add(f64x2.mul(q0, v0), f64x2.mul(q1, v1)),
        f64x2.add(f64x2.mul(q2, v2), f64x2.mul(q3, v3)),
      );
      v128.store(yj, f64x2.add(v128.load(yj), down));
    }
    if (xj < last) {
      const u = f64.load(xj);
      const q0 = f64.load(p0);
      const q1 = f64.load(p1);
      const q2 = f64.load(p2);
      const q3 = f64.load(p3);
      a0 = f64x2.add(a0, f64x2.replace_lane(f64x2.splat(0), 0, q0 * u));
      a1 = f64x2.add(a1, f64x2.replace_lane(f64x2.splat(0), 0, q1 * u));
      a2 = f64x2.add(a2, f64x2.replace_lane(f64x2.splat(0), 0, q2 * u));
      a3 = f64x2.add(a3, f64x2.replace_lane(f64x2.splat(0), 0, q3 * u));
      f64.store(yj, f64.load(yj) + (q0 * x0 + q1 * x1 + (q2 * x2 + q3 * x3)));
    }
    f64.store(y, f64.load(y) + (s0 + sum(a0)));
    f64.store(y, f64.load(y, 8) + (s1 + sum(a1)), 8);
    f64.store(y, f64.load(y, 16) + (s2 + sum(a2)), 16);
    f64.store(y, f64.load(y, 24) + (s3 + sum(a3)), 24);
    P = r3 + ((left - 3) << 3);
    x += 32;
    y += 32;
  }
  for (; left > 0; left--) {
    const a = f64.load(x);
    let s = f64.load(P) * a;
    P += 8;
    for (let j: usize = 1; j < left; j++, P += 8) {
      const q = f64.load(P);
      s += q * f64.load(x + (j << 3));
      const yj = y + (j << 3);
      f64.store(yj, f64.load(yj) + q * a);
    }
    f64.store(y, f64.load(y) + s);
    x += 8;
    y += 8;
  }
}

export function symmetricDowndate64(P: usize, g: usize, inverse: f64, growth: f64, n: usize): void {
  const last = g + (n << 3);
  const s = f64x2.splat(inverse);
  const r = f64x2.splat(growth);
  for (; g < last; g += 8) {
    const a = v128.load64_splat(g);
    let p = g;
    for (; p + 32 <= last; p += 32, P += 32) {
      const k = f64x2.mul(f64x2.mul(a, v128.load(p)), s);
      const l = f64x2.mul(f64x2.mul(a, v128.load(p, 16)), s);
      v128.store(P, f64x2.mul(f64x2.sub(v128.load(P), k), r));
      v128.store(P, f64x2.mul(f64x2.sub(v128.load(P, 16), l), r), 16);
    }
    for (; p < last; p += 8, P += 8) {
      const k = f64x2.mul(f64x2.mul(a, load<f64>(p)), s);
      store<f64>(P, f64x2.mul(f64x2.sub(load<f64>(P), k), r));
    }
  }
}

export function correct64(W: usize, e: usize, k: usize, m: usize, n: usize): void {
  for (let i: usize = 0; i < m; i++, e += 8, W += n << 3) {
    const a = f64.load(e);
    if (a != 0 && a == a) axpy64(W, a, k, n);
  }
}
