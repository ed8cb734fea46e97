/**
 * Sessions of the roles that ECR acts with: the service-linked ones that reading secrets and replicating need, and the
 * role that a rule names. A role that does not exist gives no session: ECR may then do nothing.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/using-service-linked-roles.html
 */
import { type AwsScope, globalArnIn } from "../../core/arn.ts";
import type { Principal } from "../../core/aws.ts";
import type { Clock } from "../../core/clock.ts";
import { findEntityByArn, roleSession } from "../../identity/index.ts";
import type { Store } from "../../store/store.ts";

/** Name of the service and of its role, as iam:CreateServiceLinkedRole knows them. */
export const LINKED_ROLES = {
  pullThroughCache: { service: "pullthroughcache.ecr.amazonaws.com", role: "AWSServiceRoleForECRPullThroughCache" },
  replication: { service: "replication.ecr.amazonaws.com", role: "AWSServiceRoleForECRReplication" },
} as const;

export type LinkedRole = keyof typeof LINKED_ROLES;

export const linkedRoleArn = (scope: AwsScope, linked: LinkedRole): string => {
  const { service, role } = LINKED_ROLES[linked];
  return globalArnIn(scope, "iam", `role/aws-service-role/${service}/${role}`);
};

export const hasRole = (store: Store, arn: string): boolean => findEntityByArn(store, arn)?.word === "role";

/** A session of a role, or undefined when there is no such role. */
export function sessionOf(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  roleArn: string,
  sessionName: string,
): Principal | undefined {
  const found = findEntityByArn(store, roleArn);
  return found?.word === "role" ? roleSession(found.record, sessionName, clock.nowMs()) : undefined;
}
