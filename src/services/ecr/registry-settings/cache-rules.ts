/**
 * Pull-through cache rules: Create-, Update-, Describe-, Delete- and ValidatePullThroughCacheRule. Pulling through them is
 * registry/ecr/pull-through.ts.
 * Differences: any registry may be an upstream, where AWS has a list (docs/differences.md).
 */
import { type CacheRuleRecord, LINKED_ROLES, registryKey } from "../../../registry/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import {
  cacheRuleAlreadyExists,
  cacheRuleNotFound,
  invalidParameter,
  limitExceeded,
  reference,
  upstreamUrlInvalid,
  validationException,
} from "../errors.ts";
import { ensureLinkedRole, onRegistry } from "../find-registry.ts";
import { type EcrDeps, registryScope } from "../find-repository.ts";
import { pageOf } from "../pages.ts";
import type {
  CreatePullThroughCacheRuleRequest,
  CreatePullThroughCacheRuleResponse,
  DeletePullThroughCacheRuleRequest,
  DeletePullThroughCacheRuleResponse,
  DescribePullThroughCacheRulesRequest,
  DescribePullThroughCacheRulesResponse,
  PullThroughCacheRule,
  UpdatePullThroughCacheRuleRequest,
  UpdatePullThroughCacheRuleResponse,
  ValidatePullThroughCacheRuleRequest,
  ValidatePullThroughCacheRuleResponse,
} from "../shapes.gen.ts";
import { passRole } from "./pass-role.ts";
import { needsCredentials, upstreamRegistryOf } from "./upstream-registries.ts";

const MAX_RULES = 50;
const { service: SERVICE } = LINKED_ROLES.pullThroughCache;

interface PrefixInput {
  readonly ecrRepositoryPrefix: string;
  readonly registryId?: string | undefined;
}

export const createPullThroughCacheRule = (deps: EcrDeps) =>
  operation<CreatePullThroughCacheRuleRequest, CreatePullThroughCacheRuleResponse>({
    name: "CreatePullThroughCacheRule",
    support: "supported",
    source: reference("CreatePullThroughCacheRule"),
    authorize: (input) => [
      ...onRegistry("CreatePullThroughCacheRule")(input),
      ...passRole(input.customRoleArn, SERVICE),
    ],
    errors: [invalidParameter, validationException, limitExceeded, cacheRuleAlreadyExists, upstreamUrlInvalid],
    async run(input, context) {
      const scope = registryScope(input, context);
      const { cacheRules } = deps.registry.records.ecr;
      const key = registryKey(scope, input.ecrRepositoryPrefix);
      const rule = ruleOf(input, context.clock.nowMs());
      if (cacheRules.has(key)) throw cacheRuleAlreadyExists(input.ecrRepositoryPrefix, scope.accountId);
      await ensureLinkedRole(context, scope, "pullThroughCache");
      await context.store.write(() => {
        if (cacheRules.has(key)) throw cacheRuleAlreadyExists(input.ecrRepositoryPrefix, scope.accountId);
        if (cacheRules.count(registryKey(scope)) >= MAX_RULES) {
          throw limitExceeded(`A registry has at most ${MAX_RULES} pull through cache rules`);
        }
        cacheRules.put(key, rule);
      });
      const { updatedAt: _, ...created } = ruleAnswer(scope.accountId, input.ecrRepositoryPrefix, rule);
      return created;
    },
  });

function ruleOf(input: CreatePullThroughCacheRuleRequest, nowMs: number): CacheRuleRecord {
  const url = input.upstreamRegistryUrl;
  if (!/^(?:https?:\/\/)?[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/.test(url)) throw upstreamUrlInvalid(url);
  const upstreamRegistry = input.upstreamRegistry ?? upstreamRegistryOf(url);
  if (input.credentialArn === undefined && needsCredentials(upstreamRegistry)) {
    throw validationException(`Credentials are required for upstream registry '${url}'`);
  }
  return {
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
    upstreamRegistryUrl: url,
    ...(upstreamRegistry !== undefined && { upstreamRegistry }),
    ...(input.credentialArn !== undefined && { credentialArn: input.credentialArn }),
    ...(input.customRoleArn !== undefined && { customRoleArn: input.customRoleArn }),
    upstreamRepositoryPrefix: input.upstreamRepositoryPrefix ?? "ROOT",
  };
}

export const updatePullThroughCacheRule = (deps: EcrDeps) =>
  operation<UpdatePullThroughCacheRuleRequest, UpdatePullThroughCacheRuleResponse>({
    name: "UpdatePullThroughCacheRule",
    support: "supported",
    source: reference("UpdatePullThroughCacheRule"),
    authorize: (input) => [
      ...onRegistry("UpdatePullThroughCacheRule")(input),
      ...passRole(input.customRoleArn, SERVICE),
    ],
    errors: [invalidParameter, cacheRuleNotFound],
    async run(input, context) {
      const scope = registryScope(input, context);
      const before = requireRule(deps, input, context);
      const rule: CacheRuleRecord = {
        ...before,
        updatedAtMs: context.clock.nowMs(),
        ...(input.credentialArn !== undefined && { credentialArn: input.credentialArn }),
        ...(input.customRoleArn !== undefined && { customRoleArn: input.customRoleArn }),
      };
      await context.store.write(() =>
        deps.registry.records.ecr.cacheRules.put(registryKey(scope, input.ecrRepositoryPrefix), rule),
      );
      const {
        createdAt: _,
        upstreamRegistryUrl: _url,
        upstreamRegistry: _registry,
        ...updated
      } = ruleAnswer(scope.accountId, input.ecrRepositoryPrefix, rule);
      return updated;
    },
  });

export const describePullThroughCacheRules = (deps: EcrDeps) =>
  operation<DescribePullThroughCacheRulesRequest, DescribePullThroughCacheRulesResponse>({
    name: "DescribePullThroughCacheRules",
    support: "supported",
    source: reference("DescribePullThroughCacheRules"),
    authorize: onRegistry("DescribePullThroughCacheRules"),
    errors: [invalidParameter, cacheRuleNotFound],
    run(input, context) {
      const { registryId } = input;
      const scope = registryScope(input, context);
      if (input.ecrRepositoryPrefixes?.length) {
        const rules = input.ecrRepositoryPrefixes.map((ecrRepositoryPrefix) => {
          const rule = requireRule(deps, { registryId, ecrRepositoryPrefix }, context);
          return ruleAnswer(scope.accountId, ecrRepositoryPrefix, rule);
        });
        return { pullThroughCacheRules: rules };
      }
      const entries = deps.registry.records.ecr.cacheRules.list(registryKey(scope));
      const page = pageOf(entries, input, ({ key }) => key.at(-1) ?? "");
      return {
        pullThroughCacheRules: page.items.map(({ key, value }) => ruleAnswer(scope.accountId, key.at(-1) ?? "", value)),
        ...(page.nextToken !== undefined && { nextToken: page.nextToken }),
      };
    },
  });

export const deletePullThroughCacheRule = (deps: EcrDeps) =>
  operation<DeletePullThroughCacheRuleRequest, DeletePullThroughCacheRuleResponse>({
    name: "DeletePullThroughCacheRule",
    support: "supported",
    source: reference("DeletePullThroughCacheRule"),
    authorize: onRegistry("DeletePullThroughCacheRule"),
    errors: [invalidParameter, cacheRuleNotFound],
    async run(input, context) {
      const scope = registryScope(input, context);
      const rule = requireRule(deps, input, context);
      await context.store.write(() =>
        deps.registry.records.ecr.cacheRules.delete(registryKey(scope, input.ecrRepositoryPrefix)),
      );
      const {
        updatedAt: _,
        upstreamRegistry: _registry,
        ...deleted
      } = ruleAnswer(scope.accountId, input.ecrRepositoryPrefix, rule);
      return deleted;
    },
  });

export const validatePullThroughCacheRule = (deps: EcrDeps) =>
  operation<ValidatePullThroughCacheRuleRequest, ValidatePullThroughCacheRuleResponse>({
    name: "ValidatePullThroughCacheRule",
    support: "supported",
    source: reference("ValidatePullThroughCacheRule"),
    authorize: onRegistry("ValidatePullThroughCacheRule"),
    errors: [invalidParameter, cacheRuleNotFound],
    async run(input, context) {
      const scope = registryScope(input, context);
      const rule = requireRule(deps, input, context);
      const failure = await deps.registry.ecr.pullThrough.probe(scope, rule);
      const {
        createdAt: _,
        updatedAt: _updated,
        upstreamRegistry: _registry,
        ...known
      } = ruleAnswer(scope.accountId, input.ecrRepositoryPrefix, rule);
      return { ...known, isValid: failure === undefined, ...(failure !== undefined && { failure }) };
    },
  });

function requireRule({ registry }: EcrDeps, input: PrefixInput, context: OperationContext): CacheRuleRecord {
  const scope = registryScope(input, context);
  const rule = registry.records.ecr.cacheRules.get(registryKey(scope, input.ecrRepositoryPrefix));
  if (rule) return rule;
  throw cacheRuleNotFound(input.ecrRepositoryPrefix, scope.accountId);
}

function ruleAnswer(registryId: string, ecrRepositoryPrefix: string, rule: CacheRuleRecord): PullThroughCacheRule {
  const { createdAtMs, updatedAtMs, upstreamRegistry, ...given } = rule;
  return {
    ecrRepositoryPrefix,
    registryId,
    ...given,
    ...(upstreamRegistry !== undefined && {
      upstreamRegistry: upstreamRegistry as NonNullable<PullThroughCacheRule["upstreamRegistry"]>,
    }),
    createdAt: createdAtMs,
    updatedAt: updatedAtMs,
  };
}
