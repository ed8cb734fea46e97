/** PutRegistryPolicy, GetRegistryPolicy, DeleteRegistryPolicy: the policy that counts beside each repository's own. */
import { validatePolicy } from "../../../authorize/index.ts";
import { operation } from "../../service.ts";
import { invalidParameter, reference, registryPolicyNotFound } from "../errors.ts";
import { changeRegistry, findRegistry, onRegistry } from "../find-registry.ts";
import type { EcrDeps } from "../find-repository.ts";
import type {
  DeleteRegistryPolicyRequest,
  DeleteRegistryPolicyResponse,
  GetRegistryPolicyRequest,
  GetRegistryPolicyResponse,
  PutRegistryPolicyRequest,
  PutRegistryPolicyResponse,
} from "../shapes.gen.ts";

export const putRegistryPolicy = (deps: EcrDeps) =>
  operation<PutRegistryPolicyRequest, PutRegistryPolicyResponse>({
    name: "PutRegistryPolicy",
    support: "partial",
    gaps: ["the text is given back as it came"],
    source: reference("PutRegistryPolicy"),
    authorize: onRegistry("PutRegistryPolicy"),
    errors: [invalidParameter],
    async run({ policyText }, context) {
      if (!isRegistryPolicy(policyText)) throw invalidParameter("PolicyText", "Invalid registry policy provided");
      await changeRegistry(deps, context, (record) => ({ ...record, policyText }));
      return { registryId: context.scope.accountId, policyText };
    },
  });

export const getRegistryPolicy = (deps: EcrDeps) =>
  operation<GetRegistryPolicyRequest, GetRegistryPolicyResponse>({
    name: "GetRegistryPolicy",
    support: "supported",
    source: reference("GetRegistryPolicy"),
    authorize: onRegistry("GetRegistryPolicy"),
    errors: [registryPolicyNotFound, invalidParameter],
    run(_input, context) {
      const { policyText } = findRegistry(deps, context);
      if (policyText === undefined) throw registryPolicyNotFound(context.scope.accountId);
      return { registryId: context.scope.accountId, policyText };
    },
  });

export const deleteRegistryPolicy = (deps: EcrDeps) =>
  operation<DeleteRegistryPolicyRequest, DeleteRegistryPolicyResponse>({
    name: "DeleteRegistryPolicy",
    support: "supported",
    source: reference("DeleteRegistryPolicy"),
    authorize: onRegistry("DeleteRegistryPolicy"),
    errors: [registryPolicyNotFound, invalidParameter],
    async run(_input, context) {
      const { policyText } = findRegistry(deps, context);
      if (policyText === undefined) throw registryPolicyNotFound(context.scope.accountId);
      await changeRegistry(deps, context, ({ policyText: _, ...record }) => record);
      return { registryId: context.scope.accountId, policyText };
    },
  });

/** Unlike a repository's policy it names resources: it speaks of all repositories. */
function isRegistryPolicy(text: string): boolean {
  const policy = validatePolicy(text, "resource");
  if (!policy.ok) return false;
  const statements = [policy.value["Statement"]].flat() as readonly object[];
  return statements.every((statement) => "Resource" in statement || "NotResource" in statement);
}
