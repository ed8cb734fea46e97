/** SetRepositoryPolicy, GetRepositoryPolicy, DeleteRepositoryPolicy: the policy that the engine asks on every request. */
import { validatePolicy } from "../../../authorize/index.ts";
import { ecrAuthorizationRequest, repositoryPolicyDocument } from "../../../registry/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import {
  invalidParameter,
  policyLocksOut,
  reference,
  repositoryNotFound,
  repositoryPolicyNotFound,
} from "../errors.ts";
import {
  changeSettings,
  type EcrDeps,
  type FoundRepository,
  onRepository,
  requireRepository,
} from "../find-repository.ts";
import type {
  DeleteRepositoryPolicyRequest,
  DeleteRepositoryPolicyResponse,
  GetRepositoryPolicyRequest,
  GetRepositoryPolicyResponse,
  SetRepositoryPolicyRequest,
  SetRepositoryPolicyResponse,
} from "../shapes.gen.ts";

const answer = ({ scope, address }: FoundRepository, policyText: string) => ({
  registryId: scope.accountId,
  repositoryName: address.name,
  policyText,
});

const requirePolicyText = (found: FoundRepository): string => {
  if (found.settings.policyText !== undefined) return found.settings.policyText;
  throw repositoryPolicyNotFound(found.address.name, found.scope.accountId);
};

export const setRepositoryPolicy = (deps: EcrDeps) =>
  operation<SetRepositoryPolicyRequest, SetRepositoryPolicyResponse>({
    name: "SetRepositoryPolicy",
    support: "partial",
    gaps: ["the text is given back as it came"],
    source: reference("SetRepositoryPolicy"),
    authorize: onRepository(deps, "SetRepositoryPolicy"),
    errors: [repositoryNotFound, invalidParameter, policyLocksOut],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      if (!isRepositoryPolicy(input.policyText))
        throw invalidParameter("PolicyText", "Invalid repository policy provided");
      // AWS: who would not be allowed to set another policy afterwards must say so.
      if (!input.force && !maySetAfter(deps, found, input.policyText, context)) throw policyLocksOut();
      await changeSettings(deps, found, context.store, (settings) => ({ ...settings, policyText: input.policyText }));
      return answer(found, input.policyText);
    },
  });

export const getRepositoryPolicy = (deps: EcrDeps) =>
  operation<GetRepositoryPolicyRequest, GetRepositoryPolicyResponse>({
    name: "GetRepositoryPolicy",
    support: "supported",
    source: reference("GetRepositoryPolicy"),
    authorize: onRepository(deps, "GetRepositoryPolicy"),
    errors: [repositoryNotFound, repositoryPolicyNotFound, invalidParameter],
    run(input, context) {
      const found = requireRepository(deps, input, context);
      return answer(found, requirePolicyText(found));
    },
  });

export const deleteRepositoryPolicy = (deps: EcrDeps) =>
  operation<DeleteRepositoryPolicyRequest, DeleteRepositoryPolicyResponse>({
    name: "DeleteRepositoryPolicy",
    support: "supported",
    source: reference("DeleteRepositoryPolicy"),
    authorize: onRepository(deps, "DeleteRepositoryPolicy"),
    errors: [repositoryNotFound, repositoryPolicyNotFound, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const text = requirePolicyText(found);
      await changeSettings(deps, found, context.store, ({ policyText: _, ...settings }) => settings);
      return answer(found, text);
    },
  });

function maySetAfter(
  { registry }: EcrDeps,
  { scope, address }: FoundRepository,
  policyText: string,
  context: OperationContext,
): boolean {
  const request = ecrAuthorizationRequest(registry.records, scope, "SetRepositoryPolicy", address.name);
  const resourcePolicy = {
    ...{ name: "the new policy", document: repositoryPolicyDocument(policyText) },
    ...{ accountId: scope.accountId, mandatory: false },
  };
  return context.mayDo([{ ...request, resourcePolicy }]);
}

/** AWS: a repository policy has principals and must have no resource: its own repository is meant. */
export function isRepositoryPolicy(text: string): boolean {
  const policy = validatePolicy(text, "resource");
  if (!policy.ok) return false;
  const statements = [policy.value["Statement"]].flat() as readonly object[];
  return !statements.some((statement) => "Resource" in statement || "NotResource" in statement);
}
