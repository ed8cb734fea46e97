/** What a pull through the cache asks the caller's policies, from an operation of the JSON API. */
import type { AwsScope } from "../../../core/arn.ts";
import { ecrAuthorizationRequest, type RepositoryAddress } from "../../../registry/index.ts";
import type { OperationContext } from "../../service.ts";
import type { EcrDeps } from "../find-repository.ts";

/** Throws the denial of the first action (without `ecr:`) that the caller may not do on the repository. */
export const askCaller =
  ({ registry }: EcrDeps, scope: AwsScope, { name }: RepositoryAddress, context: OperationContext) =>
  (actions: readonly string[]): void => {
    const requests = actions.map((action) => ecrAuthorizationRequest(registry.records, scope, action, name));
    const refusal = context.refusalOf(requests);
    if (refusal) throw refusal;
  };
