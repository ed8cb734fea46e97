/**
 * What KMS refused, in the words in which Parameter Store and Secrets Manager pass it on to their callers.
 * Source: texts of real calls in public reports, and
 * https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/troubleshooting.html
 */
import type { AwsError } from "../core/errors.ts";

export interface KmsFailure {
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
}

/** `requestId`: of the call that made the one to KMS, for when that one has none of its own. */
export const kmsFailureOf = (error: AwsError, requestId: string): KmsFailure => ({
  code: error.code,
  message: error.message,
  requestId: error.requestId ?? requestId,
});

// AWS: the form of an exception of its SDK for Java.
export const kmsText = ({ code, message, requestId }: KmsFailure): string =>
  `${message} (Service: AWSKMS; Status Code: 400; Error Code: ${code}; Request ID: ${requestId}; Proxy: null)`;
