/**
 * Which policies let an identity use a service. Only what the policies allow counts: no Deny, no boundary, no policy of a
 * resource is looked at, as on AWS.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html
 */
import { parseArn } from "../../../core/arn.ts";
import type { PolicyDocument } from "../../../core/aws.ts";
import {
  type Entity,
  type EntityWord,
  findEntityByArn,
  type HeldPolicy,
  policiesHeldBy,
} from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { ENTITY_KINDS } from "../entities/entities.ts";
import { entityAccess } from "../entities/entity-access.ts";
import { invalidMarker, noSuchArn } from "../errors.ts";
import { pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";

/** The user, group or role of the account with this ARN. */
export const findOwnEntity = (arn: string, { store, scope }: OperationContext): Entity | undefined =>
  parseArn(arn)?.accountId === scope.accountId ? findEntityByArn(store, arn) : undefined;

/** Permission on what has this ARN, whether or not it exists. */
export function accessByArn(action: string, arn: string, context: OperationContext) {
  const found = findOwnEntity(arn, context);
  return [
    found
      ? entityAccess(ENTITY_KINDS[found.word], action, found.record.name, context)
      : { action: `iam:${action}`, resource: arn },
  ];
}

export const listPoliciesGrantingServiceAccess = operation<
  Shapes.ListPoliciesGrantingServiceAccessRequest,
  Shapes.ListPoliciesGrantingServiceAccessResponse
>({
  name: "ListPoliciesGrantingServiceAccess",
  support: "supported",
  source: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPoliciesGrantingServiceAccess.html",
  authorize: (input, context) => accessByArn("ListPoliciesGrantingServiceAccess", input.Arn, context),
  errors: [noSuchArn, invalidMarker],
  run(input, context) {
    const found = findOwnEntity(input.Arn, context);
    if (!found) throw noSuchArn(input.Arn);
    const policies = policiesHeldBy(context.store, found);
    const namespaces = [...new Set(input.ServiceNamespaces)].map((namespace, index) => ({ namespace, index }));
    const page = pageOf(namespaces, { Marker: input.Marker }, ({ index }) => [index]);
    const entries = page.items.map(({ namespace }) => ({
      ServiceNamespace: namespace,
      Policies: policies.filter(({ document }) => allowsService(document, namespace)).map(shapeOf),
    }));
    return { PoliciesGrantingServiceAccess: entries, ...page.members };
  },
});

/** True when one of the entity's policies allows something of the service. */
export const mayUse = (entity: Entity, namespace: string, { store }: OperationContext): boolean =>
  policiesHeldBy(store, entity).some(({ document }) => allowsService(document, namespace));

/** As the answer shows a policy. */
function shapeOf({ origin }: HeldPolicy): Shapes.PolicyGrantingServiceAccess {
  if (origin.kind === "managed") return { PolicyName: origin.name, PolicyType: "MANAGED", PolicyArn: origin.arn };
  const EntityType = origin.word.toUpperCase() as Uppercase<EntityWord>;
  return { PolicyName: origin.name, PolicyType: "INLINE", EntityType, EntityName: origin.entityName };
}

/** True when a statement allows any action of the service. The service part of an action has no wildcards. */
export function allowsService(document: PolicyDocument, namespace: string): boolean {
  const service = namespace.toLowerCase();
  const statements = [document["Statement"]].flat() as readonly (PolicyDocument | undefined)[];
  return statements.some((statement) => {
    if (statement?.["Effect"] !== "Allow") return false;
    const actions = textsIn(statement["Action"]);
    const excluded = textsIn(statement["NotAction"]);
    if (actions.length > 0) return actions.some((action) => action === "*" || action.split(":")[0] === service);
    return excluded.length > 0 && !excluded.some((action) => action === "*" || action === `${service}:*`);
  });
}

const textsIn = (value: unknown): string[] =>
  [value].flat().flatMap((one) => (typeof one === "string" ? [one.toLowerCase()] : []));
