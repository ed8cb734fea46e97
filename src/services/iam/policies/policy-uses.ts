/** Which managed policies are in use, and how often: counted from the entities, so it cannot be out of step with them. */
import type { OperationContext } from "../../service.ts";
import { ENTITY_KINDS, listEntities } from "../entities/entities.ts";

/** How many entities have a policy attached, or as their boundary. */
export interface PolicyUse {
  readonly attachments: number;
  readonly boundaries: number;
}

/** Of a policy that nothing uses. */
export const NO_USE: PolicyUse = { attachments: 0, boundaries: 0 };

/** Uses by ARN of the policy; a policy that nothing uses is not in it. */
export function usesOf(context: OperationContext): ReadonlyMap<string, PolicyUse> {
  const uses = new Map<string, PolicyUse>();
  const add = (arn: string, more: Partial<PolicyUse>) => {
    const { attachments, boundaries } = uses.get(arn) ?? NO_USE;
    uses.set(arn, {
      attachments: attachments + (more.attachments ?? 0),
      boundaries: boundaries + (more.boundaries ?? 0),
    });
  };
  for (const entity of Object.values(ENTITY_KINDS).flatMap((kind) => listEntities(kind, context))) {
    for (const arn of entity.attachedPolicyArns) add(arn, { attachments: 1 });
    if (entity.boundaryArn !== undefined) add(entity.boundaryArn, { boundaries: 1 });
  }
  return uses;
}
