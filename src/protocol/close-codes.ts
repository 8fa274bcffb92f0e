/** Why a server ends a connection; docs/protocol.md says what a client does about each. */
export const CloseCode = {
  goingAway: 1001,
  tooBig: 1009,
  badMessage: 4400,
  unauthorised: 4401,
  forbidden: 4403,
  subprotocol: 4406,
  initTimeout: 4408,
  duplicateId: 4409,
  tooMany: 4429,
  internal: 4500,
  tooSlow: 4008,
  cannotResume: 4010,
} as const;
export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];
