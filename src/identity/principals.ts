/**
 * Principals as they call: the one place that makes the ARNs and ids of root users, role sessions and AWS services.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
 */
import { type AwsScope, globalArnIn, parseArn } from "../core/arn.ts";
import type { AssumedRolePrincipal, RootPrincipal, ServicePrincipal } from "../core/aws.ts";
import type { RoleRecord } from "./records.ts";

/** The root user of the scope's account. */
export const rootPrincipal = (scope: AwsScope): RootPrincipal => ({
  type: "Root",
  arn: globalArnIn(scope, "iam", "root"),
  accountId: scope.accountId,
  userId: scope.accountId,
});

/** A session of a role, without policies and tags of its own. */
export function roleSession(
  role: Pick<RoleRecord, "arn" | "name" | "id">,
  sessionName: string,
  issuedAtMs: number,
): AssumedRolePrincipal {
  const { partition = "aws", accountId = "" } = parseArn(role.arn) ?? {};
  return {
    type: "AssumedRole",
    // AWS: the session's ARN drops the role's path.
    arn: globalArnIn({ partition, region: "", accountId }, "sts", `assumed-role/${role.name}/${sessionName}`),
    accountId,
    userId: `${role.id}:${sessionName}`,
    roleArn: role.arn,
    roleName: role.name,
    sessionName,
    sessionPolicies: [],
    sessionTags: {},
    tokenIssuedAtMs: issuedAtMs,
  };
}

/** An AWS service, e.g. `codebuild.amazonaws.com`, that acts for the resource `sourceArn` of an account. */
export const servicePrincipal = (
  serviceName: string,
  sourceArn: string,
  { accountId }: Pick<AwsScope, "accountId">,
  sessionKeys?: Readonly<Record<string, string>>,
): ServicePrincipal => ({
  type: "AWSService",
  serviceName,
  // A service has one name for everything.
  arn: serviceName,
  accountId,
  userId: serviceName,
  sourceArn,
  ...(sessionKeys && { sessionKeys }),
});
