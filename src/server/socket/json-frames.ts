import { JSON_SUBPROTOCOL } from "../../protocol/subprotocols.ts";
import { headerLength, WHOLE_TEXT, writeHeader } from "./frame.ts";
import { messageHead } from "./outgoing.ts";
import type { Piece } from "./run.ts";
import type { Subprotocol } from "./subprotocol.ts";

/** Bytes of forecasts that leave at once. */
const PIECE_BYTES = 32 * 1024;

/** `eddy.v1.json`: a text frame for each forecast. */
export const JSON_FRAMES: Subprotocol = {
  name: JSON_SUBPROTOCOL,
  pieces(forecasts, { id, view }) {
    const head = messageHead(id);
    const pieces: Piece[] = [];
    let tails: Buffer[] = [];
    let bytes = 0;
    for (const outgoing of forecasts) {
      const tail = outgoing.tail(view);
      tails.push(tail);
      bytes += tail.length;
      if (bytes < PIECE_BYTES) continue;
      pieces.push(pieceOf(head, tails));
      tails = [];
      bytes = 0;
    }
    if (tails.length > 0) pieces.push(pieceOf(head, tails));
    return pieces;
  },
};

/** Of each tail a frame, with the same head. */
function pieceOf(head: Buffer, tails: readonly Buffer[]): Piece {
  const lengths = tails.map((tail) => head.length + tail.length);
  const piece = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerLength(length) + length, 0));
  let at = 0;
  for (const tail of tails) {
    at = writeHeader(piece, at, WHOLE_TEXT, head.length + tail.length);
    at += head.copy(piece, at);
    at += tail.copy(piece, at);
  }
  return { bytes: piece, forecasts: tails.length };
}
