/**
 * The key that an operation on grants is about, and condition keys of grants.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
import type { RequestContext } from "../../../authorize/decision.ts";
import type { GrantConstraint } from "../../key-grant.ts";
import type { OperationContext } from "../../service.ts";
import { type AbsentKey, type FoundKey, requireNoAlias, soughtKey } from "../find-key.ts";
import { contextConditions } from "../key-access.ts";

/** A key by its id or ARN, of any account. */
export async function soughtGrantKey(context: OperationContext, keyId: string): Promise<FoundKey | AbsentKey> {
  requireNoAlias(keyId);
  return soughtKey(context, keyId);
}

/** Services that make grants for their callers (`kms:GrantIsForAWSResource`): none of the ones here does. */
export const directGrant: RequestContext = { "kms:GrantIsForAWSResource": "false" };

/** AWS: the encryption context of a request about a grant is that of its constraint. */
export const constraintConditions = (constraint: GrantConstraint | undefined): RequestContext =>
  constraint ? { ...contextConditions(constraint.pairs), "kms:GrantConstraintType": constraint.type } : {};
