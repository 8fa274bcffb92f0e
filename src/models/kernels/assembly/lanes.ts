// Four float32 lanes. Elementary functions are our own: the same bits on every machine, relative error below 1e-6.
// A body written once serves the vector loop (T = v128) and the tail (T = f32: one lane is loaded and stored).

@inline
export function load<T>(p: usize): v128 {
  if (isVector<T>()) return v128.load(p);
  return v128.load32_zero(p);
}

@inline
export function store<T>(p: usize, x: v128): void {
  if (isVector<T>()) v128.store(p, x);
  else v128.store_lane<f32>(p, x, 0);
}

@inline
export function splat(x: f32): v128 {
  return f32x4.splat(x);
}

@inline
export function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

@inline
export function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}

@inline
export function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

@inline
export function div(a: v128, b: v128): v128 {
  return f32x4.div(a, b);
}

/** The sum of the four lanes, in a fixed order. */
@inline
export function sum(x: v128): f32 {
  const pairs = add(x, i32x4.shuffle(x, x, 2, 3, 0, 1));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

// e^x (Cephes expf): x = k ln 2 + r, e^r by a polynomial, 2^k into the exponent bits. Adding 1.5·2^23 rounds to an
// integer and leaves it in the low bits.
@inline
export function exp(input: v128): v128 {
  let x = f32x4.pmin(input, splat(88.02));
  x = f32x4.pmax(x, splat(-87.33));
  const t = add(mul(x, splat(1.44269504088896341)), splat(12582912.0));
  const k = sub(t, splat(12582912.0));
  x = sub(x, mul(k, splat(0.693359375)));
  x = sub(x, mul(k, splat(-2.12194440e-4)));
  let y = splat(1.9875691500e-4);
  y = add(mul(y, x), splat(1.3981999507e-3));
  y = add(mul(y, x), splat(8.3334519073e-3));
  y = add(mul(y, x), splat(4.1665795894e-2));
  y = add(mul(y, x), splat(1.6666665459e-1));
  y = add(mul(y, x), splat(5.0000001201e-1));
  y = add(add(mul(y, mul(x, x)), x), splat(1.0));
  return i32x4.add(y, i32x4.shl(t, 23));
}

@inline
export function sigmoid(x: v128): v128 {
  return div(splat(1.0), add(splat(1.0), exp(f32x4.neg(x))));
}

// tanh by a rational minimax approximation (the one Eigen uses): odd of degree 13 over even of degree 6.
@inline
export function tanh(input: v128): v128 {
  let x = f32x4.pmin(input, splat(7.90531110763549805));
  x = f32x4.pmax(x, splat(-7.90531110763549805));
  const x2 = mul(x, x);
  let p = splat(-2.76076847742355e-16);
  p = add(mul(p, x2), splat(2.00018790482477e-13));
  p = add(mul(p, x2), splat(-8.60467152213735e-11));
  p = add(mul(p, x2), splat(5.12229709037114e-8));
  p = add(mul(p, x2), splat(1.48572235717979e-5));
  p = add(mul(p, x2), splat(6.37261928875436e-4));
  p = add(mul(p, x2), splat(4.89352455891786e-3));
  let q = splat(1.19825839466702e-6);
  q = add(mul(q, x2), splat(1.18534705686654e-4));
  q = add(mul(q, x2), splat(2.26843463243900e-3));
  q = add(mul(q, x2), splat(4.89352518554385e-3));
  return div(mul(p, x), q);
}

// ln x for normal x > 0 (Cephes logf).
@inline
export function log(x: v128): v128 {
  let e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(x, 23), i32x4.splat(126)));
  let m = v128.or(v128.and(x, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000));
  const low = f32x4.lt(m, splat(0.707106781186547524));
  e = sub(e, v128.and(low, splat(1.0)));
  m = sub(add(m, v128.and(low, m)), splat(1.0));
  const z = mul(m, m);
  let y = splat(7.0376836292e-2);
  y = add(mul(y, m), splat(-1.1514610310e-1));
  y = add(mul(y, m), splat(1.1676998740e-1));
  y = add(mul(y, m), splat(-1.2420140846e-1));
  y = add(mul(y, m), splat(1.4249322787e-1));
  y = add(mul(y, m), splat(-1.6668057665e-1));
  y = add(mul(y, m), splat(2.0000714765e-1));
  y = add(mul(y, m), splat(-2.4999993993e-1));
  y = add(mul(y, m), splat(3.3333331174e-1));
  y = mul(mul(y, m), z);
  y = add(y, mul(e, splat(-2.12194440e-4)));
  y = sub(y, mul(z, splat(0.5)));
  return add(add(m, y), mul(e, splat(0.693359375)));
}
