import type { FastifyReply, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../models/errors.ts";
import { MEDIA_TYPES } from "./observations-body.ts";

/** Seconds after which a client may try again, where nothing else is known. */
const RETRY_AFTER = 1;

/** A failure with its HTTP status; answered as `{ code, message }`. */
export class HttpFailure extends Error {
  readonly statusCode: number;
  readonly code: string;
  /** Seconds after which a client may try again, of what is over by then. */
  readonly retryAfter: number;

  constructor(statusCode: number, code: string, message: string, retryAfter = RETRY_AFTER) {
    super(message);
    this.statusCode = statusCode;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** What every failure on the way through a route, and on the way to one, is answered with. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { code, message } = failedWith(error, request, reply);
  reply.send({ code, message });
}

/** Sets the status and the headers of a failure, and answers its code and words. */
export function failedWith(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): { readonly code: string; readonly message: string } {
  const { statusCode, code, message, retryAfter } = wordedFailure(error, request);
  if (statusCode === 429 || statusCode === 503) reply.header("retry-after", retryAfter);
  if (statusCode === 401) reply.header("www-authenticate", "Bearer");
  // A body that was not read to its end leaves the connection unusable.
  if (statusCode === 413) reply.header("connection", "close");
  reply.code(statusCode);
  return { code, message };
}

/** Statuses of errors that are not the fault of what was sent. */
const STATUS: Readonly<Record<string, number>> = {
  busy: 429,
  storage: 503,
  "bad-state": 409,
};

/** What went wrong, as it is answered. */
export function wordedFailure(error: unknown, request: FastifyRequest): HttpFailure {
  if (error instanceof HttpFailure) return error;
  if (error instanceof EddyError) {
    const tooLarge = error.code === "too-large" && request.method === "POST" ? 413 : 400;
    return new HttpFailure(STATUS[error.code] ?? tooLarge, error.code, error.message);
  }
  const failure = error as { code?: string; statusCode?: number; message?: string };
  if (failure.code === "FST_ERR_BAD_URL") {
    const received = printable(request.raw.url);
    return new HttpFailure(400, "bad-message", `path: expected percent-encoded UTF-8, got ${received}`);
  }
  if (failure.code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") {
    const received = printable(request.headers["content-type"] ?? "none");
    const expected = `one of ${MEDIA_TYPES.join(", ")}`;
    return new HttpFailure(415, "unsupported", `Content-Type: expected ${expected}, got ${received}`);
  }
  const statusCode = failure.statusCode ?? 500;
  if (statusCode >= 500) return new HttpFailure(500, "internal", "internal error");
  const message = printable(String(failure.message).replaceAll(/\s+/g, " "), 300).slice(1, -1);
  return new HttpFailure(statusCode, "bad-message", message);
}

const CLIENT_ERRORS: Readonly<Record<string, readonly [status: string, code: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: [
    "431 Request Header Fields Too Large",
    "too-large",
    "headers: expected at most 16 KiB, got more",
  ],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [
    "413 Payload Too Large",
    "too-large",
    "chunk extensions: expected at most 16 KiB, got more",
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "bad-message", "request: expected to be whole in time"],
};

/** The raw answer to bytes that are no HTTP request, by the code of the parser's error. */
export function rawAnswer(code: string | undefined): string {
  const [status, word, message] = CLIENT_ERRORS[code ?? ""] ?? [
    "400 Bad Request",
    "bad-message",
    "request: expected HTTP/1.1, got something else",
  ];
  return rawResponse(status, word, message);
}

/** A whole response, for sockets that no longer have a reply: the connection ends with it. */
export function rawResponse(status: string, code: string, message: string): string {
  const body = JSON.stringify({ code, message });
  return (
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}
