/**
 * Trust policies bound to the entities they named when they were saved: AWS keeps unique ids, so a role or user that is
 * deleted and made again is not trusted any more, and its old id shows in place of the ARN.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-role-session
 */
import type { PolicyDocument } from "../core/aws.ts";
import type { Store } from "../store/store.ts";
import { findEntityByArn } from "./find-entity.ts";
import { type EntityRecord, identityCollections, type RoleRecord } from "./records.ts";

/** ARNs of IAM users and roles that a trust policy names. */
export function trustedArns(document: PolicyDocument): string[] {
  const arns = new Set<string>();
  const statements = document["Statement"];
  for (const statement of Array.isArray(statements) ? statements : [statements]) {
    const principal = (statement as PolicyDocument | undefined)?.["Principal"];
    const aws = typeof principal === "object" && principal !== null ? (principal as PolicyDocument)["AWS"] : undefined;
    for (const name of [aws].flat())
      if (typeof name === "string" && /:iam::\d+:(user|role)\//.test(name)) arns.add(name);
  }
  return [...arns];
}

/** Unique id of the user or role with this ARN, if it exists. */
export const uniqueIdOf = (store: Store, arn: string): string | undefined => findEntityByArn(store, arn)?.record.id;

/** Text of the trust policy as it counts today. */
export function trustPolicyText(store: Store, role: RoleRecord): string {
  let text = role.trustPolicy;
  for (const [arn, id] of Object.entries(role.trustedIds)) {
    if (uniqueIdOf(store, arn) !== id) text = text.replaceAll(JSON.stringify(arn), JSON.stringify(id));
  }
  return text;
}

/**
 * Trust policies name a user that got another name or path by its new ARN, in all accounts. Inside a write.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_users_rename.html
 */
export function followRename(store: Store, from: EntityRecord, to: EntityRecord): void {
  const { roles } = identityCollections(store);
  for (const { key, value: role } of roles.list([])) {
    if (role.trustedIds[from.arn] !== from.id) continue;
    const { [from.arn]: id = from.id, ...trustedIds } = role.trustedIds;
    const trustPolicy = role.trustPolicy.replaceAll(JSON.stringify(from.arn), JSON.stringify(to.arn));
    roles.put(key, { ...role, trustPolicy, trustedIds: { ...trustedIds, [to.arn]: id } });
  }
}
