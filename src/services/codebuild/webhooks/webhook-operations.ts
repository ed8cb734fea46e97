/**
 * CreateWebhook, UpdateWebhook, DeleteWebhook. Kiln never calls a provider: each webhook is one that a person registers
 * (or that `kiln webhook trigger` stands in for), so the secret is answered whenever it is made.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateWebhook.html
 */
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import {
  accessTokenNotFound,
  invalidInput,
  notOffered,
  projectNotFound,
  webhookAlreadyExists,
  webhookNotFound,
} from "../errors.ts";
import { contextOf } from "../projects/condition-keys.ts";
import { projectAccess, requireOwnProject } from "../projects/find-project.ts";
import { withoutUndefined } from "../projects/project-settings.ts";
import { hasSourceCredential } from "../projects/source-credentials.ts";
import { projectKey, projectNameOf } from "../records.ts";
import type {
  CreateWebhookInput,
  CreateWebhookOutput,
  DeleteWebhookInput,
  Project,
  UpdateWebhookInput,
  UpdateWebhookOutput,
  WebhookFilter,
} from "../shapes.gen.ts";
import { checkWebhook } from "./check-webhook.ts";
import {
  findWebhook,
  newSecret,
  newToken,
  removeWebhook,
  type WebhookRecord,
  webhookRecords,
  webhookShape,
} from "./webhook-records.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const GAPS = [
  "nothing is registered at the provider: send its events to payloadUrl, or use kiln webhook trigger",
  "runners (WORKFLOW_JOB_QUEUED, RUNNER_BUILDKITE_BUILD) are refused",
  "approval of pull requests by a comment is not read: such builds wait",
];

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const webhookOperations = (endpointUrl: () => string): readonly OperationDefinition<any, object>[] => [
  operation<CreateWebhookInput, CreateWebhookOutput>({
    name: "CreateWebhook",
    support: "partial",
    gaps: GAPS,
    source: `${API}API_CreateWebhook.html`,
    authorize: (input, context) => [projectAccess(context, "CreateWebhook", input.projectName, keysOf(input))],
    errors: [invalidInput, notOffered, projectNotFound, webhookAlreadyExists, accessTokenNotFound],
    async run(input, context) {
      const { store, scope, ids, clock } = context;
      const project = requireOwnProject(context, input.projectName);
      const name = project.name ?? "";
      if (findWebhook(store, scope, name)) throw webhookAlreadyExists(project.arn ?? "");
      checkWebhook(input, project);
      requireAccess(input, project, context);
      const token = newToken(ids);
      const { secret, sealed } = newSecret(ids, store, token);
      const record: WebhookRecord = withoutUndefined({
        token,
        sealedSecret: sealed,
        lastModifiedSecretMs: clock.nowMs(),
        branchFilter: input.branchFilter || undefined,
        filterGroups: withDefaults(input.filterGroups ?? []),
        buildType: input.buildType as "BUILD" | "BUILD_BATCH" | undefined,
        manualCreation: input.manualCreation ?? false,
        scopeConfiguration: input.scopeConfiguration,
        pullRequestBuildPolicy: input.pullRequestBuildPolicy,
      });
      await store.write(() => {
        const { webhooks, tokens } = webhookRecords(store);
        const key = projectKey(scope, name);
        if (webhooks.has(key)) throw webhookAlreadyExists(project.arn ?? "");
        webhooks.put(key, record);
        tokens.put([token], key);
      });
      return { webhook: webhookShape(record, endpointUrl(), secret) };
    },
  }),

  operation<UpdateWebhookInput, UpdateWebhookOutput>({
    name: "UpdateWebhook",
    support: "partial",
    gaps: GAPS,
    source: `${API}API_UpdateWebhook.html`,
    authorize: (input, context) => [projectAccess(context, "UpdateWebhook", input.projectName, keysOf(input))],
    errors: [invalidInput, notOffered, projectNotFound, webhookNotFound],
    async run(input, context) {
      const { store, scope, ids, clock } = context;
      const project = requireOwnProject(context, input.projectName);
      const old = findWebhook(store, scope, project.name ?? "");
      if (!old) throw webhookNotFound(project.arn ?? "");
      const rotated = input.rotateSecret === true ? newSecret(ids, store, old.token) : undefined;
      const { branchFilter, filterGroups } = input;
      const record: WebhookRecord = withoutUndefined({
        ...old,
        ...(rotated ? { sealedSecret: rotated.sealed, lastModifiedSecretMs: clock.nowMs() } : {}),
        buildType: (input.buildType as "BUILD" | "BUILD_BATCH" | undefined) ?? old.buildType,
        pullRequestBuildPolicy: input.pullRequestBuildPolicy ?? old.pullRequestBuildPolicy,
        // One kind of filter takes the place of the other; an empty one takes it away.
        branchFilter:
          branchFilter === undefined
            ? filterGroups?.length
              ? undefined
              : old.branchFilter
            : branchFilter || undefined,
        filterGroups: filterGroups === undefined ? (branchFilter ? [] : old.filterGroups) : withDefaults(filterGroups),
      });
      checkWebhook(record, project);
      await store.write(() => {
        const { webhooks } = webhookRecords(store);
        const key = projectKey(scope, project.name ?? "");
        if (!webhooks.has(key)) throw webhookNotFound(project.arn ?? "");
        webhooks.put(key, record);
      });
      return { webhook: webhookShape(record, endpointUrl(), rotated?.secret) };
    },
  }),

  operation<DeleteWebhookInput, object>({
    name: "DeleteWebhook",
    support: "supported",
    source: `${API}API_DeleteWebhook.html`,
    authorize: (input, context) => [projectAccess(context, "DeleteWebhook", input.projectName)],
    errors: [invalidInput, projectNotFound, webhookNotFound],
    async run(input, context) {
      const { store, scope } = context;
      const project = requireOwnProject(context, input.projectName);
      if (!findWebhook(store, scope, project.name ?? "")) throw webhookNotFound(project.arn ?? "");
      await store.write(() => removeWebhook(store, scope, projectNameOf(input.projectName)));
      return {};
    },
  }),
];

const keysOf = ({ buildType, manualCreation, scopeConfiguration: at }: Partial<CreateWebhookInput>) =>
  contextOf({
    buildType,
    manualCreation,
    "scopeConfiguration.scope": at?.scope,
    "scopeConfiguration.name": at?.name,
    "scopeConfiguration.domain": at?.domain,
  });

/** AWS shows the member of each filter. */
const withDefaults = (groups: readonly (readonly WebhookFilter[])[]): WebhookFilter[][] =>
  groups.map((group) =>
    group.map((filter) => ({ ...filter, excludeMatchedPattern: filter.excludeMatchedPattern ?? false })),
  );

/** AWS: a hook that CodeBuild registers needs the provider's token. GitHub Enterprise and manual ones are registered by hand. */
function requireAccess(input: CreateWebhookInput, { source }: Project, { store, scope }: OperationContext): void {
  if (input.manualCreation === true || source?.type === "GITHUB_ENTERPRISE" || source?.auth?.resource) return;
  // Differs: a folder of this machine has no provider. CLIs before `--manual-creation` need it.
  if (source?.location?.startsWith("file:")) return;
  if (source && !hasSourceCredential(store, scope, source.type)) throw accessTokenNotFound(source.type.toLowerCase());
}
