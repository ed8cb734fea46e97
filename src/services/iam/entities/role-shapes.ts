/** Roles as answers show them: each operation of AWS shows other members. */
import { wholeSecond } from "../../../core/clock.ts";
import { lastUseOf, type RoleRecord, trustPolicyText } from "../../../identity/index.ts";
import type { Store } from "../../../store/store.ts";
import type { OperationContext } from "../../service.ts";
import { encodeDocument } from "../policies/documents.ts";
import type * as Shapes from "../shapes.gen.ts";
import { boundaryOf } from "./boundaries.ts";

/** What every answer shows. */
export const identification = (role: RoleRecord, { store }: OperationContext) => ({
  Path: role.path,
  RoleName: role.name,
  RoleId: role.id,
  Arn: role.arn,
  CreateDate: role.createdMs,
  AssumeRolePolicyDocument: encodeDocument(trustPolicyText(store, role)),
});

/** As in lists. AWS: they have neither tags, nor boundary, nor last use. */
export const listedRole = (role: RoleRecord, context: OperationContext): Shapes.Role => ({
  ...identification(role, context),
  ...(role.description === undefined ? {} : { Description: role.description }),
  MaxSessionDuration: role.maxSessionSeconds,
});

/** With tags, boundary and last use, which lists leave out. */
export const fullRole = (role: RoleRecord, context: OperationContext): Shapes.Role => ({
  ...listedRole(role, context),
  ...boundaryOf(role),
  ...(role.tags.length > 0 && { Tags: role.tags }),
  RoleLastUsed: roleLastUsed(role, context.store),
});

/** Empty for a role that was never used. */
export function roleLastUsed(role: RoleRecord, store: Store): Shapes.RoleLastUsed {
  const use = lastUseOf(store, role.id);
  return use ? { LastUsedDate: wholeSecond(use.atMs), Region: use.region } : {};
}
