/** TagResource, UntagResource, ListTagsForResource, and the tag checks that CreateRepository shares. */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import { parseArn } from "../../../core/arn.ts";
import { ecrAuthorizationRequest } from "../../../registry/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import { requestTagKeys } from "../../tag-keys.ts";
import { invalidParameter, reference, repositoryNotFound, tooManyTags } from "../errors.ts";
import { changeSettings, type EcrDeps, type FoundRepository, requireRepository } from "../find-repository.ts";
import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  Tag,
  TagResourceRequest,
  TagResourceResponse,
  UntagResourceRequest,
  UntagResourceResponse,
} from "../shapes.gen.ts";

const MAX_TAGS = 50;

type Tags = Readonly<Record<string, string>>;

export function mergedTags(tags: Tags, added: readonly Tag[]): Tags {
  const merged = { ...tags, ...Object.fromEntries(added.map(({ Key, Value }) => [Key, Value])) };
  if (Object.keys(merged).length > MAX_TAGS) throw tooManyTags();
  return merged;
}

interface ResourceInput {
  readonly resourceArn: string;
}

/** Registry and name of `arn:aws:ecr:<region>:<account>:repository/<name>`. */
function repositoryOf({ resourceArn }: ResourceInput, context: OperationContext) {
  const arn = parseArn(resourceArn);
  const name = /^repository\/(.+)$/.exec(arn?.resource ?? "")?.[1];
  if (arn?.service === "ecr" && arn.region === context.scope.region && name !== undefined) {
    return { registryId: arn.accountId, repositoryName: name };
  }
  throw invalidParameter("resourceArn", `must be the ARN of a repository in ${context.scope.region}`);
}

const find = (deps: EcrDeps, input: ResourceInput, context: OperationContext): FoundRepository =>
  requireRepository(deps, repositoryOf(input, context), context);

const onResource =
  ({ registry }: EcrDeps, action: string, contextOf: (input: never) => RequestContext = () => ({})) =>
  (input: ResourceInput, context: OperationContext): readonly AuthorizationRequest[] => {
    const { registryId, repositoryName } = repositoryOf(input, context);
    const scope = { ...context.scope, accountId: registryId };
    return [ecrAuthorizationRequest(registry.records, scope, action, repositoryName, contextOf(input as never))];
  };

export const tagResource = (deps: EcrDeps) =>
  operation<TagResourceRequest, TagResourceResponse>({
    name: "TagResource",
    support: "supported",
    source: reference("TagResource"),
    authorize: onResource(deps, "TagResource", (input: TagResourceRequest) => requestTagKeys(input.tags)),
    errors: [repositoryNotFound, invalidParameter, tooManyTags],
    async run(input, context) {
      await changeSettings(deps, find(deps, input, context), context.store, (settings) => ({
        ...settings,
        tags: mergedTags(settings.tags, input.tags),
      }));
      return {};
    },
  });

export const untagResource = (deps: EcrDeps) =>
  operation<UntagResourceRequest, UntagResourceResponse>({
    name: "UntagResource",
    support: "supported",
    source: reference("UntagResource"),
    authorize: onResource(deps, "UntagResource", (input: UntagResourceRequest) => ({ "aws:TagKeys": input.tagKeys })),
    errors: [repositoryNotFound, invalidParameter],
    async run(input, context) {
      await changeSettings(deps, find(deps, input, context), context.store, (settings) => ({
        ...settings,
        tags: Object.fromEntries(Object.entries(settings.tags).filter(([key]) => !input.tagKeys.includes(key))),
      }));
      return {};
    },
  });

export const listTagsForResource = (deps: EcrDeps) =>
  operation<ListTagsForResourceRequest, ListTagsForResourceResponse>({
    name: "ListTagsForResource",
    support: "supported",
    source: reference("ListTagsForResource"),
    authorize: onResource(deps, "ListTagsForResource"),
    errors: [repositoryNotFound, invalidParameter],
    run: (input, context) => ({
      tags: Object.entries(find(deps, input, context).settings.tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  });
