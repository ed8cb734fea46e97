/**
 * Repository creation templates: Create-, Update-, Describe- and DeleteRepositoryCreationTemplate. What they say is
 * applied by the registry (registry/ecr/templates.ts) when it makes a repository.
 */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import { type EcrSettings, registryKey, type TemplateRecord } from "../../../registry/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import {
  encryptionNotOffered,
  invalidParameter,
  lifecyclePolicyInvalid,
  reference,
  templateAlreadyExists,
  templateNotFound,
  tooManyTags,
} from "../errors.ts";
import { onRegistry } from "../find-registry.ts";
import type { EcrDeps } from "../find-repository.ts";
import { parseLifecyclePolicy } from "../lifecycle/parse-policy.ts";
import { pageOf } from "../pages.ts";
import { isRepositoryPolicy } from "../repositories/repository-policy.ts";
import { settingsOf } from "../repositories/repository-settings.ts";
import type {
  CreateRepositoryCreationTemplateRequest,
  CreateRepositoryCreationTemplateResponse,
  DeleteRepositoryCreationTemplateRequest,
  DeleteRepositoryCreationTemplateResponse,
  DescribeRepositoryCreationTemplatesRequest,
  DescribeRepositoryCreationTemplatesResponse,
  RepositoryCreationTemplate,
  UpdateRepositoryCreationTemplateRequest,
  UpdateRepositoryCreationTemplateResponse,
} from "../shapes.gen.ts";
import { passRole } from "./pass-role.ts";

const SERVICE = "ecr.amazonaws.com";

const authorizeWith =
  (action: string) =>
  (input: { readonly customRoleArn?: string | undefined }): readonly AuthorizationRequest[] => [
    ...onRegistry(action)(input),
    ...passRole(input.customRoleArn, SERVICE),
  ];

export const createRepositoryCreationTemplate = (deps: EcrDeps) =>
  operation<CreateRepositoryCreationTemplateRequest, CreateRepositoryCreationTemplateResponse>({
    name: "CreateRepositoryCreationTemplate",
    support: "partial",
    gaps: ["encryption with KMS keys is refused", "repositories are made without the custom role"],
    source: reference("CreateRepositoryCreationTemplate"),
    authorize: authorizeWith("CreateRepositoryCreationTemplate"),
    errors: [invalidParameter, templateAlreadyExists, lifecyclePolicyInvalid, encryptionNotOffered, tooManyTags],
    async run(input, context) {
      const { templates } = deps.registry.records.ecr;
      const key = registryKey(context.scope, input.prefix);
      const nowMs = context.clock.nowMs();
      const template: TemplateRecord = {
        createdAtMs: nowMs,
        updatedAtMs: nowMs,
        ...(input.description !== undefined && { description: input.description }),
        appliedFor: input.appliedFor,
        ...(input.customRoleArn !== undefined && { customRoleArn: input.customRoleArn }),
        settings: templateSettings(input),
      };
      await context.store.write(() => {
        if (templates.has(key)) throw templateAlreadyExists(input.prefix, context.scope.accountId);
        templates.put(key, template);
      });
      return answerIn(context, input.prefix, template);
    },
  });

export const updateRepositoryCreationTemplate = (deps: EcrDeps) =>
  operation<UpdateRepositoryCreationTemplateRequest, UpdateRepositoryCreationTemplateResponse>({
    name: "UpdateRepositoryCreationTemplate",
    support: "partial",
    gaps: ["as CreateRepositoryCreationTemplate"],
    source: reference("UpdateRepositoryCreationTemplate"),
    authorize: authorizeWith("UpdateRepositoryCreationTemplate"),
    errors: [invalidParameter, templateNotFound, lifecyclePolicyInvalid, encryptionNotOffered, tooManyTags],
    async run(input, context) {
      const before = requireTemplate(deps, context, input.prefix);
      const given = inputOf(before);
      const { description = before.description, customRoleArn = before.customRoleArn } = input;
      const template: TemplateRecord = {
        createdAtMs: before.createdAtMs,
        updatedAtMs: context.clock.nowMs(),
        ...(description !== undefined && { description }),
        appliedFor: input.appliedFor ?? before.appliedFor,
        ...(customRoleArn !== undefined && { customRoleArn }),
        settings: templateSettings({ ...given, ...withoutUndefined(input) }),
      };
      await context.store.write(() =>
        deps.registry.records.ecr.templates.put(registryKey(context.scope, input.prefix), template),
      );
      return answerIn(context, input.prefix, template);
    },
  });

export const describeRepositoryCreationTemplates = (deps: EcrDeps) =>
  operation<DescribeRepositoryCreationTemplatesRequest, DescribeRepositoryCreationTemplatesResponse>({
    name: "DescribeRepositoryCreationTemplates",
    support: "supported",
    source: reference("DescribeRepositoryCreationTemplates"),
    authorize: onRegistry("DescribeRepositoryCreationTemplates"),
    errors: [invalidParameter, templateNotFound],
    run(input, context) {
      const registryId = context.scope.accountId;
      if (input.prefixes?.length) {
        const found = input.prefixes.map((prefix) => templateAnswer(prefix, requireTemplate(deps, context, prefix)));
        return { registryId, repositoryCreationTemplates: found };
      }
      const entries = deps.registry.records.ecr.templates.list(registryKey(context.scope));
      const page = pageOf(entries, input, ({ key }) => key.at(-1) ?? "");
      return {
        registryId,
        repositoryCreationTemplates: page.items.map(({ key, value }) => templateAnswer(key.at(-1) ?? "", value)),
        ...(page.nextToken !== undefined && { nextToken: page.nextToken }),
      };
    },
  });

export const deleteRepositoryCreationTemplate = (deps: EcrDeps) =>
  operation<DeleteRepositoryCreationTemplateRequest, DeleteRepositoryCreationTemplateResponse>({
    name: "DeleteRepositoryCreationTemplate",
    support: "supported",
    source: reference("DeleteRepositoryCreationTemplate"),
    authorize: onRegistry("DeleteRepositoryCreationTemplate"),
    errors: [invalidParameter, templateNotFound],
    async run({ prefix }, context) {
      const template = requireTemplate(deps, context, prefix);
      await context.store.write(() => deps.registry.records.ecr.templates.delete(registryKey(context.scope, prefix)));
      return answerIn(context, prefix, template);
    },
  });

type GivenTemplate = Pick<
  UpdateRepositoryCreationTemplateRequest,
  | "encryptionConfiguration"
  | "resourceTags"
  | "imageTagMutability"
  | "imageTagMutabilityExclusionFilters"
  | "repositoryPolicy"
  | "lifecyclePolicy"
>;

function templateSettings(given: GivenTemplate): EcrSettings {
  const { repositoryPolicy: policyText, lifecyclePolicy: text } = given;
  const hasPolicy = policyText !== undefined && policyText !== "";
  if (hasPolicy && !isRepositoryPolicy(policyText)) {
    throw invalidParameter("RepositoryPolicy", "Invalid repository policy provided");
  }
  const hasLifecycle = text !== undefined && text !== "";
  if (hasLifecycle) parseLifecyclePolicy(text);
  return {
    ...settingsOf({ ...given, tags: given.resourceTags }),
    ...(hasPolicy && { policyText }),
    ...(hasLifecycle && { lifecycle: { text } }),
  };
}

function requireTemplate({ registry }: EcrDeps, { scope }: OperationContext, prefix: string): TemplateRecord {
  const template = registry.records.ecr.templates.get(registryKey(scope, prefix));
  if (template) return template;
  throw templateNotFound(prefix, scope.accountId);
}

const withoutUndefined = <T extends object>(input: T): Partial<T> =>
  Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as Partial<T>;

const answerIn = ({ scope }: OperationContext, prefix: string, template: TemplateRecord) => ({
  registryId: scope.accountId,
  repositoryCreationTemplate: templateAnswer(prefix, template),
});

/** The record in the words of the request that would make it. */
const inputOf = ({ settings }: TemplateRecord): GivenTemplate => ({
  encryptionConfiguration: { encryptionType: settings.encryption.type },
  resourceTags: Object.entries(settings.tags).map(([Key, Value]) => ({ Key, Value })),
  imageTagMutability: settings.tagMutability,
  ...(settings.exclusionFilters.length > 0 && {
    imageTagMutabilityExclusionFilters: settings.exclusionFilters.map((filter) => ({ filterType: "WILDCARD", filter })),
  }),
  ...(settings.policyText !== undefined && { repositoryPolicy: settings.policyText }),
  ...(settings.lifecycle && { lifecyclePolicy: settings.lifecycle.text }),
});

const templateAnswer = (prefix: string, template: TemplateRecord): RepositoryCreationTemplate => ({
  prefix,
  ...(template.description !== undefined && { description: template.description }),
  ...inputOf(template),
  appliedFor: template.appliedFor,
  ...(template.customRoleArn !== undefined && { customRoleArn: template.customRoleArn }),
  createdAt: template.createdAtMs,
  updatedAt: template.updatedAtMs,
});
