/** Which repository an input means, the permission question about it, and its record. Used by every operation here. */
import type { AuthorizationRequest, RequestContext } from "../../authorize/decision.ts";
import type { AwsScope } from "../../core/arn.ts";
import {
  type EcrSettings,
  ecrAddress,
  ecrAuthorizationRequest,
  keyIn,
  type Registry,
  type RepositoryAddress,
} from "../../registry/index.ts";
import type { Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";
import { invalidParameter, repositoryNotFound } from "./errors.ts";

export interface EcrDeps {
  readonly registry: Registry;
}

/** Members nearly every input has. */
export interface RepositoryInput {
  readonly registryId?: string | undefined;
  readonly repositoryName: string;
}

export interface FoundRepository {
  readonly scope: AwsScope;
  readonly address: RepositoryAddress;
  readonly createdAtMs: number;
  readonly settings: EcrSettings;
}

export const registryScope = (
  input: { readonly registryId?: string | undefined },
  context: OperationContext,
): AwsScope => ({
  ...context.scope,
  accountId: input.registryId ?? context.scope.accountId,
});

export function requireAddress(scope: AwsScope, repositoryName: string): RepositoryAddress {
  const address = ecrAddress(scope, repositoryName);
  if (address) return address;
  throw invalidParameter("repositoryName", `must satisfy regular expression '${REPOSITORY_NAME}'`);
}

// AWS prints this expression; the grammar it checks is in the registry.
const REPOSITORY_NAME = "(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*";

export function findRepository(
  { registry }: EcrDeps,
  scope: AwsScope,
  repositoryName: string,
): FoundRepository | undefined {
  const address = requireAddress(scope, repositoryName);
  const record = registry.records.repositories.get(keyIn(address));
  return record?.ecr && { scope, address, createdAtMs: record.createdAtMs, settings: record.ecr };
}

/** Throws RepositoryNotFoundException. */
export function requireRepository(deps: EcrDeps, input: RepositoryInput, context: OperationContext): FoundRepository {
  const scope = registryScope(input, context);
  const found = findRepository(deps, scope, input.repositoryName);
  if (!found) throw repositoryNotFound(input.repositoryName, scope.accountId);
  return found;
}

/** The `authorize` of an operation on one repository: its action on the repository's ARN. */
export const onRepository =
  ({ registry }: EcrDeps, action: string, contextOf: (input: never) => RequestContext = () => ({})) =>
  (input: RepositoryInput, context: OperationContext): readonly AuthorizationRequest[] => [
    ecrAuthorizationRequest(
      registry.records,
      registryScope(input, context),
      action,
      input.repositoryName,
      contextOf(input as never),
    ),
  ];

/** Changes what ECR keeps of a repository; durable when resolved. */
export async function changeSettings(
  { registry }: EcrDeps,
  found: FoundRepository,
  store: Store,
  change: (settings: EcrSettings) => EcrSettings,
): Promise<EcrSettings> {
  const { repositories } = registry.records;
  return store.write(() => {
    const record = repositories.get(keyIn(found.address));
    if (!record?.ecr) throw repositoryNotFound(found.address.name, found.scope.accountId);
    const ecr = change(record.ecr);
    repositories.put(keyIn(found.address), { ...record, ecr });
    return ecr;
  });
}
