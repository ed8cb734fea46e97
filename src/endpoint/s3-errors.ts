/**
 * Errors the endpoint answers to S3's clients before an operation is reached, with the elements S3 puts beside the
 * message. Members of `extra` in lower case are headers.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html and documents recorded on AWS.
 */
import { awsError } from "../core/errors.ts";

const client = {
  fault: "client",
  source: "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
} as const;

/** Anonymous, expired, unsigned: everything that is refused without a decision. */
export const accessDenied = awsError<readonly [string?, Readonly<Record<string, string>>?]>({
  ...client,
  code: "AccessDenied",
  status: 403,
  message: (text = "Access Denied") => text,
  extra: (_text, elements) => elements ?? {},
});

export const headerMalformed = awsError<readonly [string, string?]>({
  ...client,
  unverified: true,
  code: "AuthorizationHeaderMalformed",
  status: 400,
  message: (what: string) => `The authorization header is malformed; ${what}`,
  extra: (_what, Region) => (Region === undefined ? {} : { Region }),
});

export const queryParametersError = awsError({
  ...client,
  unverified: true,
  code: "AuthorizationQueryParametersError",
  status: 400,
  message: (text: string) => text,
});

export const PRESIGNED_PARAMETERS =
  "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.";
export const PRESIGNED_V2_PARAMETERS =
  "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters";

export const timeTooSkewed = awsError({
  ...client,
  unverified: true,
  code: "RequestTimeTooSkewed",
  status: 403,
  message: (_requestTime: string, _serverTime: string, _maxSkewMs: number) =>
    "The difference between the request time and the current time is too large.",
  extra: (RequestTime, ServerTime, maxSkewMs) => ({
    RequestTime,
    ServerTime,
    MaxAllowedSkewMilliseconds: String(maxSkewMs),
  }),
});

export const invalidAccessKeyId = awsError({
  ...client,
  code: "InvalidAccessKeyId",
  status: 403,
  message: (_accessKeyId: string) => "The AWS Access Key Id you provided does not exist in our records.",
  extra: (AWSAccessKeyId) => ({ AWSAccessKeyId }),
});

export interface SignatureMismatch {
  readonly accessKeyId: string;
  readonly stringToSign: string;
  readonly signature: string;
  /** Version 4 only. */
  readonly canonicalRequest?: string;
}

const hexBytes = (text: string): string => Buffer.from(text).toString("hex").match(/../g)?.join(" ") ?? "";

export const signatureDoesNotMatch = awsError({
  ...client,
  code: "SignatureDoesNotMatch",
  status: 403,
  message: (_mismatch: SignatureMismatch) =>
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  extra: ({ accessKeyId, stringToSign, signature, canonicalRequest }) => ({
    AWSAccessKeyId: accessKeyId,
    StringToSign: stringToSign,
    SignatureProvided: signature,
    StringToSignBytes: hexBytes(stringToSign),
    ...(canonicalRequest !== undefined && {
      CanonicalRequest: canonicalRequest,
      CanonicalRequestBytes: hexBytes(canonicalRequest),
    }),
  }),
});

export const invalidToken = awsError({
  ...client,
  code: "InvalidToken",
  status: 400,
  message: (_token: string) => "The provided token is malformed or otherwise invalid.",
  extra: (token) => ({ "Token-0": token }),
});

export const expiredToken = awsError({
  ...client,
  unverified: true,
  code: "ExpiredToken",
  status: 400,
  message: (_token: string) => "The provided token has expired.",
  extra: (token) => ({ "Token-0": token }),
});

export const contentHashMismatch = awsError({
  ...client,
  code: "XAmzContentSHA256Mismatch",
  status: 400,
  message: (_given: string, _computed: string) =>
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  extra: (ClientComputedContentSHA256, S3ComputedContentSHA256) => ({
    ClientComputedContentSHA256,
    S3ComputedContentSHA256,
  }),
});

export const invalidRequest = awsError({
  ...client,
  unverified: true,
  code: "InvalidRequest",
  status: 400,
  message: (text: string) => text,
});

export const invalidArgument = awsError<readonly [string, string, string]>({
  ...client,
  unverified: true,
  code: "InvalidArgument",
  status: 400,
  message: (text) => text,
  extra: (_text, ArgumentName, ArgumentValue) => ({ ArgumentName, ArgumentValue }),
});

export const invalidUri = awsError({
  ...client,
  unverified: true,
  code: "InvalidURI",
  status: 400,
  message: (_uri: string) => "Couldn't parse the specified URI.",
  extra: (URI) => ({ URI }),
});

export const methodNotAllowed = awsError({
  ...client,
  code: "MethodNotAllowed",
  status: 405,
  message: (_method: string, _resourceType: string) => "The specified method is not allowed against this resource.",
  extra: (Method, ResourceType) => ({ Method, ResourceType }),
});

/** Not AWS's: a part of S3 that this tool does not know, so that it is not taken for the object itself. */
export const unknownSubresource = awsError({
  ...client,
  code: "NotImplemented",
  status: 501,
  source: "docs/coverage.md",
  message: (name: string) => `kiln does not offer \`?${name}\` of S3 (docs/coverage.md)`,
});

export const missingContentLength = awsError({
  ...client,
  unverified: true,
  code: "MissingContentLength",
  status: 411,
  message: () => "You must provide the Content-Length HTTP header.",
});

export const incompleteBody = awsError({
  ...client,
  unverified: true,
  code: "IncompleteBody",
  status: 400,
  message: () => "You did not provide the number of bytes specified by the Content-Length HTTP header",
});

export const malformedTrailer = awsError({
  ...client,
  unverified: true,
  code: "MalformedTrailerError",
  status: 400,
  message: () =>
    "The request contained trailing data that was not well-formed or did not conform to our published schema.",
});

export const bodyTimeout = awsError({
  ...client,
  unverified: true,
  code: "RequestTimeout",
  status: 400,
  message: () =>
    "Your socket connection to the server was not read from or written to within the timeout period. Idle connections will be closed.",
});

export const missingBody = awsError({
  ...client,
  unverified: true,
  code: "MissingRequestBodyError",
  status: 400,
  message: () => "Request Body is empty",
});

export const malformedXml = awsError({
  ...client,
  code: "MalformedXML",
  status: 400,
  message: () => "The XML you provided was not well-formed or did not validate against our published schema",
});
