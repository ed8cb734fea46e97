/**
 * Finds the parts of a signature in the `Authorization` header or in a presigned URL, with AWS's sentences for missing
 * ones. Used by authenticate.ts.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
 */
import type { AwsError } from "../core/errors.ts";
import { faultOf, incompleteSignature, invalidSignature, missingToken } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { basicDate } from "./sigv4.ts";

export interface SignatureParts {
  readonly algorithm: string;
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  /** The same names joined with `;`. */
  readonly signedHeaderList: string;
  readonly signature: string;
  /** Text of `X-Amz-Date`, or the `Date` header in that form. */
  readonly date: string;
  readonly sessionToken: string | undefined;
  /** Presigned URLs only. */
  readonly expiresInSeconds: number | undefined;
}

/** Throws when there is no signature or a part of it is missing. */
export function signatureParts(exchange: Exchange, isQuery: boolean): SignatureParts {
  const authorization = exchange.request.headers.authorization;
  const isPresigned = exchange.query !== "" && exchange.query.includes("X-Amz-Algorithm=");
  if (authorization) {
    if (isPresigned) throw twoSignatures(isQuery);
    if (authorization.startsWith("AWS4-")) return fromHeader(exchange, authorization, isQuery);
  } else if (isPresigned) return fromUrl(exchange, isQuery);
  // AWS: so it calls other ways to sign, too (`Bearer`, `Basic`, nothing behind the colon).
  throw faultOf(missingToken, isQuery, "Request is missing Authentication Token");
}

const twoSignatures = (isQuery: boolean): AwsError =>
  faultOf(
    invalidSignature,
    isQuery,
    "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.",
  );

const SIGNATURE = "Signature=";
const MAX_HEADS = 1_000;

/** An `Authorization` header up to its signature: the same for all requests of a client on one day. */
type Head = Pick<SignatureParts, "algorithm" | "credential" | "signedHeaders" | "signedHeaderList">;
const heads = new Map<string, Head>();

/** The usual form, with the signature last, parsed before; undefined when the long way must be taken. */
function rememberedParts(exchange: Exchange, authorization: string): SignatureParts | undefined {
  const at = authorization.lastIndexOf(SIGNATURE);
  const head = at < 0 ? undefined : heads.get(authorization.slice(0, at));
  if (head === undefined) return undefined;
  const { headers } = exchange.request;
  const signature = authorization.slice(at + SIGNATURE.length);
  const date = headers["x-amz-date"];
  // invariant: 64 characters without a separator hold no further part.
  if (signature.length !== 64 || SEPARATOR.test(signature) || typeof date !== "string") return undefined;
  return {
    algorithm: head.algorithm,
    credential: head.credential,
    signedHeaders: head.signedHeaders,
    signedHeaderList: head.signedHeaderList,
    signature,
    date,
    sessionToken: headers["x-amz-security-token"] as string | undefined,
    expiresInSeconds: undefined,
  };
}

function remember(authorization: string, parts: SignatureParts): void {
  const at = authorization.lastIndexOf(SIGNATURE);
  const isLast = at > 0 && authorization.slice(at + SIGNATURE.length) === parts.signature;
  if (!isLast || !SEPARATOR.test(authorization.charAt(at - 1))) return;
  if (heads.size >= MAX_HEADS) heads.clear();
  const { algorithm, credential, signedHeaders, signedHeaderList } = parts;
  heads.set(authorization.slice(0, at), { algorithm, credential, signedHeaders, signedHeaderList });
}

function fromHeader(exchange: Exchange, authorization: string, isQuery: boolean): SignatureParts {
  const remembered = rememberedParts(exchange, authorization);
  if (remembered) return remembered;
  const { headers } = exchange.request;
  const space = authorization.indexOf(" ");
  const algorithm = space < 0 ? authorization : authorization.slice(0, space);
  const values = headerValues(authorization, space < 0 ? "" : authorization.slice(space + 1), isQuery);
  const date = (headers["x-amz-date"] as string | undefined) ?? dateHeader(headers.date);
  const missing = ["Credential", "Signature", "SignedHeaders"]
    .filter((name) => !values[name])
    .map((name) => `Authorization header requires '${name}' parameter. `);
  if (date === undefined) {
    missing.push("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
  }
  if (missing.length > 0) {
    throw faultOf(incompleteSignature, isQuery, `${missing.join("")}Authorization=${authorization}`);
  }
  const signedHeaderList = (values["SignedHeaders"] as string).toLowerCase();
  const parts = {
    algorithm,
    credential: values["Credential"] as string,
    signedHeaders: signedHeaderList.split(";"),
    signedHeaderList,
    signature: values["Signature"] as string,
    date: date as string,
    sessionToken: headers["x-amz-security-token"] as string | undefined,
    expiresInSeconds: undefined,
  };
  remember(authorization, parts);
  return parts;
}

const SEPARATOR = /[, ]/;

/** `Credential=…, SignedHeaders=…, Signature=…`; the comma or the space may be missing. */
function headerValues(authorization: string, text: string, isQuery: boolean): Record<string, string> {
  const values: Record<string, string> = {};
  for (const part of text.split(/[, ]+/)) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    if (equals < 0) throw notKeyValue(part, authorization, isQuery);
    values[part.slice(0, equals)] = part.slice(equals + 1);
  }
  return values;
}

const notKeyValue = (part: string, authorization: string, isQuery: boolean): AwsError =>
  faultOf(
    incompleteSignature,
    isQuery,
    `'${part}' not a valid key=value pair (missing equal-sign) in Authorization header: '${authorization}'.`,
  );

/** An HTTP date in the form the string to sign needs; a text that is no date stays as it is and fails later. */
function dateHeader(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? value : basicDate(ms);
}

const URL_PARTS = ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"];

function fromUrl(exchange: Exchange, isQuery: boolean): SignatureParts {
  const query = new URLSearchParams(exchange.query);
  const missing = URL_PARTS.filter((name) => !query.get(name));
  if (missing.length > 0) {
    const sentences = missing.map((name) => `AWS query-string parameters must include '${name}'. `);
    throw faultOf(incompleteSignature, isQuery, `${sentences.join("")}Re-examine the query-string parameters.`);
  }
  const expires = query.get("X-Amz-Expires");
  const signedHeaderList = (query.get("X-Amz-SignedHeaders") as string).toLowerCase();
  return {
    algorithm: query.get("X-Amz-Algorithm") as string,
    credential: query.get("X-Amz-Credential") as string,
    signedHeaders: signedHeaderList.split(";"),
    signedHeaderList,
    signature: query.get("X-Amz-Signature") as string,
    date: query.get("X-Amz-Date") as string,
    sessionToken: query.get("X-Amz-Security-Token") ?? undefined,
    expiresInSeconds: expires === null ? undefined : Number(expires),
  };
}
