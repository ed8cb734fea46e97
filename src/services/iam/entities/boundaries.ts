/**
 * Permissions boundaries of roles and users.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 */
import type { EntityRecord } from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { noSuchBoundary, noSuchBoundaryOnEntity, noSuchEntity, unmodifiableEntity } from "../errors.ts";
import { findPolicyInReach } from "../policies/policy-arns.ts";
import type * as Shapes from "../shapes.gen.ts";
import { changeEntity, type EntityInput, type EntityKind, nameIn, ROLE, USER } from "./entities.ts";
import { entityAccess } from "./entity-access.ts";

/** A boundary must be a managed policy of the account or of AWS. */
export function requireBoundary(arn: string, context: OperationContext): void {
  if (!findPolicyInReach(arn, context)) throw noSuchBoundary(arn);
}

/** The boundary as a member of answers, when there is one. */
export const boundaryOf = (
  record: EntityRecord,
): { readonly PermissionsBoundary?: Shapes.AttachedPermissionsBoundary } =>
  record.boundaryArn === undefined
    ? {}
    : {
        PermissionsBoundary: {
          PermissionsBoundaryType: "PermissionsBoundaryPolicy",
          PermissionsBoundaryArn: record.boundaryArn,
        },
      };

/** PutXPermissionsBoundary and DeleteXPermissionsBoundary of one kind. */
function boundaryOperations<R extends EntityRecord>(kind: EntityKind<R>) {
  const put = `Put${kind.title}PermissionsBoundary`;
  const remove = `Delete${kind.title}PermissionsBoundary`;
  const source = (name: string) => `https://docs.aws.amazon.com/IAM/latest/APIReference/API_${name}.html`;
  return [
    operation<EntityInput & { readonly PermissionsBoundary: string }, object>({
      name: put,
      support: "supported",
      source: source(put),
      authorize: (input, context) => [
        entityAccess(kind, put, nameIn(kind, input), context, { "iam:PermissionsBoundary": input.PermissionsBoundary }),
      ],
      errors: [noSuchEntity, noSuchBoundary, unmodifiableEntity],
      async run(input, context) {
        await changeEntity(kind, nameIn(kind, input), context, (record) => {
          requireBoundary(input.PermissionsBoundary, context);
          return { ...record, boundaryArn: input.PermissionsBoundary };
        });
        return {};
      },
    }),
    operation<EntityInput, object>({
      name: remove,
      support: "supported",
      source: source(remove),
      authorize: (input, context) => [entityAccess(kind, remove, nameIn(kind, input), context)],
      errors: [noSuchEntity, noSuchBoundaryOnEntity, unmodifiableEntity],
      async run(input, context) {
        const name = nameIn(kind, input);
        await changeEntity(kind, name, context, ({ boundaryArn, ...record }) => {
          if (boundaryArn === undefined) throw noSuchBoundaryOnEntity(kind.word, name);
          return record as unknown as R;
        });
        return {};
      },
    }),
  ];
}

/** The boundary operations of roles and users. */
export const boundaryOperationsOfEntities = [...boundaryOperations(ROLE), ...boundaryOperations(USER)];
