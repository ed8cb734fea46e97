/**
 * Errors that any operation of a service can answer: validation, permission, unknown operations, and this tool's own
 * refusals. Thrown by the dispatcher, validation and the protocols; the code depends on the service.
 * Source: https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html and its siblings for each service.
 */
import type { Decision } from "../authorize/decision.ts";
import type { ServiceName } from "../core/aws.ts";
import { type AwsError, awsError } from "../core/errors.ts";

const COMMON = "https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html";
const COMMON_QUERY = "https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html";

/** True for the services that speak awsQuery: their codes and statuses differ. */
export const isQueryService = (service: string): boolean => service === "iam" || service === "sts";

const text = (message: string): string => message;

const validationException = awsError({
  code: "ValidationException",
  status: 400,
  fault: "client",
  source: COMMON,
  message: text,
});

const validationErrorOfQuery = awsError({
  code: "ValidationError",
  status: 400,
  fault: "client",
  source: COMMON_QUERY,
  message: text,
});

const invalidParameterException = awsError({
  code: "InvalidParameterException",
  status: 400,
  fault: "client",
  source: "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html",
  message: text,
});

/** S3 has no sentence of its own for a constraint of the model. */
const invalidArgument = awsError({
  code: "InvalidArgument",
  status: 400,
  fault: "client",
  source: "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html",
  unverified: true,
  message: text,
});

/** Operations of Logs that came late and answer `ValidationException`. */
const NEWER_LOGS_OPERATIONS = new Set(["TagResource", "UntagResource", "ListTagsForResource"]);

/** The service's error for an input that breaks the model's constraints. */
export function constraintViolation(service: ServiceName, operation: string, message: string): AwsError {
  if (isQueryService(service)) return validationErrorOfQuery(message);
  if (service === "ecr") return invalidParameterException(message);
  if (service === "s3") return invalidArgument(message);
  if (service === "logs" && !NEWER_LOGS_OPERATIONS.has(operation)) return invalidParameterException(message);
  return validationException(message);
}

/** JSON that does not parse (no text), or a value of the wrong type. AWS: `Message`, unlike most errors (measured on Athena). */
export const serializationException = awsError({
  code: "SerializationException",
  status: 400,
  fault: "client",
  source: COMMON,
  messageMember: "Message",
  message: (what?: string) => what ?? "",
});

/** A number, boolean or timestamp of a query request that is not one. */
export const malformedInput = awsError({
  code: "MalformedInput",
  status: 400,
  fault: "client",
  source: COMMON_QUERY,
  unverified: true,
  message: text,
});

const accessDeniedException = awsError({
  code: "AccessDeniedException",
  status: 400,
  fault: "client",
  source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
  messageMember: "Message",
  message: text,
});

const accessDenied = awsError({
  code: "AccessDenied",
  status: 403,
  fault: "client",
  source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html",
  message: text,
});

/** The service's error for a call that the policies do not allow; `message` is the decision's sentence. */
const accessDeniedIn = (service: string, message: string): AwsError =>
  isQueryService(service) || service === "s3" ? accessDenied(message) : accessDeniedException(message);

/**
 * The service's error for a decision. AWS: S3 tells its reasons only to callers of the account that owns the bucket.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html
 */
export const denialIn = (service: string, { message, isCrossAccount }: Pick<Decision, "message" | "isCrossAccount">) =>
  accessDeniedIn(service, service === "s3" && isCrossAccount ? "Access Denied" : message);

const unknownOperationException = awsError({
  code: "UnknownOperationException",
  status: 400,
  fault: "client",
  source: COMMON,
  messageMember: "none",
  message: () => "",
});

const invalidAction = awsError({
  code: "InvalidAction",
  status: 400,
  fault: "client",
  source: COMMON_QUERY,
  message: (action: string, version: string) => `Could not find operation ${action} for version ${version}`,
});

/** AWS's answer to an operation that it does not have. */
export const unknownOperation = (service: ServiceName, operation: string, apiVersion: string): AwsError =>
  isQueryService(service) ? invalidAction(operation, apiVersion) : unknownOperationException();

const notOfferedText = (name: string, offered: string): string =>
  `kiln does not offer \`${name}\`; it offers ${offered} (docs/coverage.md)`;

/**
 * Not AWS's: a service, or an operation within the scope, that AWS has and this tool does not offer. Status 400 so that no
 * client retries. The endpoint repeats the name in the header `x-kiln-not-offered`.
 */
export const notOffered = awsError({
  code: "NotImplemented",
  status: 400,
  fault: "client",
  source: "docs/coverage.md",
  message: notOfferedText,
});

const notOfferedByS3 = awsError({
  code: "NotImplemented",
  status: 501,
  fault: "client",
  source: "docs/coverage.md",
  message: text,
});

// AWS: comes without a text; here it says what the scope is.
const outsideScope = awsError({
  code: "UnknownOperationException",
  status: 400,
  fault: "client",
  source: COMMON,
  message: notOfferedText,
});

/** What AWS has and this tool does not offer; `isInScope`: this tool means to. S3 has a status of its own for both. */
export function notOfferedIn(service: ServiceName, name: string, offered: string, isInScope: boolean): AwsError {
  if (service === "s3") return notOfferedByS3(notOfferedText(name, offered));
  return isInScope ? notOffered(name, offered) : outsideScope(name, offered);
}

/** A fault of this tool; its text never tells more than that, details are printed under `KILN_DEBUG`. */
export const internalFailure = awsError({
  code: "InternalFailure",
  status: 500,
  fault: "server",
  source: COMMON,
  message: (why?: string) =>
    why ?? "The request processing has failed because of an unknown error, exception or failure.",
});

/** The state cannot be read or written: disk full, folder read-only. */
export const stateUnavailable = awsError({
  code: "InternalFailure",
  status: 500,
  fault: "server",
  source: COMMON,
  message: (why: string) => `the request was not carried out: ${why}`,
});
