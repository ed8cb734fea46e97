/**
 * Who sent an S3 request. S3 signs other things than the JSON services (the path as it is on the wire, the payload by a
 * header that says how) and answers with other codes; version 2 in a URL is still what old clients presign with.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 * Gaps: anonymous requests are refused; POST policies; SigV4a.
 */
import type { RequestContext } from "../authorize/index.ts";
import { type AwsScope, isRegionName } from "../core/arn.ts";
import { type Clock, isoSeconds, MINUTE_MS } from "../core/clock.ts";
import type { AccessKey, Identity } from "../identity/index.ts";
import { authenticateV2 } from "./authenticate-s3-v2.ts";
import type { ChunkSigning, Exchange } from "./exchange.ts";
import { requireKey, requireSession } from "./s3-access-key.ts";
import { s3AddressOf } from "./s3-address.ts";
import {
  accessDenied,
  headerMalformed,
  invalidArgument,
  invalidRequest,
  PRESIGNED_PARAMETERS,
  queryParametersError,
  signatureDoesNotMatch,
  timeTooSkewed,
} from "./s3-errors.ts";
import { headerOf } from "./signed-headers.ts";
import {
  ALGORITHM,
  basicDate,
  type CredentialScope,
  canonicalRequest,
  parseBasicDate,
  type SigningKeys,
  stringToSign,
} from "./sigv4.ts";

const MAX_SKEW_MS = 15 * MINUTE_MS;
const MAX_EXPIRES_SECONDS = 604_800;
const UNSIGNED = "UNSIGNED-PAYLOAD";
const PAYLOAD_KINDS = [
  ...[UNSIGNED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"],
  ...["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"],
  ...["STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"],
];

export interface S3Authenticated {
  readonly accessKey: AccessKey;
  readonly region: string;
  /** How the body proves itself; `UNSIGNED-PAYLOAD` when it does not. */
  readonly contentHash: string;
  /** For bodies signed chunk by chunk. */
  readonly signing: ChunkSigning | undefined;
  readonly conditionKeys: RequestContext;
}

export interface S3AuthenticatorOptions {
  readonly identity: Pick<Identity, "findAccessKey">;
  /** Sessions expire by it; default: when the request was received. */
  readonly sessionClock?: Clock;
  readonly signingKeys: SigningKeys;
  readonly scope: AwsScope;
}

/** Throws S3's error when the request is not genuine. */
export function authenticateS3(exchange: Exchange, options: S3AuthenticatorOptions): S3Authenticated {
  const { authorization } = exchange.request.headers;
  const { query } = s3AddressOf(exchange);
  const isPresigned = [...query.keys()].some((name) => /^X-Amz-(?:Algorithm|Credential|Signature)$/i.test(name));
  const isPresignedV2 = query.has("Signature") || query.has("AWSAccessKeyId");
  if (authorization !== undefined) {
    if (isPresigned || isPresignedV2) {
      throw invalidArgument(
        "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
        "Authorization",
        authorization,
      );
    }
    return byHeader(exchange, authorization, options);
  }
  if (isPresigned) return byUrl(exchange, query, options);
  if (isPresignedV2) return authenticateV2(exchange, query, options);
  // differs: nobody is anonymous here (docs/differences.md#s3)
  throw accessDenied();
}

interface SignatureV4 {
  readonly credential: string;
  readonly signedHeaderList: string;
  readonly signature: string;
  readonly date: string;
  readonly sessionToken: string | undefined;
  readonly contentHash: string;
  readonly authType: string;
  readonly signatureAgeMs: number | undefined;
}

function byHeader(exchange: Exchange, authorization: string, options: S3AuthenticatorOptions): S3Authenticated {
  const { headers } = exchange.request;
  if (authorization.startsWith("AWS ")) {
    throw invalidRequest(
      "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
    );
  }
  if (!authorization.startsWith(`${ALGORITHM} `)) {
    throw invalidArgument("Unsupported Authorization Type", "Authorization", authorization);
  }
  const pairs = authorization
    .slice(ALGORITHM.length + 1)
    .split(",")
    .map((part) => part.trim())
    .map((part) => [part.slice(0, Math.max(part.indexOf("="), 0)), part.slice(part.indexOf("=") + 1)] as const);
  const parts = new Map(pairs);
  const credential = parts.get("Credential");
  const signedHeaderList = parts.get("SignedHeaders")?.toLowerCase();
  const signature = parts.get("Signature");
  if (!credential || !signedHeaderList || !signature) {
    throw headerMalformed(
      "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
    );
  }
  const date = dateOf(exchange);
  const dateMs = date === undefined ? undefined : parseBasicDate(date);
  if (date === undefined || dateMs === undefined) {
    throw accessDenied("AWS authentication requires a valid Date or x-amz-date header");
  }
  if (Math.abs(exchange.receivedMs - dateMs) > MAX_SKEW_MS) {
    throw timeTooSkewed(date, isoSeconds(exchange.receivedMs), MAX_SKEW_MS);
  }
  const contentHash = headers["x-amz-content-sha256"];
  if (typeof contentHash !== "string") {
    throw invalidRequest("Missing required header for this request: x-amz-content-sha256");
  }
  requirePayloadKind(contentHash);
  return verify(exchange, options, {
    credential,
    signedHeaderList,
    signature,
    date,
    sessionToken: headers["x-amz-security-token"] as string | undefined,
    contentHash,
    authType: "REST-HEADER",
    signatureAgeMs: undefined,
  });
}

function dateOf({ request: { headers } }: Exchange): string | undefined {
  const basic = headers["x-amz-date"];
  if (typeof basic === "string") return basic;
  const ms = Date.parse(headers.date ?? "");
  return Number.isNaN(ms) ? undefined : basicDate(ms);
}

function requirePayloadKind(contentHash: string): void {
  if (contentHash.startsWith("STREAMING-AWS4-ECDSA-")) {
    throw invalidRequest("kiln does not offer signatures of Signature Version 4A");
  }
  if (PAYLOAD_KINDS.includes(contentHash) || /^[0-9a-f]{64}$/.test(contentHash)) return;
  throw invalidArgument(
    `x-amz-content-sha256 must be ${PAYLOAD_KINDS.join(", ")} or a valid sha256 value.`,
    "x-amz-content-sha256",
    contentHash,
  );
}

const URL_PARTS = ["Algorithm", "Credential", "Signature", "Date", "SignedHeaders", "Expires"];

function byUrl(
  exchange: Exchange,
  query: ReadonlyMap<string, string>,
  options: S3AuthenticatorOptions,
): S3Authenticated {
  const [algorithm, credential, signature, date, signedHeaderList, expiresText] = URL_PARTS.map((name) =>
    query.get(`X-Amz-${name}`),
  );
  if (!algorithm || !credential || !signature || !date || !signedHeaderList || !expiresText) {
    throw queryParametersError(PRESIGNED_PARAMETERS);
  }
  if (algorithm !== ALGORITHM)
    throw queryParametersError('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"');
  const dateMs = parseBasicDate(date);
  if (dateMs === undefined) {
    throw queryParametersError("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  const expires = Number(expiresText);
  if (!Number.isInteger(expires)) throw queryParametersError("X-Amz-Expires should be a number");
  if (expires < 0) throw queryParametersError("X-Amz-Expires must be non-negative");
  if (expires > MAX_EXPIRES_SECONDS) {
    throw queryParametersError(
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
    );
  }
  const nowMs = exchange.receivedMs;
  if (dateMs > nowMs + MAX_SKEW_MS) throw accessDenied("Request is not valid yet");
  if (nowMs > dateMs + expires * 1000) {
    throw accessDenied("Request has expired", {
      "X-Amz-Expires": expiresText,
      Expires: isoSeconds(dateMs + expires * 1000),
      ServerTime: isoSeconds(nowMs),
    });
  }
  const contentHash =
    query.get("X-Amz-Content-Sha256") ?? exchange.request.headers["x-amz-content-sha256"]?.toString() ?? UNSIGNED;
  requirePayloadKind(contentHash);
  return verify(exchange, options, {
    credential,
    signedHeaderList: signedHeaderList.toLowerCase(),
    signature,
    date,
    sessionToken: query.get("X-Amz-Security-Token"),
    contentHash,
    authType: "REST-QUERY-STRING",
    signatureAgeMs: nowMs - dateMs,
  });
}

function verify(exchange: Exchange, options: S3AuthenticatorOptions, given: SignatureV4): S3Authenticated {
  const { accessKeyId, scope } = credentialOf(given);
  const signedHeaders = given.signedHeaderList.split(";");
  requireSignedHeaders(exchange, signedHeaders);
  const accessKey = requireKey(options.identity, accessKeyId);
  const canonical = canonicalRequest({
    method: exchange.method,
    path: exchange.path,
    isPathLiteral: true,
    query: exchange.query,
    signedHeaders,
    header: headerOf(exchange.request),
    payloadHash: given.contentHash,
  });
  const text = stringToSign(given.date, scope, canonical);
  const key = options.signingKeys.keyFor(accessKeyId, accessKey.secret.reveal(), scope);
  if (!key.matches(text, given.signature)) {
    throw signatureDoesNotMatch({
      accessKeyId,
      stringToSign: text,
      signature: given.signature,
      canonicalRequest: canonical,
    });
  }
  requireSession(accessKey, accessKeyId, given.sessionToken, options.sessionClock?.nowMs() ?? exchange.receivedMs);
  return {
    accessKey,
    region: scope.region,
    contentHash: given.contentHash,
    signing: {
      accessKeyId,
      key,
      date: given.date,
      scope: `${scope.date}/${scope.region}/s3/aws4_request`,
      signature: given.signature,
    },
    conditionKeys: {
      "s3:authType": given.authType,
      "s3:signatureversion": ALGORITHM,
      "s3:x-amz-content-sha256": given.contentHash,
      ...(given.signatureAgeMs !== undefined && { "s3:signatureAge": String(given.signatureAgeMs) }),
    },
  };
}

function credentialOf({ credential, date: signedAt }: SignatureV4): {
  readonly accessKeyId: string;
  readonly scope: CredentialScope;
} {
  const elements = credential.split("/");
  const [accessKeyId = "", date = "", region = "", service = "", terminator = ""] = elements;
  if (elements.length !== 5) {
    throw headerMalformed(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (date !== signedAt.slice(0, 8)) {
    throw headerMalformed(
      `Invalid credential date "${date}". This date is not the same as X-Amz-Date: "${signedAt.slice(0, 8)}".`,
    );
  }
  if (!isRegionName(region))
    throw headerMalformed(`the region '${region}' is wrong; expecting 'us-east-1'`, "us-east-1");
  if (service !== "s3") throw headerMalformed(`incorrect service "${service}". This endpoint belongs to "s3".`);
  if (terminator !== "aws4_request") {
    throw headerMalformed(`incorrect terminator "${terminator}". This endpoint uses "aws4_request".`);
  }
  return { accessKeyId, scope: { date, region, service } };
}

/** A proxy or a client's library may add these after signing; they change nothing. */
const NEED_NO_SIGNATURE = new Set(["x-amz-content-sha256", "x-amz-user-agent"]);

function requireSignedHeaders(exchange: Exchange, signedHeaders: readonly string[]): void {
  const signed = new Set(signedHeaders);
  const missing = Object.keys(exchange.request.headers).filter(
    (name) => (name === "host" || (name.startsWith("x-amz-") && !NEED_NO_SIGNATURE.has(name))) && !signed.has(name),
  );
  if (missing.length === 0) return;
  throw accessDenied("There were headers present in the request which were not signed", {
    HeadersNotSigned: missing.join(", "),
  });
}
