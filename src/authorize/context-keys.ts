/**
 * Condition keys that follow from who calls; the dispatcher adds those of the request (time, address, region).
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 * Gap: no organisation keys (Kiln has no AWS Organizations), no MFA keys (no MFA devices).
 */
import type { Principal } from "../core/aws.ts";
import { isoSeconds } from "../core/clock.ts";
import type { RequestContext } from "./decision.ts";

/** `tags` are the tags of the user or role; a session's own tags win over them. */
export function principalContext(principal: Principal, tags: Readonly<Record<string, string>> = {}): RequestContext {
  const common = { "aws:PrincipalAccount": principal.accountId, "aws:userid": principal.userId };
  switch (principal.type) {
    case "Root":
      return { ...common, "aws:PrincipalArn": principal.arn, "aws:PrincipalType": "Account", ...ofPerson };
    case "User":
      return {
        ...common,
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalType": "User",
        "aws:username": principal.userName,
        ...ofPerson,
        ...tagKeys(tags),
      };
    case "AssumedRole":
      return {
        ...common,
        // AWS: the role's ARN with its path, never the session's ARN.
        "aws:PrincipalArn": principal.roleArn,
        "aws:PrincipalType": "AssumedRole",
        "aws:TokenIssueTime": isoSeconds(principal.tokenIssuedAtMs),
        ...ofPerson,
        ...tagKeys({ ...tags, ...principal.sessionTags }),
        ...(principal.sourceIdentity === undefined ? {} : { "aws:SourceIdentity": principal.sourceIdentity }),
      };
    case "FederatedUser":
      return {
        ...common,
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalType": "FederatedUser",
        "aws:TokenIssueTime": isoSeconds(principal.tokenIssuedAtMs),
        ...ofPerson,
        ...tagKeys({ ...tags, ...principal.sessionTags }),
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

const tagKeys = (tags: Readonly<Record<string, string>>): RequestContext =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value]));
