/** AddTagsToResource, RemoveTagsFromResource, ListTagsForResource, for parameters. */
import { type OperationContext, operation } from "../service.ts";
import { requestTagKeys } from "../tag-keys.ts";
import { invalidResourceId, invalidResourceType, tooManyTags, validationFailure } from "./errors.ts";
import { findParameter } from "./find-parameter.ts";
import { accessTo } from "./parameter-access.ts";
import { type ParameterRecord, parameterKey, parametersIn } from "./records.ts";
import type {
  AddTagsToResourceRequest,
  ListTagsForResourceRequest,
  ListTagsForResourceResult,
  RemoveTagsFromResourceRequest,
  Tag,
} from "./shapes.gen.ts";

const MAX_TAGS = 50;
const errors = [invalidResourceType, invalidResourceId];
const gaps = ["only ResourceType Parameter; others are refused with InvalidResourceType"];

export const addTagsToResource = operation<AddTagsToResourceRequest, object>({
  name: "AddTagsToResource",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_AddTagsToResource.html",
  authorize: (input, context) =>
    accessTo(context, "ssm:AddTagsToResource", input.ResourceId, requestTagKeys(input.Tags)),
  errors: [...errors, tooManyTags, validationFailure],
  async run(input, context) {
    await changeTags(context, input, (tags) => tagsWith(tags, input.Tags));
    return {};
  },
});

export const removeTagsFromResource = operation<RemoveTagsFromResourceRequest, object>({
  name: "RemoveTagsFromResource",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_RemoveTagsFromResource.html",
  authorize: (input, context) =>
    accessTo(context, "ssm:RemoveTagsFromResource", input.ResourceId, { "aws:TagKeys": input.TagKeys }),
  errors,
  async run(input, context) {
    await changeTags(context, input, (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !input.TagKeys.includes(key))),
    );
    return {};
  },
});

export const listTagsForResource = operation<ListTagsForResourceRequest, ListTagsForResourceResult>({
  name: "ListTagsForResource",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListTagsForResource.html",
  authorize: (input, context) => accessTo(context, "ssm:ListTagsForResource", input.ResourceId),
  errors,
  run(input, context) {
    const { tags } = requireTaggable(context, input);
    return { TagList: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
  },
});

/** `existing` with `added` on top, or what refuses them. */
export function tagsWith(existing: Readonly<Record<string, string>>, added: readonly Tag[]): Record<string, string> {
  if (added.some(({ Key: key }) => key.toLowerCase().startsWith("aws:"))) {
    throw validationFailure("aws: prefixed tag key names are not allowed for external use.");
  }
  const tags = { ...existing, ...Object.fromEntries(added.map((tag) => [tag.Key, tag.Value])) };
  if (Object.keys(tags).length > MAX_TAGS) throw tooManyTags();
  return tags;
}

interface TaggedResource {
  readonly ResourceType: string;
  readonly ResourceId: string;
}

type Tags = Readonly<Record<string, string>>;

async function changeTags(
  context: OperationContext,
  resource: TaggedResource,
  change: (tags: Tags) => Tags,
): Promise<void> {
  await context.store.write(() => {
    const record = requireTaggable(context, resource);
    parametersIn(context.store).put(parameterKey(context.scope, record.name), { ...record, tags: change(record.tags) });
  });
}

function requireTaggable(context: OperationContext, resource: TaggedResource): ParameterRecord {
  if (resource.ResourceType !== "Parameter") throw invalidResourceType();
  const record = findParameter(context, context.scope, resource.ResourceId);
  if (!record) throw invalidResourceId();
  return record;
}
