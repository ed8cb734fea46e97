/** Operations on a registry as a whole: the permission question, its record, and how it is changed. */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import type { AwsScope } from "../../core/arn.ts";
import type { EcrRegistryRecord } from "../../registry/index.ts";
import {
  hasRole,
  LINKED_ROLES,
  type LinkedRole,
  linkedRoleArn,
  registryKey,
  registryOf,
} from "../../registry/index.ts";
import type { OperationContext } from "../service.ts";
import type { EcrDeps } from "./find-repository.ts";

/** The `authorize` of an operation whose action has no resource type. */
export const onRegistry =
  <I>(action: string, contextOf: (input: I) => RequestContext = () => ({})) =>
  (input: I): readonly AuthorizationRequest[] => [
    { action: `ecr:${action}`, resource: "*", context: contextOf(input) },
  ];

export const findRegistry = ({ registry }: EcrDeps, { scope }: OperationContext): EcrRegistryRecord =>
  registryOf(registry.records.ecr, scope);

/** Durable when resolved. */
export const changeRegistry = (
  { registry }: EcrDeps,
  { scope, store }: OperationContext,
  change: (record: EcrRegistryRecord) => EcrRegistryRecord,
): Promise<EcrRegistryRecord> =>
  store.write(() => {
    const { ecr } = registry.records;
    const record = change(registryOf(ecr, scope));
    ecr.registries.put(registryKey(scope), record);
    return record;
  });

/** AWS: makes the role that ECR will act with, with the caller's permission for iam:CreateServiceLinkedRole. */
export async function ensureLinkedRole(context: OperationContext, scope: AwsScope, linked: LinkedRole): Promise<void> {
  if (hasRole(context.store, linkedRoleArn(scope, linked))) return;
  await context.aws.call("iam", "CreateServiceLinkedRole", { AWSServiceName: LINKED_ROLES[linked].service });
}
