// Elementary functions and their gradients over vectors of float32.
import { load, store, splat, add, sub, mul, exp as e, tanh as th, sigmoid as sg, log } from "./lanes";

export function exp(y: usize, x: usize, n: usize): void {
  const end = y + (n << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, e(v128.load(x)));
  for (; y < end; y += 4, x += 4) store<f32>(y, e(load<f32>(x)));
}

export function tanh(y: usize, x: usize, n: usize): void {
  const end = y + (n << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, th(v128.load(x)));
  for (; y < end; y += 4, x += 4) store<f32>(y, th(load<f32>(x)));
}

export function sigmoid(y: usize, x: usize, n: usize): void {
  const end = y + (n << 2);
  for (; y + 16 <= end; y += 16, x += 16) v128.store(y, sg(v128.load(x)));
  for (; y < end; y += 4, x += 4) store<f32>(y, sg(load<f32>(x)));
}

export function power(y: usize, x: usize, p: f32, n: usize): void {
  const end = y + (n << 2);
  for (; y + 16 <= end; y += 16, x += 16) raise<v128>(y, x, p);
  for (; y < end; y += 4, x += 4) raise<f32>(y, x, p);
}

// 0^p is 0 for p > 0: exp of the logarithm of a number below the smallest normal one would not be.
@inline
function raise<T>(y: usize, x: usize, p: f32): void {
  const base = load<T>(x);
  const value = e(mul(splat(p), log(base)));
  store<T>(y, v128.and(value, f32x4.gt(base, splat(1.17549435e-38))));
}

export function tanhBackward(dz: usize, dh: usize, h: usize, n: usize): void {
  const end = dz + (n << 2);
  for (; dz + 16 <= end; dz += 16, dh += 16, h += 16) tanhSlope<v128>(dz, dh, h);
  for (; dz < end; dz += 4, dh += 4, h += 4) tanhSlope<f32>(dz, dh, h);
}

@inline
function tanhSlope<T>(dz: usize, dh: usize, h: usize): void {
  const y = load<T>(h);
  store<T>(dz, mul(load<T>(dh), sub(splat(1), mul(y, y))));
}

export function sigmoidBackward(dz: usize, dh: usize, h: usize, n: usize): void {
  const end = dz + (n << 2);
  for (; dz + 16 <= end; dz += 16, dh += 16, h += 16) sigmoidSlope<v128>(dz, dh, h);
  for (; dz < end; dz += 4, dh += 4, h += 4) sigmoidSlope<f32>(dz, dh, h);
}

@inline
function sigmoidSlope<T>(dz: usize, dh: usize, h: usize): void {
  const y = load<T>(h);
  store<T>(dz, mul(load<T>(dh), mul(y, sub(splat(1), y))));
}
