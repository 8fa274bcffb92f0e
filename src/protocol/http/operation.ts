import { type TSchema, Type } from "@sinclair/typebox";
import { FailureSchema } from "./answers.ts";

/** One answer of a route: what its body is by media type; null where a schema says nothing of it. */
export interface Answer {
  readonly description: string;
  readonly body?: Readonly<Record<string, TSchema | null>>;
}

/** A parameter of a path, or of a query, which is text on the way. */
export interface Parameter {
  readonly in: "path" | "query" | "header";
  readonly description: string;
  readonly schema: TSchema;
  readonly required?: boolean;
  /** May come several times. */
  readonly many?: boolean;
}

/** A route as it is published. */
export interface Operation {
  readonly method: "get" | "post" | "put" | "delete";
  readonly path: string;
  /** Names it in clients that are generated. */
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly parameters?: Readonly<Record<string, Parameter>>;
  readonly body?: Readonly<Record<string, TSchema | null>>;
  readonly answers: Readonly<Record<number, Answer>>;
  /** Answered without a token. */
  readonly open?: boolean;
}

export const JSON_BODY = "application/json";
export const ARROW_BODY = "application/vnd.apache.arrow.stream";

export const json = (description: string, schema: TSchema): Answer => ({
  description,
  body: { [JSON_BODY]: schema },
});

export const failure = (description: string): Answer => json(description, FailureSchema);

/** What any route may answer, whatever it is asked. */
export const COMMON: Readonly<Record<number, Answer>> = {
  400: failure("something asked for is wrong"),
  401: failure("the token is missing or wrong"),
  403: failure("not from this origin, not by this name, or not with this token"),
  429: failure("too much at a time: again after Retry-After seconds"),
  503: failure("starting, shutting down, or the database has failed"),
};
export const NOT_FOUND: Readonly<Record<number, Answer>> = {
  404: failure("there is no such thing, or nothing of it yet"),
};

export const inPath = (description: string): Parameter => ({
  in: "path",
  description,
  schema: Type.String(),
  required: true,
});
export const inQuery = (
  description: string,
  schema: TSchema = Type.String(),
  required = false,
): Parameter => ({
  in: "query",
  description,
  schema,
  required,
});
export const TIME = Type.String({ description: "ISO 8601 or epoch milliseconds" });
