/** CreateRepository, DescribeRepositories, DeleteRepository. */
import { ecrAuthorizationRequest, ecrHost, forgetRepository, keyIn } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { requestTagKeys } from "../../tag-keys.ts";
import {
  encryptionNotOffered,
  invalidParameter,
  reference,
  repositoryAlreadyExists,
  repositoryNotEmpty,
  repositoryNotFound,
} from "../errors.ts";
import {
  type EcrDeps,
  findRepository,
  onRepository,
  registryScope,
  requireAddress,
  requireRepository,
} from "../find-repository.ts";
import { pageOf } from "../pages.ts";
import type {
  CreateRepositoryRequest,
  CreateRepositoryResponse,
  DeleteRepositoryRequest,
  DeleteRepositoryResponse,
  DescribeRepositoriesRequest,
  DescribeRepositoriesResponse,
} from "../shapes.gen.ts";
import { repositoryAnswer } from "./repository-answer.ts";
import { settingsOf } from "./repository-settings.ts";

export const createRepository = (deps: EcrDeps) =>
  operation<CreateRepositoryRequest, CreateRepositoryResponse>({
    name: "CreateRepository",
    support: "partial",
    gaps: ["encryption with KMS keys is refused", "scanOnPush is kept, but nothing is scanned"],
    source: reference("CreateRepository"),
    authorize(input, context) {
      const scope = registryScope(input, context);
      const keys = requestTagKeys(input.tags);
      // AWS: a repository with tags needs permission to tag, too.
      const actions = input.tags?.length ? ["CreateRepository", "TagResource"] : ["CreateRepository"];
      return actions.map((action) =>
        ecrAuthorizationRequest(deps.registry.records, scope, action, input.repositoryName, keys),
      );
    },
    errors: [repositoryAlreadyExists, invalidParameter, encryptionNotOffered],
    async run(input, context) {
      const scope = registryScope(input, context);
      const address = requireAddress(scope, input.repositoryName);
      const scanOnPush = input.imageScanningConfiguration?.scanOnPush ?? false;
      const settings = { ...settingsOf(input), scanOnPush };
      const createdAtMs = context.clock.nowMs();
      await context.store.write(() => {
        const { repositories } = deps.registry.records;
        if (repositories.has(keyIn(address))) throw repositoryAlreadyExists(input.repositoryName, scope.accountId);
        repositories.put(keyIn(address), { createdAtMs, ecr: settings });
      });
      return { repository: repositoryAnswer({ scope, address, createdAtMs, settings }) };
    },
  });

export const describeRepositories = (deps: EcrDeps) =>
  operation<DescribeRepositoriesRequest, DescribeRepositoriesResponse>({
    name: "DescribeRepositories",
    support: "supported",
    source: reference("DescribeRepositories"),
    authorize: (input, context) =>
      // AWS: without names, the question is about every repository of the registry.
      (input.repositoryNames?.length ? input.repositoryNames : ["*"]).map((name) =>
        ecrAuthorizationRequest(deps.registry.records, registryScope(input, context), "DescribeRepositories", name),
      ),
    errors: [repositoryNotFound, invalidParameter],
    run(input, context) {
      const scope = registryScope(input, context);
      if (input.repositoryNames?.length) {
        const repositories = input.repositoryNames.map((repositoryName) =>
          repositoryAnswer(requireRepository(deps, { registryId: input.registryId, repositoryName }, context)),
        );
        return { repositories };
      }
      const names = deps.registry.records.repositories.list([ecrHost(scope)]).map(({ key }) => key[1] ?? "");
      const page = pageOf(names, input, (name) => name);
      return {
        repositories: page.items.flatMap((name) => {
          const found = findRepository(deps, scope, name);
          return found ? repositoryAnswer(found) : [];
        }),
        ...(page.nextToken !== undefined && { nextToken: page.nextToken }),
      };
    },
  });

export const deleteRepository = (deps: EcrDeps) =>
  operation<DeleteRepositoryRequest, DeleteRepositoryResponse>({
    name: "DeleteRepository",
    support: "supported",
    source: reference("DeleteRepository"),
    authorize: onRepository(deps, "DeleteRepository"),
    errors: [repositoryNotFound, repositoryNotEmpty, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const isDeleted = await deps.registry.images.deleteRepository(found.address, {
        withImages: input.force ?? false,
      });
      if (!isDeleted) throw repositoryNotEmpty(found.address.name, found.scope.accountId);
      await context.store.write(() => forgetRepository(deps.registry.records.ecr, keyIn(found.address)));
      return { repository: repositoryAnswer(found) };
    },
  });
