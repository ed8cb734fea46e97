/**
 * One AWS request on its way through the pipeline. Each step fills in what the later ones read; see pipeline.ts for
 * the order. Nothing here knows a service.
 */
import type { IncomingMessage } from "node:http";
import type { RequestContext } from "../authorize/index.ts";
import type { AwsScope } from "../core/arn.ts";
import type { Principal, ServiceName } from "../core/aws.ts";
import type { AwsError } from "../core/errors.ts";
import type { StreamingBlob } from "../core/streaming-blob.ts";
import type { OperationModel, ServiceModel } from "../services/index.ts";
import type { IncomingBody } from "./s3-body.ts";
import type { SigningKey } from "./sigv4.ts";

/** A finished answer, ready to be written. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | number>;
  /** A stream is read to its end, or ended early when the client goes away. */
  readonly body: string | StreamingBlob;
  /** The body has no end of its own: it is ended when the server stops. */
  readonly isEndless?: boolean;
  /** The connection is closed instead: an injected fault. */
  readonly isDropped?: boolean;
}

/** How requests and answers of a service look on the wire. */
export interface WireProtocol {
  readonly name: "awsJson1_1" | "awsQuery" | "restXml" | "restJson" | "cbor" | "unknown";
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
  /** Set before any step runs, for S3 by `receive`; empty until then. */
  body: Buffer;
  /** The body unpacked, where a JSON request came compressed. Set before `resolve` runs. */
  inflated?: Buffer;
  /** Set by `receive` where the operation takes a body of any size: then `body` stays empty. */
  stream: IncomingBody | undefined;
  /** When the whole request had arrived, for S3 its head: in real time, as clients date their signatures. */
  receivedMs: number;
  /** Set before any step runs, from the headers; `resolve` may correct it. Errors are encoded with it. */
  protocol: WireProtocol;
  /** Set by `resolve`. */
  target: Target | undefined;
  /** Set by `authenticate`. */
  caller: Caller | undefined;
  /** Set by `decode`. */
  input: object | undefined;
  /** Set by `dispatch`. */
  output: object | undefined;
  /** Set by `dispatch` where the control API delayed the call. */
  injectedFault: string | undefined;
  /** Set by `encode`. */
  answer: Answer | undefined;
}

/** Who sends the request, for which account and region. */
export interface Caller {
  readonly principal: Principal;
  readonly accessKeyId: string;
  readonly scope: AwsScope;
  /** S3 only. */
  readonly s3?: SignedPayload;
  /** Nobody looked at the signature (authenticate-leniently.ts). */
  readonly isLenient?: boolean;
}

/** What S3's signature says about the body and itself. */
export interface SignedPayload {
  /** Value of `x-amz-content-sha256`. */
  readonly contentHash: string;
  readonly signing: ChunkSigning | undefined;
  readonly conditionKeys: RequestContext;
}

/** What the signatures of a body's chunks go on from. */
export interface ChunkSigning {
  readonly accessKeyId: string;
  readonly key: SigningKey;
  /** `X-Amz-Date` */
  readonly date: string;
  /** `<date>/<region>/s3/aws4_request` */
  readonly scope: string;
  /** The signature of the request, which the first chunk's covers. */
  readonly signature: string;
}

/** What the request asks for. */
export interface Target {
  readonly service: ServiceName;
  readonly operation: string;
  /** Undefined for operations that the dispatcher will refuse; they are authenticated first, as on AWS. */
  readonly model: OperationModel | undefined;
  readonly serviceModel: ServiceModel;
  /** Parsed JSON, the form of a query request, or the `S3Address`. */
  readonly payload: unknown;
}
