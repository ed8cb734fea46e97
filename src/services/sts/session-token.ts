/**
 * GetSessionToken: temporary keys for a user or root, with their own rights.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html
 */
import { issueSession } from "../../identity/index.ts";
import { operation } from "../service.ts";
import { mfaFailed, sessionCredentials } from "./errors.ts";
import type { GetSessionTokenRequest, GetSessionTokenResponse } from "./shapes.gen.ts";

const DEFAULT_SECONDS = 43_200;
const MAX_ROOT_SECONDS = 3_600;

export const getSessionToken = operation<GetSessionTokenRequest, GetSessionTokenResponse>({
  name: "GetSessionToken",
  support: "partial",
  gaps: ["no MFA devices: SerialNumber and TokenCode are refused"],
  source: "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html",
  // AWS: no permission is needed.
  authorize: () => [],
  errors: [sessionCredentials, mfaFailed],
  async run(input, context) {
    const { principal } = context;
    const isLongTerm = (principal.type === "User" || principal.type === "Root") && !principal.hasSessionToken;
    if (!isLongTerm) throw sessionCredentials("GetSessionToken");
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) throw mfaFailed();
    const requested = input.DurationSeconds ?? DEFAULT_SECONDS;
    // AWS: root's sessions last an hour at most; a longer wish is cut, not refused.
    const seconds = principal.type === "Root" ? Math.min(requested, MAX_ROOT_SECONDS) : requested;
    const issued = await issueSession(context, { ...principal, hasSessionToken: true }, seconds * 1000);
    return {
      Credentials: {
        AccessKeyId: issued.accessKeyId,
        SecretAccessKey: issued.secretAccessKey,
        SessionToken: issued.sessionToken,
        Expiration: issued.expiresAtMs,
      },
    };
  },
});
