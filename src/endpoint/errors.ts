/**
 * Errors the endpoint answers before an operation is reached: authentication, unknown targets, size, host. The JSON
 * services and the query services (IAM, STS) have different codes and statuses for the same sentence.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
 */
import { type AwsError, type AwsErrorType, awsError } from "../core/errors.ts";

const SIGV4 = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html";
const COMMON = "https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html";

/** The same fault for the two families of services. */
export interface AuthenticationFault {
  readonly json: AwsErrorType<readonly [string]>;
  readonly query: AwsErrorType<readonly [string]>;
}

const asGiven = (message: string): string => message;

function fault(jsonCode: string, queryCode: string, queryStatus: number): AuthenticationFault {
  const shared = { fault: "client", source: SIGV4, message: asGiven } as const;
  return {
    json: awsError({ code: jsonCode, status: 400, ...shared }),
    query: awsError({ code: queryCode, status: queryStatus, ...shared }),
  };
}

export const missingToken = fault("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403);
export const incompleteSignature = fault("IncompleteSignatureException", "IncompleteSignature", 400);
export const invalidSignature = fault("InvalidSignatureException", "SignatureDoesNotMatch", 403);
export const unknownKey = fault("UnrecognizedClientException", "InvalidClientTokenId", 403);
export const expiredToken = fault("ExpiredTokenException", "ExpiredToken", 403);

/** The fault as the service's own error. */
export const faultOf = (kind: AuthenticationFault, isQuery: boolean, message: string): AwsError =>
  isQuery ? kind.query(message) : kind.json(message);

const unknownOperation = (status: number) =>
  awsError({
    code: "UnknownOperationException",
    status,
    fault: "client",
    source: COMMON,
    messageMember: "none",
    message: () => "",
  });

/** What is sent to a JSON service in another way than by POST of JSON (measured on DynamoDB and Athena). */
export const noSuchCall = unknownOperation(404);

/** JSON without a target, or with one that names no service (measured on the same). */
export const noTarget = unknownOperation(400);

/** A query request without `Action`. */
export const missingAction = awsError({
  code: "MissingAction",
  status: 400,
  fault: "client",
  source: COMMON,
  unverified: true,
  message: () => "The request is missing an action or a required parameter.",
});

/** Not AWS's sentence: the services answer 413 with a page of their front end. */
export const requestTooLarge = awsError({
  code: "RequestEntityTooLarge",
  status: 413,
  fault: "client",
  source: COMMON,
  unverified: true,
  message: (maxBytes: number) => `the request body is larger than ${maxBytes} bytes`,
});

/** Not AWS's: what is arriving from all clients is more than this process wants to hold. Clients try again. */
export const tooMuchAtOnce = awsError({
  code: "ServiceUnavailable",
  status: 503,
  fault: "server",
  source: COMMON,
  unverified: true,
  message: (maxBytes: number) => `the request bodies that are arriving are larger than ${maxBytes} bytes together`,
});

/** Not AWS's: the body did not arrive in time. */
export const requestTimeout = awsError({
  code: "RequestTimeout",
  status: 408,
  fault: "client",
  source: COMMON,
  message: () => "the request body did not arrive in time",
});

/** Not AWS's: a page of another site may make a browser send what it cannot read the answer of. */
export const foreignPage = awsError({
  code: "AccessDeniedException",
  status: 403,
  fault: "client",
  source: "docs/differences.md",
  message: () => "a page of another site sent this request; call this endpoint with an AWS client",
});

/** Not AWS's: a browser page of a foreign name may have been pointed at this address (DNS rebinding). */
export const foreignHost = awsError({
  code: "AccessDeniedException",
  status: 403,
  fault: "client",
  source: "docs/differences.md",
  message: (host: string) =>
    `the Host header \`${host}\` is not a name of this endpoint; call it by its address, e.g. 127.0.0.1 with this port`,
});
