/**
 * Condition keys that follow from who calls; the dispatcher adds those of the request (time, address, region).
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 * Gap: no organisation keys (Kiln has no AWS Organizations), no `aws:MultiFactorAuthAge` (no MFA devices).
 */
import type { Principal } from "../core/aws.ts";
import { isoSeconds } from "../core/clock.ts";
import type { RequestContext } from "./decision.ts";

/** `tags` are the tags of the user or role; a session's own tags win over them. */
export function principalContext(principal: Principal, tags: Readonly<Record<string, string>> = {}): RequestContext {
  const common = { "aws:PrincipalAccount": principal.accountId, "aws:userid": principal.userId };
  switch (principal.type) {
    case "Root":
      return {
        ...common,
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalType": "Account",
        ...ofPerson,
        ...ofToken(principal.tokenIssuedAtMs),
      };
    case "User":
      return {
        ...common,
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalType": "User",
        "aws:username": principal.userName,
        ...ofPerson,
        ...ofToken(principal.tokenIssuedAtMs),
        ...tagKeys(tags),
      };
    case "AssumedRole":
      return {
        ...common,
        // AWS: the role's ARN with its path, never the session's ARN.
        "aws:PrincipalArn": principal.roleArn,
        "aws:PrincipalType": "AssumedRole",
        ...ofPerson,
        ...ofToken(principal.tokenIssuedAtMs),
        ...tagKeys(tags, principal.sessionTags),
        ...(principal.sourceIdentity === undefined ? {} : { "aws:SourceIdentity": principal.sourceIdentity }),
        ...principal.serviceKeys,
      };
    case "FederatedUser":
      return {
        ...common,
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalType": "FederatedUser",
        ...ofPerson,
        ...ofToken(principal.tokenIssuedAtMs),
        ...tagKeys(tags, principal.sessionTags),
      };
    case "AWSService":
      return {
        "aws:PrincipalIsAWSService": "true",
        "aws:PrincipalServiceName": principal.serviceName,
        "aws:PrincipalServiceNamesList": [principal.serviceName],
        "aws:SourceArn": principal.sourceArn,
        "aws:SourceAccount": principal.accountId,
      };
  }
}

const ofPerson = { "aws:PrincipalIsAWSService": "false" } as const;

/** AWS: temporary credentials say whether MFA was used when they were issued; long-term keys have neither key. */
const ofToken = (issuedAtMs: number | undefined): RequestContext =>
  issuedAtMs === undefined
    ? {}
    : { "aws:TokenIssueTime": isoSeconds(issuedAtMs), "aws:MultiFactorAuthPresent": "false" };

/** A session's tag takes the place of the entity's, however either is capitalised. */
function tagKeys(tags: Readonly<Record<string, string>>, sessionTags: Readonly<Record<string, string>> = {}) {
  const keys: Record<string, string> = {};
  const overridden = new Set(Object.keys(sessionTags).map((key) => key.toLowerCase()));
  for (const [key, value] of Object.entries(tags)) {
    if (!overridden.has(key.toLowerCase())) keys[`aws:PrincipalTag/${key}`] = value;
  }
  for (const [key, value] of Object.entries(sessionTags)) keys[`aws:PrincipalTag/${key}`] = value;
  return keys;
}
