export { copy, fill, add, axpy, scale, multiply, dot, sumSquares } from "./vectors";
export { affine, affineTransposed, outer, sumRows, sparse, sparseTransposed } from "./affine";
export { exp, tanh, sigmoid, power, tanhBackward, sigmoidBackward } from "./pointwise";
export { lstm, lstmBackward, gru, gruBackward, leaky, leakyBackward } from "./cells";
export { momentum, rmsprop, adam } from "./optimisers";
export {
  widen,
  narrow,
  dot64,
  axpy64,
  multiply64,
  rankOne64,
  symmetricMultiply64,
  symmetricDowndate64,
  correct64,
} from "./least-squares";
