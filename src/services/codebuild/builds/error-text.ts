/** What went wrong, as records and notices say it. */
import { AwsError } from "../../../core/errors.ts";

/** `Code: message` of an answer of AWS, else the message. */
export const errorText = (error: unknown): string =>
  error instanceof AwsError
    ? `${error.code}: ${error.message}`
    : error instanceof Error
      ? error.message
      : String(error);
