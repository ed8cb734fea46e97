/** PutLifecyclePolicy, GetLifecyclePolicy, DeleteLifecyclePolicy. What a policy takes goes with the next evaluation. */
import { operation } from "../../service.ts";
import {
  invalidParameter,
  lifecyclePolicyInvalid,
  lifecyclePolicyNotFound,
  reference,
  repositoryNotFound,
} from "../errors.ts";
import {
  changeSettings,
  type EcrDeps,
  type FoundRepository,
  onRepository,
  requireRepository,
} from "../find-repository.ts";
import type {
  DeleteLifecyclePolicyRequest,
  DeleteLifecyclePolicyResponse,
  GetLifecyclePolicyRequest,
  GetLifecyclePolicyResponse,
  PutLifecyclePolicyRequest,
  PutLifecyclePolicyResponse,
} from "../shapes.gen.ts";
import { parseLifecyclePolicy } from "./parse-policy.ts";

export const putLifecyclePolicy = (deps: EcrDeps) =>
  operation<PutLifecyclePolicyRequest, PutLifecyclePolicyResponse>({
    name: "PutLifecyclePolicy",
    support: "supported",
    source: reference("PutLifecyclePolicy"),
    authorize: onRepository(deps, "PutLifecyclePolicy"),
    errors: [repositoryNotFound, invalidParameter, lifecyclePolicyInvalid],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const text = input.lifecyclePolicyText;
      parseLifecyclePolicy(text);
      await changeSettings(deps, found, context.store, (settings) => ({ ...settings, lifecycle: { text } }));
      return placed(found, { lifecyclePolicyText: text });
    },
  });

export const getLifecyclePolicy = (deps: EcrDeps) =>
  operation<GetLifecyclePolicyRequest, GetLifecyclePolicyResponse>({
    name: "GetLifecyclePolicy",
    support: "supported",
    source: reference("GetLifecyclePolicy"),
    authorize: onRepository(deps, "GetLifecyclePolicy"),
    errors: [repositoryNotFound, lifecyclePolicyNotFound, invalidParameter],
    run(input, context) {
      const found = requireRepository(deps, input, context);
      return answer(found);
    },
  });

export const deleteLifecyclePolicy = (deps: EcrDeps) =>
  operation<DeleteLifecyclePolicyRequest, DeleteLifecyclePolicyResponse>({
    name: "DeleteLifecyclePolicy",
    support: "supported",
    source: reference("DeleteLifecyclePolicy"),
    authorize: onRepository(deps, "DeleteLifecyclePolicy"),
    errors: [repositoryNotFound, lifecyclePolicyNotFound, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const last = answer(found);
      await changeSettings(deps, found, context.store, ({ lifecycle: _, ...settings }) => settings);
      return last;
    },
  });

export const placed = <T extends object>({ scope, address }: FoundRepository, rest: T) => ({
  registryId: scope.accountId,
  repositoryName: address.name,
  ...rest,
});

/** The text of the policy in force; throws LifecyclePolicyNotFoundException. */
export function requireLifecyclePolicy({ scope, address, settings }: FoundRepository) {
  if (settings.lifecycle) return settings.lifecycle;
  throw lifecyclePolicyNotFound(address.name, scope.accountId);
}

function answer(found: FoundRepository): GetLifecyclePolicyResponse {
  const { text, evaluatedAtMs } = requireLifecyclePolicy(found);
  // AWS: a policy that was never evaluated was so at the beginning of time.
  return placed(found, { lifecyclePolicyText: text, lastEvaluatedAt: evaluatedAtMs ?? 0 });
}
