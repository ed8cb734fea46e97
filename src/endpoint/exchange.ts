/**
 * One AWS request on its way through the pipeline. Each step fills in what the later ones read; see pipeline.ts for
 * the order. Nothing here knows a service.
 */
import type { IncomingMessage } from "node:http";
import type { AwsScope } from "../core/arn.ts";
import type { Principal, ServiceName } from "../core/aws.ts";
import type { AwsError } from "../core/errors.ts";
import type { OperationModel, ServiceModel } from "../services/index.ts";

/** A finished answer, ready to be written. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | number>;
  readonly body: string | Uint8Array;
}

/** How requests and answers of a service look on the wire. */
export interface WireProtocol {
  readonly name: "awsJson1_1" | "awsQuery" | "restXml" | "restJson" | "cbor";
  /** Typed input from what `resolve` found; throws AWS's error for values of the wrong type. */
  decode(exchange: Exchange): object;
  encode(exchange: Exchange, output: object): Answer;
  encodeError(exchange: Exchange, error: AwsError): Answer;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly method: string;
  /** Path and query as on the wire, without `?`. */
  readonly path: string;
  readonly query: string;
  readonly requestId: string;
  /** Set before any step runs; empty until then. */
  body: Buffer;
  /** When the whole request had arrived. */
  receivedMs: number;
  /** Set before any step runs, from the headers; `resolve` may correct it. Errors are encoded with it. */
  protocol: WireProtocol;
  /** Set by `resolve`. */
  target: Target | undefined;
  /** Set by `authenticate`. */
  caller: { readonly principal: Principal; readonly scope: AwsScope } | undefined;
  /** Set by `decode`. */
  input: object | undefined;
  /** Set by `dispatch`. */
  output: object | undefined;
  /** Set by `encode`. */
  answer: Answer | undefined;
}

/** What the request asks for. */
export interface Target {
  readonly service: ServiceName;
  readonly operation: string;
  /** Undefined for operations that the dispatcher will refuse; they are authenticated first, as on AWS. */
  readonly model: OperationModel | undefined;
  readonly serviceModel: ServiceModel;
  /** Parsed JSON, or the form of a query request. */
  readonly payload: unknown;
}
