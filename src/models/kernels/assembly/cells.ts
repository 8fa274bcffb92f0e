// Recurrent units of float32, forward and backward, fused over their gates. `b` is the byte length of one block.
import { load, store, splat, add, sub, mul, tanh, sigmoid } from "./lanes";

export function lstm(h: usize, s: usize, c: usize, z: usize, sPrevious: usize, logistic: i32, n: usize): void {
  const b = n << 2;
  const end = h + b;
  if (logistic) {
    for (; h + 16 <= end; h += 16, s += 16, c += 16, z += 16, sPrevious += 16)
      lstmUnit<v128, bool>(h, s, c, z, sPrevious, b);
    for (; h < end; h += 4, s += 4, c += 4, z += 4, sPrevious += 4)
      lstmUnit<f32, bool>(h, s, c, z, sPrevious, b);
  } else {
    for (; h + 16 <= end; h += 16, s += 16, c += 16, z += 16, sPrevious += 16)
      lstmUnit<v128, f32>(h, s, c, z, sPrevious, b);
    for (; h < end; h += 4, s += 4, c += 4, z += 4, sPrevious += 4)
      lstmUnit<f32, f32>(h, s, c, z, sPrevious, b);
  }
}

// `L` says at compile time which candidate: bool for the logistic one, f32 for tanh.
@inline
function lstmUnit<T, L>(h: usize, s: usize, c: usize, z: usize, sPrevious: usize, b: usize): void {
  const f = sigmoid(load<T>(z));
  const g = sigmoid(load<T>(z + b));
  const q = sigmoid(load<T>(z + 2 * b));
  const raw = load<T>(z + 3 * b);
  const a = isBoolean<L>() ? sigmoid(raw) : tanh(raw);
  const state = add(mul(f, load<T>(sPrevious)), mul(g, a));
  const squashed = tanh(state);
  store<T>(z, f);
  store<T>(z + b, g);
  store<T>(z + 2 * b, q);
  store<T>(z + 3 * b, a);
  store<T>(s, state);
  store<T>(c, squashed);
  store<T>(h, mul(q, squashed));
}

export function lstmBackward(
  dz: usize,
  dsPrevious: usize,
  dh: usize,
  ds: usize,
  z: usize,
  c: usize,
  sPrevious: usize,
  logistic: i32,
  n: usize,
): void {
  const b = n << 2;
  const end = dz + b;
  if (logistic) {
    for (; dz + 16 <= end; dz += 16, dsPrevious += 16, dh += 16, ds += 16, z += 16, c += 16, sPrevious += 16)
      lstmUnitBackward<v128, bool>(dz, dsPrevious, dh, ds, z, c, sPrevious, b);
    for (; dz < end; dz += 4, dsPrevious += 4, dh += 4, ds += 4, z += 4, c += 4, sPrevious += 4)
      lstmUnitBackward<f32, bool>(dz, dsPrevious, dh, ds, z, c, sPrevious, b);
  } else {
    for (; dz + 16 <= end; dz += 16, dsPrevious += 16, dh += 16, ds += 16, z += 16, c += 16, sPrevious += 16)
      lstmUnitBackward<v128, f32>(dz, dsPrevious, dh, ds, z, c, sPrevious, b);
    for (; dz < end; dz += 4, dsPrevious += 4, dh += 4, ds += 4, z += 4, c += 4, sPrevious += 4)
      lstmUnitBackward<f32, f32>(dz, dsPrevious, dh, ds, z, c, sPrevious, b);
  }
}

@inline
function lstmUnitBackward<T, L>(
  dz: usize,
  dsPrevious: usize,
  dh: usize,
  ds: usize,
  z: usize,
  c: usize,
  sPrevious: usize,
  b: usize,
): void {
  const one = splat(1);
  const f = load<T>(z);
  const g = load<T>(z + b);
  const q = load<T>(z + 2 * b);
  const a = load<T>(z + 3 * b);
  const squashed = load<T>(c);
  const d = load<T>(dh);
  const dState = add(load<T>(ds), mul(mul(d, q), sub(one, mul(squashed, squashed))));
  const slope = isBoolean<L>() ? mul(a, sub(one, a)) : sub(one, mul(a, a));
  store<T>(dz, mul(mul(dState, load<T>(sPrevious)), mul(f, sub(one, f))));
  store<T>(dz + b, mul(mul(dState, a), mul(g, sub(one, g))));
  store<T>(dz + 2 * b, mul(mul(d, squashed), mul(q, sub(one, q))));
  store<T>(dz + 3 * b, mul(mul(dState, g), slope));
  store<T>(dsPrevious, mul(dState, f));
}

export function gru(h: usize, z: usize, hPrevious: usize, n: usize): void {
  const b = n << 2;
  const end = h + b;
  for (; h + 16 <= end; h += 16, z += 16, hPrevious += 16) gruUnit<v128>(h, z, hPrevious, b);
  for (; h < end; h += 4, z += 4, hPrevious += 4) gruUnit<f32>(h, z, hPrevious, b);
}

@inline
function gruUnit<T>(h: usize, z: usize, hPrevious: usize, b: usize): void {
  const r = sigmoid(load<T>(z + b));
  const u = sigmoid(load<T>(z + 2 * b));
  const a = tanh(add(load<T>(z), mul(r, load<T>(z + 3 * b))));
  store<T>(z, a);
  store<T>(z + b, r);
  store<T>(z + 2 * b, u);
  store<T>(h, add(mul(sub(splat(1), u), a), mul(u, load<T>(hPrevious))));
}

export function gruBackward(dz: usize, dhPrevious: usize, dh: usize, z: usize, hPrevious: usize, n: usize): void {
  const b = n << 2;
  const end = dz + b;
  for (; dz + 16 <= end; dz += 16, dhPrevious += 16, dh += 16, z += 16, hPrevious += 16)
    gruUnitBackward<v128>(dz, dhPrevious, dh, z, hPrevious, b);
  for (; dz < end; dz += 4, dhPrevious += 4, dh += 4, z += 4, hPrevious += 4)
    gruUnitBackward<f32>(dz, dhPrevious, dh, z, hPrevious, b);
}

@inline
function gruUnitBackward<T>(dz: usize, dhPrevious: usize, dh: usize, z: usize, hPrevious: usize, b: usize): void {
  const one = splat(1);
  const a = load<T>(z);
  const r = load<T>(z + b);
  const u = load<T>(z + 2 * b);
  const d = load<T>(dh);
  const da = mul(mul(d, sub(one, u)), sub(one, mul(a, a)));
  store<T>(dz, da);
  store<T>(dz + b, mul(mul(da, load<T>(z + 3 * b)), mul(r, sub(one, r))));
  store<T>(dz + 2 * b, mul(mul(d, sub(load<T>(hPrevious), a)), mul(u, sub(one, u))));
  store<T>(dz + 3 * b, mul(da, r));
  store<T>(dhPrevious, add(load<T>(dhPrevious), mul(d, u)));
}

export function leaky(h: usize, z: usize, hPrevious: usize, alpha: usize, n: usize): void {
  const end = h + (n << 2);
  for (; h + 16 <= end; h += 16, z += 16, hPrevious += 16, alpha += 16) leakyUnit<v128>(h, z, hPrevious, alpha);
  for (; h < end; h += 4, z += 4, hPrevious += 4, alpha += 4) leakyUnit<f32>(h, z, hPrevious, alpha);
}

@inline
function leakyUnit<T>(h: usize, z: usize, hPrevious: usize, alpha: usize): void {
  const c = tanh(load<T>(z));
  const keep = load<T>(alpha);
  store<T>(z, c);
  store<T>(h, add(mul(keep, load<T>(hPrevious)), mul(sub(splat(1), keep), c)));
}

export function leakyBackward(
  dz: usize,
  dhPrevious: usize,
  dAlpha: usize,
  dh: usize,
  z: usize,
  hPrevious: usize,
  alpha: usize,
  n: usize,
): void {
  const end = dz + (n << 2);
  for (; dz + 16 <= end; dz += 16, dhPrevious += 16, dAlpha += 16, dh += 16, z += 16, hPrevious += 16, alpha += 16)
    leakyUnitBackward<v128>(dz, dhPrevious, dAlpha, dh, z, hPrevious, alpha);
  for (; dz < end; dz += 4, dhPrevious += 4, dAlpha += 4, dh += 4, z += 4, hPrevious += 4, alpha += 4)
    leakyUnitBackward<f32>(dz, dhPrevious, dAlpha, dh, z, hPrevious, alpha);
}

@inline
function leakyUnitBackward<T>(
  dz: usize,
  dhPrevious: usize,
  dAlpha: usize,
  dh: usize,
  z: usize,
  hPrevious: usize,
  alpha: usize,
): void {
  const one = splat(1);
  const c = load<T>(z);
  const keep = load<T>(alpha);
  const d = load<T>(dh);
  store<T>(dz, mul(mul(d, sub(one, keep)), sub(one, mul(c, c))));
  store<T>(dAlpha, mul(d, sub(load<T>(hPrevious), c)));
  store<T>(dhPrevious, add(load<T>(dhPrevious), mul(d, keep)));
}
