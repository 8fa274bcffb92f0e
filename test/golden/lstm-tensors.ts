/** Which tensor of the `lstm` net each golden name is; blocks f, g, q and the candidate a. */
export const LSTM_TENSORS = {
  bf: "h.b.f",
  Uf: "h.x.f",
  Wf: "h.h(1).f",
  bg: "h.b.g",
  Ug: "h.x.g",
  Wg: "h.h(1).g",
  b: "h.b.a",
  U: "h.x.a",
  W: "h.h(1).a",
  bq: "h.b.q",
  Uq: "h.x.q",
  Wq: "h.h(1).q",
  V: "o.h",
  c: "o.b",
};
