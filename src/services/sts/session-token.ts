/**
 * GetSessionToken and GetFederationToken: temporary keys that a user, or root, asks for: with their own rights, or for a
 * federated user with what session policies leave of them.
 * Sources: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html and
 * https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html
 */
import { globalArnIn } from "../../core/arn.ts";
import type { FederatedUserPrincipal, Principal, RootPrincipal, UserPrincipal } from "../../core/aws.ts";
import { type OperationContext, operation } from "../service.ts";
import { requestTagKeys } from "../tag-keys.ts";
import { mfaFailed, sessionCredentials } from "./errors.ts";
import { issueCredentials } from "./issue-credentials.ts";
import { requireCallable } from "./session-limits.ts";
import { packedPolicySize, sessionPoliciesOf, sessionPolicyErrors } from "./session-policies.ts";
import { sessionTagErrors, sessionTagsOf } from "./session-tags.ts";
import type {
  GetFederationTokenRequest,
  GetFederationTokenResponse,
  GetSessionTokenRequest,
  GetSessionTokenResponse,
} from "./shapes.gen.ts";

const DEFAULT_SECONDS = 43_200;
const MAX_ROOT_SECONDS = 3_600;

export const getSessionToken = operation<GetSessionTokenRequest, GetSessionTokenResponse>({
  name: "GetSessionToken",
  support: "partial",
  gaps: ["no MFA devices: SerialNumber and TokenCode are refused"],
  source: "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html",
  // AWS: no permission is needed.
  authorize(_input, { principal }) {
    requireCallable("GetSessionToken", principal);
    return [];
  },
  errors: [sessionCredentials, mfaFailed],
  async run(input, context) {
    const principal = longTermPrincipal(context, "GetSessionToken");
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) throw mfaFailed();
    const session = { ...principal, hasSessionToken: true, tokenIssuedAtMs: context.clock.nowMs() };
    return { Credentials: await issueCredentials(context, session, secondsOf(input, principal)) };
  },
});

export const getFederationToken = operation<GetFederationTokenRequest, GetFederationTokenResponse>({
  name: "GetFederationToken",
  support: "supported",
  source: "https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html",
  authorize(input, context) {
    requireCallable("GetFederationToken", context.principal);
    const actions = ["sts:GetFederationToken", ...(input.Tags?.length ? ["sts:TagSession"] : [])];
    const resource = federatedUserArn(context, input.Name);
    return actions.map((action) => ({ action, resource, context: requestTagKeys(input.Tags) }));
  },
  errors: [sessionCredentials, ...sessionTagErrors, ...sessionPolicyErrors],
  async run(input, context) {
    const issuer = longTermPrincipal(context, "GetFederationToken");
    const { accountId } = issuer;
    const session: FederatedUserPrincipal = {
      type: "FederatedUser",
      arn: federatedUserArn(context, input.Name),
      accountId,
      userId: `${accountId}:${input.Name}`,
      name: input.Name,
      issuer: issuerOf(issuer),
      ...sessionPoliciesOf(input, context, accountId),
      sessionTags: sessionTagsOf(input, issuer).tags,
      tokenIssuedAtMs: context.clock.nowMs(),
    };
    // AWS: here the size is always told, also when it is nothing.
    const PackedPolicySize = packedPolicySize(input) ?? 0;
    return {
      Credentials: await issueCredentials(context, session, secondsOf(input, issuer)),
      FederatedUser: { FederatedUserId: session.userId, Arn: session.arn },
      PackedPolicySize,
    };
  },
});

/** The caller, whom `authorize` has let pass with long-term keys only. */
function longTermPrincipal(
  { principal }: OperationContext,
  operationName: "GetSessionToken" | "GetFederationToken",
): UserPrincipal | RootPrincipal {
  if (principal.type === "User" || principal.type === "Root") return principal;
  throw sessionCredentials(operationName);
}

/** AWS: root's sessions last an hour at most; a longer wish is cut, not refused. */
function secondsOf(input: { readonly DurationSeconds?: number | undefined }, principal: Principal): number {
  const requested = input.DurationSeconds ?? DEFAULT_SECONDS;
  return principal.type === "Root" ? Math.min(requested, MAX_ROOT_SECONDS) : requested;
}

function issuerOf(principal: UserPrincipal | RootPrincipal): FederatedUserPrincipal["issuer"] {
  const { arn } = principal;
  if (principal.type === "Root") return { type: "Root", arn };
  return { type: "User", arn, userId: principal.userId, userName: principal.userName };
}

const federatedUserArn = ({ principal, scope }: OperationContext, name: string): string =>
  globalArnIn({ ...scope, accountId: principal.accountId }, "sts", `federated-user/${name}`);
