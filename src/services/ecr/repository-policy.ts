/** SetRepositoryPolicy, GetRepositoryPolicy, DeleteRepositoryPolicy: the policy that the engine asks on every request. */
import { validatePolicy } from "../../authorize/index.ts";
import { operation } from "../service.ts";
import { invalidParameter, reference, repositoryNotFound, repositoryPolicyNotFound } from "./errors.ts";
import {
  changeSettings,
  type EcrDeps,
  type FoundRepository,
  onRepository,
  requireRepository,
} from "./find-repository.ts";
import type {
  DeleteRepositoryPolicyRequest,
  DeleteRepositoryPolicyResponse,
  GetRepositoryPolicyRequest,
  GetRepositoryPolicyResponse,
  SetRepositoryPolicyRequest,
  SetRepositoryPolicyResponse,
} from "./shapes.gen.ts";

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
    gaps: ["`force` is not needed: a policy that locks its author out is taken", "the text is given back as it came"],
    source: reference("SetRepositoryPolicy"),
    authorize: onRepository(deps, "SetRepositoryPolicy"),
    errors: [repositoryNotFound, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      if (!isRepositoryPolicy(input.policyText))
        throw invalidParameter("PolicyText", "Invalid repository policy provided");
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

/** AWS: a repository policy has principals and must have no resource: its own repository is meant. */
function isRepositoryPolicy(text: string): boolean {
  const policy = validatePolicy(text, "resource");
  if (!policy.ok) return false;
  const statements = [policy.value["Statement"]].flat() as readonly object[];
  return !statements.some((statement) => "Resource" in statement || "NotResource" in statement);
}
