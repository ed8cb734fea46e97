/** Tags of log groups. The old pair of operations takes names, the new one ARNs; both see one set of tags. */
import { parseArn } from "../../core/arn.ts";
import { type OperationContext, operation } from "../service.ts";
import { groupNameOf, type NamedGroup, onGroup, onTags, requestTags, requireHere, scopeIn } from "./access.ts";
import { groupNotFound, invalidParameter, reservedTag, tooManyTags } from "./errors.ts";
import { changeGroup, logRecords, requireGroup } from "./records.ts";
import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  ListTagsLogGroupRequest,
  ListTagsLogGroupResponse,
  TagLogGroupRequest,
  TagResourceRequest,
  UntagLogGroupRequest,
  UntagResourceRequest,
} from "./shapes.gen.ts";

const API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference";
const MAX_TAGS = 50;

type Tags = Readonly<Record<string, string>>;

export const tagResource = operation<TagResourceRequest, object>({
  name: "TagResource",
  support: "supported",
  source: `${API}/API_TagResource.html`,
  authorize: (input, context) => onTags("TagResource", taggedGroup(input, context), input.tags, context),
  errors: [groupNotFound, invalidParameter, reservedTag, tooManyTags],
  run: (input, context) => changeTags(context, taggedGroupHere(input, context), (tags) => ({ ...tags, ...input.tags })),
});

export const untagResource = operation<UntagResourceRequest, object>({
  name: "UntagResource",
  support: "supported",
  source: `${API}/API_UntagResource.html`,
  authorize: (input, context) => onTags("UntagResource", taggedGroup(input, context), input.tagKeys, context),
  errors: [groupNotFound, invalidParameter],
  run: (input, context) => changeTags(context, taggedGroupHere(input, context), (tags) => without(tags, input.tagKeys)),
});

export const listTagsForResource = operation<ListTagsForResourceRequest, ListTagsForResourceResponse>({
  name: "ListTagsForResource",
  support: "supported",
  source: `${API}/API_ListTagsForResource.html`,
  authorize: (input, context) => onTags("ListTagsForResource", taggedGroup(input, context), {}, context),
  errors: [groupNotFound, invalidParameter],
  run: (input, context) => ({
    tags: requireGroup(logRecords(context.store), context.scope, taggedGroupHere(input, context)).tags,
  }),
});

export const tagLogGroup = operation<TagLogGroupRequest, object>({
  name: "TagLogGroup",
  support: "supported",
  source: `${API}/API_TagLogGroup.html`,
  authorize: (input, context) => onGroup("TagLogGroup", input.logGroupName, context, requestTags(input.tags)),
  errors: [groupNotFound, reservedTag, tooManyTags],
  run: (input, context) => changeTags(context, input.logGroupName, (tags) => ({ ...tags, ...input.tags })),
});

export const untagLogGroup = operation<UntagLogGroupRequest, object>({
  name: "UntagLogGroup",
  support: "supported",
  source: `${API}/API_UntagLogGroup.html`,
  authorize: (input, context) => onGroup("UntagLogGroup", input.logGroupName, context, requestTags(input.tags)),
  errors: [groupNotFound],
  run: (input, context) => changeTags(context, input.logGroupName, (tags) => without(tags, input.tags)),
});

export const listTagsLogGroup = operation<ListTagsLogGroupRequest, ListTagsLogGroupResponse>({
  name: "ListTagsLogGroup",
  support: "supported",
  source: `${API}/API_ListTagsLogGroup.html`,
  authorize: (input, context) => onGroup("ListTagsLogGroup", input.logGroupName, context),
  errors: [groupNotFound],
  run: (input, { store, scope }) => ({ tags: requireGroup(logRecords(store), scope, input.logGroupName).tags }),
});

async function changeTags(context: OperationContext, groupName: string, change: (tags: Tags) => Tags): Promise<object> {
  await changeGroup(context, groupName, (group) => {
    const tags = change(group.tags);
    requireAllowedTags(tags);
    return { ...group, tags };
  });
  return {};
}

/** Throws for tags that a group may not have: too many, or AWS's own. */
export function requireAllowedTags(tags: Tags): void {
  const keys = Object.keys(tags);
  if (keys.some((key) => /^aws:/i.test(key))) throw reservedTag();
  if (keys.length > MAX_TAGS) throw tooManyTags();
}

const without = (tags: Tags, keys: readonly string[]): Tags =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)));

/** The group of the ARN, to ask permission with: it may be of another account. */
const taggedGroup = ({ resourceArn }: { readonly resourceArn: string }, context: OperationContext): NamedGroup => ({
  name: requireGroupArn(resourceArn),
  scope: scopeIn(resourceArn, context),
});

function taggedGroupHere(input: { readonly resourceArn: string }, context: OperationContext): string {
  const group = taggedGroup(input, context);
  requireHere(group, context);
  return group.name;
}

/** Only groups can be tagged here. AWS: the ARN is the one without `:*`, which the model's pattern refuses. */
function requireGroupArn(arn: string): string {
  if (!parseArn(arn)?.resource.startsWith("log-group:")) {
    throw invalidParameter(`The specified resource ARN is not the ARN of a log group: ${arn}`);
  }
  return groupNameOf(arn);
}
