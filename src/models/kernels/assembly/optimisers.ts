// One update of n float32 parameters from their gradients.
import { load, store, splat, add, sub, mul, div } from "./lanes";

export function momentum(theta: usize, v: usize, g: usize, scale: f32, rate: f32, mu: f32, n: usize): void {
  const end = theta + (n << 2);
  for (; theta + 16 <= end; theta += 16, v += 16, g += 16) momentumStep<v128>(theta, v, g, scale, rate, mu);
  for (; theta < end; theta += 4, v += 4, g += 4) momentumStep<f32>(theta, v, g, scale, rate, mu);
}

@inline
function momentumStep<T>(theta: usize, v: usize, g: usize, scale: f32, rate: f32, mu: f32): void {
  const velocity = add(mul(splat(mu), load<T>(v)), mul(load<T>(g), splat(scale)));
  store<T>(v, velocity);
  store<T>(theta, sub(load<T>(theta), mul(splat(rate), velocity)));
}

export function rmsprop(
  theta: usize,
  v: usize,
  g: usize,
  scale: f32,
  rate: f32,
  alpha: f64,
  epsilon: f32,
  n: usize,
): void {
  const keep: f32 = <f32>alpha;
  const take: f32 = <f32>(1.0 - alpha);
  const end = theta + (n << 2);
  for (; theta + 16 <= end; theta += 16, v += 16, g += 16)
    rmspropStep<v128>(theta, v, g, scale, rate, keep, take, epsilon);
  for (; theta < end; theta += 4, v += 4, g += 4) rmspropStep<f32>(theta, v, g, scale, rate, keep, take, epsilon);
}

@inline
function rmspropStep<T>(
  theta: usize,
  v: usize,
  g: usize,
  scale: f32,
  rate: f32,
  keep: f32,
  take: f32,
  epsilon: f32,
): void {
  const d = mul(load<T>(g), splat(scale));
  const second = add(mul(splat(keep), load<T>(v)), mul(splat(take), mul(d, d)));
  store<T>(v, second);
  const step = div(mul(splat(rate), d), add(f32x4.sqrt(second), splat(epsilon)));
  store<T>(theta, sub(load<T>(theta), step));
}

export function adam(
  theta: usize,
  m: usize,
  v: usize,
  g: usize,
  scale: f32,
  rate: f32,
  beta1: f64,
  beta2: f64,
  epsilon: f32,
  c1: f64,
  c2: f64,
  n: usize,
): void {
  // 1 - β and the corrections are formed in float64: 1 - 0.999 in float32 is wrong in the fifth digit.
  const b1: f32 = <f32>beta1;
  const b2: f32 = <f32>beta2;
  const a1: f32 = <f32>(1.0 - beta1);
  const a2: f32 = <f32>(1.0 - beta2);
  const r: f32 = <f32>(<f64>rate * c1);
  const c: f32 = <f32>c2;
  const end = theta + (n << 2);
  for (; theta + 16 <= end; theta += 16, m += 16, v += 16, g += 16)
    adamStep<v128>(theta, m, v, g, scale, r, b1, b2, a1, a2, epsilon, c);
  for (; theta < end; theta += 4, m += 4, v += 4, g += 4)
    adamStep<f32>(theta, m, v, g, scale, r, b1, b2, a1, a2, epsilon, c);
}

@inline
function adamStep<T>(
  theta: usize,
  m: usize,
  v: usize,
  g: usize,
  scale: f32,
  rate: f32,
  b1: f32,
  b2: f32,
  a1: f32,
  a2: f32,
  epsilon: f32,
  c: f32,
): void {
  const d = mul(load<T>(g), splat(scale));
  const first = add(mul(splat(b1), load<T>(m)), mul(splat(a1), d));
  const second = add(mul(splat(b2), load<T>(v)), mul(splat(a2), mul(d, d)));
  store<T>(m, first);
  store<T>(v, second);
  const step = div(mul(splat(rate), first), add(f32x4.sqrt(mul(second, splat(c))), splat(epsilon)));
  store<T>(theta, sub(load<T>(theta), step));
}
