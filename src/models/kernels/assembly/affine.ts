// Affine maps of float32 and their reverses. Tiles of the output stay in registers; W is [n x m], row per input.
import { load, store, splat, add, mul, sum } from "./lanes";
import { dot, axpy } from "./vectors";

export function affine(z: usize, W: usize, x: usize, b: usize, n: usize, m: usize): void {
  if (m == 1) {
    store<f32>(z, splat(f32.load(b) + dot(W, x, n)));
    return;
  }
  const row = m << 2;
  const last = x + (n << 2);
  let left = m;
  // 32 outputs at a time: 8 accumulators hide the latency of the additions.
  for (; left >= 32; left -= 32) {
    let a0 = v128.load(b);
    let a1 = v128.load(b, 16);
    let a2 = v128.load(b, 32);
    let a3 = v128.load(b, 48);
    let a4 = v128.load(b, 64);
    let a5 = v128.load(b, 80);
    let a6 = v128.load(b, 96);
    let a7 = v128.load(b, 112);
    let w = W;
    for (let p = x; p < last; p += 4) {
      const s = v128.load32_splat(p);
      a0 = add(a0, mul(s, v128.load(w)));
      a1 = add(a1, mul(s, v128.load(w, 16)));
      a2 = add(a2, mul(s, v128.load(w, 32)));
      a3 = add(a3, mul(s, v128.load(w, 48)));
      a4 = add(a4, mul(s, v128.load(w, 64)));
      a5 = add(a5, mul(s, v128.load(w, 80)));
      a6 = add(a6, mul(s, v128.load(w, 96)));
      a7 = add(a7, mul(s, v128.load(w, 112)));
      w += row;
    }
    v128.store(z, a0);
    v128.store(z, a1, 16);
    v128.store(z, a2, 32);
    v128.store(z, a3, 48);
    v128.store(z, a4, 64);
    v128.store(z, a5, 80);
    v128.store(z, a6, 96);
    v128.store(z, a7, 112);
    z += 128;
    b += 128;
    W += 128;
  }
  for (; left >= 8; left -= 8) {
    let a0 = v128.load(b);
    let a1 = v128.load(b, 16);
    let c0 = splat(0);
    let c1 = splat(0);
    let w = W;
    let p = x;
    for (; p + 4 < last; p += 8) {
      const s = v128.load32_splat(p);
      const r = v128.load32_splat(p, 4);
      a0 = add(a0, mul(s, v128.load(w)));
      a1 = add(a1, mul(s, v128.load(w, 16)));
      c0 = add(c0, mul(r, v128.load(w + row)));
      c1 = add(c1, mul(r, v128.load(w + row, 16)));
      w += row << 1;
    }
    if (p < last) {
      const s = v128.load32_splat(p);
      a0 = add(a0, mul(s, v128.load(w)));
      a1 = add(a1, mul(s, v128.load(w, 16)));
    }
    v128.store(z, add(a0, c0));
    v128.store(z, add(a1, c1), 16);
    z += 32;
    b += 32;
    W += 32;
  }
  for (; left >= 4; left -= 4) {
    column<v128>(z, W, x, b, last, row);
    z += 16;
    b += 16;
    W += 16;
  }
  for (; left > 0; left--) {
    column<f32>(z, W, x, b, last, row);
    z += 4;
    b += 4;
    W += 4;
  }
}

@inline
function column<T>(z: usize, W: usize, x: usize, b: usize, last: usize, row: usize): void {
  let a0 = load<T>(b);
  let a1 = splat(0);
  let a2 = splat(0);
  let a3 = splat(0);
  let p = x;
  for (; p + 12 < last; p += 16) {
    a0 = add(a0, mul(v128.load32_splat(p), load<T>(W)));
    a1 = add(a1, mul(v128.load32_splat(p, 4), load<T>(W + row)));
    a2 = add(a2, mul(v128.load32_splat(p, 8), load<T>(W + 2 * row)));
    a3 = add(a3, mul(v128.load32_splat(p, 12), load<T>(W + 3 * row)));
    W += row << 2;
  }
  for (; p < last; p += 4) {
    a0 = add(a0, mul(v128.load32_splat(p), load<T>(W)));
    W += row;
  }
  store<T>(z, add(add(a0, a1), add(a2, a3)));
}

export function affineTransposed(dx: usize, W: usize, dz: usize, n: usize, m: usize): void {
  if (m == 1) {
    axpy(dx, f32.load(dz), W, n);
    return;
  }
  const row = m << 2;
  const last = dz + row;
  let left = n;
  // 4 inputs at a time share every load of dz; their sums are transposed together at the end.
  for (; left >= 4; left -= 4) {
    let w0 = W;
    let w1 = W + row;
    let w2 = w1 + row;
    let w3 = w2 + row;
    let a0 = splat(0);
    let a1 = splat(0);
    let a2 = splat(0);
    let a3 = splat(0);
    let c0 = splat(0);
    let c1 = splat(0);
    let c2 = splat(0);
    let c3 = splat(0);
    let p = dz;
    for (; p + 32 <= last; p += 32) {
      const d = v128.load(p);
      const e = v128.load(p, 16);
      a0 = add(a0, mul(d, v128.load(w0)));
      a1 = add(a1, mul(d, v128.load(w1)));
      a2 = add(a2, mul(d, v128.load(w2)));
      a3 = add(a3, mul(d, v128.load(w3)));
      c0 = add(c0, mul(e, v128.load(w0, 16)));
      c1 = add(c1, mul(e, v128.load(w1, 16)));
      c2 = add(c2, mul(e, v128.load(w2, 16)));
      c3 = add(c3, mul(e, v128.load(w3, 16)));
      w0 += 32;
      w1 += 32;
      w2 += 32;
      w3 += 32;
    }
    for (; p + 16 <= last; p += 16) {
      const d = v128.load(p);
      a0 = add(a0, mul(d, v128.load(w0)));
      a1 = add(a1, mul(d, v128.load(w1)));
      a2 = add(a2, mul(d, v128.load(w2)));
      a3 = add(a3, mul(d, v128.load(w3)));
      w0 += 16;
      w1 += 16;
      w2 += 16;
      w3 += 16;
    }
    for (; p < last; p += 4) {
      const d = load<f32>(p);
      a0 = add(a0, mul(d, load<f32>(w0)));
      a1 = add(a1, mul(d, load<f32>(w1)));
      a2 = add(a2, mul(d, load<f32>(w2)));
      a3 = add(a3, mul(d, load<f32>(w3)));
      w0 += 4;
      w1 += 4;
      w2 += 4;
      w3 += 4;
    }
    a0 = add(a0, c0);
    a1 = add(a1, c1);
    a2 = add(a2, c2);
    a3 = add(a3, c3);
    const low = add(i32x4.shuffle(a0, a1, 0, 4, 1, 5), i32x4.shuffle(a0, a1, 2, 6, 3, 7));
    const high = add(i32x4.shuffle(a2, a3, 0, 4, 1, 5), i32x4.shuffle(a2, a3, 2, 6, 3, 7));
    const sums = add(i32x4.shuffle(low, high, 0, 1, 4, 5), i32x4.shuffle(low, high, 2, 3, 6, 7));
    v128.store(dx, add(v128.load(dx), sums));
    dx += 16;
    W += row << 2;
  }
  for (; left > 0; left--) {
    f32.store(dx, f32.load(dx) + dot(W, dz, m));
    dx += 4;
    W += row;
  }
}

export function outer(
  dW: usize,
  x: usize,
  xs: usize,
  dz: usize,
  zs: usize,
  T: usize,
  n: usize,
  m: usize,
): void {
  const xStep = xs << 2;
  const zStep = zs << 2;
  if (m == 1) {
    outerColumn(dW, x, xStep, dz, zStep, T, n);
    return;
  }
  const row = m << 2;
  let left = m;
  for (; left >= 16; left -= 16) {
    let w = dW;
    let p = x;
    let rows = n;
    for (; rows >= 2; rows -= 2) {
      let a0 = splat(0);
      let a1 = splat(0);
      let a2 = splat(0);
      let a3 = splat(0);
      let c0 = splat(0);
      let c1 = splat(0);
      let c2 = splat(0);
      let c3 = splat(0);
      let q = p;
      let d = dz;
      for (let t = T; t > 0; t--) {
        const s = v128.load32_splat(q);
        const r = v128.load32_splat(q, 4);
        const d0 = v128.load(d);
        const d1 = v128.load(d, 16);
        const d2 = v128.load(d, 32);
        const d3 = v128.load(d, 48);
        a0 = add(a0, mul(s, d0));
        a1 = add(a1, mul(s, d1));
        a2 = add(a2, mul(s, d2));
        a3 = add(a3, mul(s, d3));
        c0 = add(c0, mul(r, d0));
        c1 = add(c1, mul(r, d1));
        c2 = add(c2, mul(r, d2));
        c3 = add(c3, mul(r, d3));
        q += xStep;
        d += zStep;
      }
      v128.store(w, a0);
      v128.store(w, a1, 16);
      v128.store(w, a2, 32);
      v128.store(w, a3, 48);
      v128.store(w + row, c0);
      v128.store(w + row, c1, 16);
      v128.store(w + row, c2, 32);
      v128.store(w + row, c3, 48);
      w += row << 1;
      p += 8;
    }
    if (rows > 0) {
      for (let i: usize = 0; i < 64; i += 16) tile<v128>(w + i, p, xStep, dz + i, zStep, T);
    }
    dW += 64;
    dz += 64;
  }
  for (; left >= 4; left -= 4) {
    for (let j: usize = 0; j < n; j++) tile<v128>(dW + j * row, x + (j << 2), xStep, dz, zStep, T);
    dW += 16;
    dz += 16;
  }
  for (; left > 0; left--) {
    for (let j: usize = 0; j < n; j++) tile<f32>(dW + j * row, x + (j << 2), xStep, dz, zStep, T);
    dW += 4;
    dz += 4;
  }
}

@inline
function tile<T>(w: usize, x: usize, xStep: usize, dz: usize, zStep: usize, steps: usize): void {
  let a = splat(0);
  let c = splat(0);
  let t = steps;
  for (; t >= 2; t -= 2) {
    a = add(a, mul(v128.load32_splat(x), load<T>(dz)));
    c = add(c, mul(v128.load32_splat(x + xStep), load<T>(dz + zStep)));
    x += xStep << 1;
    dz += zStep << 1;
  }
  if (t > 0) a = add(a, mul(v128.load32_splat(x), load<T>(dz)));
  store<T>(w, add(a, c));
}

// One output: dW is contiguous in the inputs.
function outerColumn(dW: usize, x: usize, xStep: usize, dz: usize, zStep: usize, T: usize, n: usize): void {
  let left = n;
  for (; left >= 4; left -= 4) {
    columnTile<v128>(dW, x, xStep, dz, zStep, T);
    dW += 16;
    x += 16;
  }
  for (; left > 0; left--) {
    columnTile<f32>(dW, x, xStep, dz, zStep, T);
    dW += 4;
    x += 4;
  }
}

@inline
function columnTile<T>(w: usize, x: usize, xStep: usize, dz: usize, zStep: usize, steps: usize): void {
  let a = splat(0);
  let c = splat(0);
  let t = steps;
  for (; t >= 2; t -= 2) {
    a = add(a, mul(load<T>(x), v128.load32_splat(dz)));
    c = add(c, mul(load<T>(x + xStep), v128.load32_splat(dz + zStep)));
    x += xStep << 1;
    dz += zStep << 1;
  }
  if (t > 0) a = add(a, mul(load<T>(x), v128.load32_splat(dz)));
  store<T>(w, add(a, c));
}

export function sumRows(db: usize, dz: usize, zs: usize, T: usize, m: usize): void {
  const zStep = zs << 2;
  let left = m;
  for (; left >= 4; left -= 4) {
    rows<v128>(db, dz, zStep, T);
    db += 16;
    dz += 16;
  }
  for (; left > 0; left--) {
    rows<f32>(db, dz, zStep, T);
    db += 4;
    dz += 4;
  }
}

@inline
function rows<T>(db: usize, dz: usize, zStep: usize, steps: usize): void {
  let a = splat(0);
  for (let t = steps; t > 0; t--) {
    a = add(a, load<T>(dz));
    dz += zStep;
  }
  store<T>(db, a);
}

export function sparse(z: usize, values: usize, columns: usize, x: usize, degree: usize, m: usize): void {
  for (let i: usize = 0; i < m; i++) {
    let a: f32 = 0;
    let b: f32 = 0;
    let k = degree;
    for (; k >= 2; k -= 2) {
      a += f32.load(values) * f32.load(x + ((<usize>i32.load(columns)) << 2));
      b += f32.load(values, 4) * f32.load(x + ((<usize>i32.load(columns, 4)) << 2));
      values += 8;
      columns += 8;
    }
    if (k > 0) {
      a += f32.load(values) * f32.load(x + ((<usize>i32.load(columns)) << 2));
      values += 4;
      columns += 4;
    }
    f32.store(z, f32.load(z) + (a + b));
    z += 4;
  }
}

export function sparseTransposed(
  dx: usize,
  values: usize,
  columns: usize,
  dz: usize,
  degree: usize,
  m: usize,
): void {
  for (let i: usize = 0; i < m; i++) {
    const d = f32.load(dz);
    for (let k = degree; k > 0; k--) {
      const p = dx + ((<usize>i32.load(columns)) << 2);
      f32.store(p, f32.load(p) + f32.load(values) * d);
      values += 4;
      columns += 4;
    }
    dz += 4;
  }
}
