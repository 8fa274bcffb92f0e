/** Every message is one JSON object in a text frame. */
export const JSON_SUBPROTOCOL = "eddy.v1.json";
