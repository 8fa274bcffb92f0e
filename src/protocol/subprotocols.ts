/** Every message is one JSON object in a text frame. */
export const JSON_SUBPROTOCOL = "eddy.v1.json";

/** Forecasts and observations are Arrow IPC streams in binary frames, everything else is as in `eddy.v1.json`. */
export const ARROW_SUBPROTOCOL = "eddy.v1.arrow";
