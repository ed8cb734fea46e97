/**
 * AssumeRole: a session of a role for whoever its trust policy allows: users, roles, services.
 * Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 * Differs: root may assume a role that trusts its account (AWS refuses root), because Kiln's default key is root's.
 */
import type { AuthorizationRequest, RequestContext } from "../../authorize/index.ts";
import { isAccountId, parseArn } from "../../core/arn.ts";
import type { AssumedRolePrincipal, Principal } from "../../core/aws.ts";
import {
  findEntityByArn,
  parsedDocument,
  type RoleRecord,
  roleSession,
  trustPolicyText,
} from "../../identity/index.ts";
import { type OperationContext, operation } from "../service.ts";
import { requestTagKeys, resourceTagKeys } from "../tag-keys.ts";
import {
  durationExceedsChaining,
  durationExceedsRole,
  invalidRoleArn,
  memberNotOffered,
  mfaFailed,
  notAuthorized,
  sessionCredentials,
} from "./errors.ts";
import { issueCredentials } from "./issue-credentials.ts";
import { requireCallable } from "./session-limits.ts";
import { packedPolicySize, sessionPoliciesOf, sessionPolicyErrors } from "./session-policies.ts";
import { inheritedTransitiveKeys, sessionTagErrors, sessionTagsOf } from "./session-tags.ts";
import type { AssumeRoleRequest, AssumeRoleResponse } from "./shapes.gen.ts";

const DEFAULT_SECONDS = 3_600;
const MAX_CHAINED_SECONDS = 3_600;

export const assumeRole = operation<AssumeRoleRequest, AssumeRoleResponse>({
  name: "AssumeRole",
  support: "partial",
  gaps: ["ProvidedContexts is refused", "no MFA devices: SerialNumber and TokenCode are refused"],
  source: "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html",
  authorize(input, context) {
    requireCallable("AssumeRole", context.principal);
    if (input.ProvidedContexts?.length) throw memberNotOffered("ProvidedContexts");
    if (!isRoleArn(input.RoleArn)) throw invalidRoleArn(input.RoleArn);
    const role = findRole(input.RoleArn, context);
    const actions = [
      "sts:AssumeRole",
      // AWS: tags and a source identity that pass on through a chain need the permission at each role.
      ...(input.Tags?.length || inheritedTransitiveKeys(context.principal).length > 0 ? ["sts:TagSession"] : []),
      ...(sourceIdentityOf(input, context.principal) === undefined ? [] : ["sts:SetSourceIdentity"]),
    ];
    return actions.map((action) => trustRequest(action, input, role, context));
  },
  errors: [
    ...[invalidRoleArn, durationExceedsRole, durationExceedsChaining, mfaFailed, memberNotOffered, notAuthorized],
    ...[sessionCredentials, ...sessionTagErrors, ...sessionPolicyErrors],
  ],
  async run(input, context) {
    const { principal } = context;
    const role = findRole(input.RoleArn, context);
    if (!role) throw notAuthorized(principal.arn, "sts:AssumeRole", input.RoleArn);
    if (input.SerialNumber !== undefined || input.TokenCode !== undefined) throw mfaFailed();
    const seconds = requireDuration(input, role, principal);
    const { tags, transitiveKeys } = sessionTagsOf(input, principal);
    const packedSize = packedPolicySize(input);
    const sourceIdentity = requireSourceIdentity(input, principal);
    const accountId = parseArn(role.arn)?.accountId ?? "";
    const session: AssumedRolePrincipal = {
      ...roleSession(role, input.RoleSessionName, context.clock.nowMs()),
      ...sessionPoliciesOf(input, context, accountId),
      sessionTags: tags,
      ...(transitiveKeys.length > 0 && { transitiveTagKeys: transitiveKeys }),
      ...(sourceIdentity !== undefined && { sourceIdentity }),
      ...(principal.type === "AWSService" && principal.sessionKeys && { serviceKeys: principal.sessionKeys }),
    };
    return {
      Credentials: await issueCredentials(context, session, seconds),
      AssumedRoleUser: { AssumedRoleId: session.userId, Arn: session.arn },
      ...(packedSize === undefined ? {} : { PackedPolicySize: packedSize }),
      ...(sourceIdentity === undefined ? {} : { SourceIdentity: sourceIdentity }),
    };
  },
});

/** One action on the role, with its trust policy. AWS: a role that does not exist is denied like one that does not trust. */
function trustRequest(
  action: string,
  input: AssumeRoleRequest,
  role: RoleRecord | undefined,
  { store, principal }: OperationContext,
): AuthorizationRequest {
  return {
    action,
    resource: input.RoleArn,
    context: conditionKeys(input, role, principal),
    resourcePolicy: {
      name: role ? `trust policy of role ${role.name}` : `trust policy of ${input.RoleArn} (no such role)`,
      document: role ? parsedDocument(trustPolicyText(store, role)) : NOBODY,
      accountId: parseArn(input.RoleArn)?.accountId ?? "",
      mandatory: true,
    },
  };
}

const NOBODY = { Version: "2012-10-17", Statement: [] };

function conditionKeys(input: AssumeRoleRequest, role: RoleRecord | undefined, principal: Principal): RequestContext {
  const sourceIdentity = sourceIdentityOf(input, principal);
  return {
    "sts:RoleSessionName": input.RoleSessionName,
    ...(input.ExternalId === undefined ? {} : { "sts:ExternalId": input.ExternalId }),
    ...(sourceIdentity === undefined ? {} : { "sts:SourceIdentity": sourceIdentity }),
    ...(input.TransitiveTagKeys?.length ? { "sts:TransitiveTagKeys": input.TransitiveTagKeys } : {}),
    ...requestTagKeys(input.Tags),
    ...resourceTagKeys(role?.tags),
    ...resourceTagKeys(role?.tags, "iam:ResourceTag"),
  };
}

function findRole(arn: string, { store }: OperationContext): RoleRecord | undefined {
  const found = findEntityByArn(store, arn);
  return found?.word === "role" ? found.record : undefined;
}

const isRoleArn = (arn: string): boolean => {
  const parsed = parseArn(arn);
  return parsed?.service === "iam" && isAccountId(parsed.accountId) && /^role\/./.test(parsed.resource);
};

function requireDuration(input: AssumeRoleRequest, role: RoleRecord, principal: Principal): number {
  const seconds = input.DurationSeconds ?? DEFAULT_SECONDS;
  if (principal.type === "AssumedRole" && seconds > MAX_CHAINED_SECONDS) throw durationExceedsChaining();
  // AWS: the role's maximum does not limit sessions that services open.
  if (principal.type !== "AWSService" && seconds > role.maxSessionSeconds) throw durationExceedsRole();
  return seconds;
}

const inheritedSourceIdentity = (principal: Principal): string | undefined =>
  principal.type === "AssumedRole" ? principal.sourceIdentity : undefined;

/** Of the request, or the one that passes on. */
const sourceIdentityOf = (input: AssumeRoleRequest, principal: Principal): string | undefined =>
  input.SourceIdentity ?? inheritedSourceIdentity(principal);

/** AWS: once set, a source identity stays the same through a chain. */
function requireSourceIdentity(input: AssumeRoleRequest, principal: Principal): string | undefined {
  const inherited = inheritedSourceIdentity(principal);
  if (inherited !== undefined && input.SourceIdentity !== undefined && input.SourceIdentity !== inherited) {
    throw notAuthorized(principal.arn, "sts:SetSourceIdentity", input.RoleArn);
  }
  return sourceIdentityOf(input, principal);
}
