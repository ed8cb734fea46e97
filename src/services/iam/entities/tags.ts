/**
 * Tags of roles and users, and the rules that tags of any IAM request follow.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
 */
import type { EntityRecord, TagRecord } from "../../../identity/index.ts";
import { operation } from "../../service.ts";
import { requestTagKeys } from "../../tag-keys.ts";
import { duplicateTagKeys, invalidMarker, noSuchEntity, reservedTagKey, tooManyTags } from "../errors.ts";
import { nameKey, type PagingInput, pageOf } from "../pages.ts";
import { changeAnyEntity, type EntityInput, type EntityKind, nameIn, ROLE, requireEntity, USER } from "./entities.ts";
import { entityAccess } from "./entity-access.ts";

const MAX_TAGS = 50;
/** What {@link requireTags} and {@link mergeTags} throw. */
export const TAG_ERRORS = [duplicateTagKeys, reservedTagKey, tooManyTags] as const;

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** The tags of a request: no key twice (case does not count), none of AWS's own, not too many. */
export function requireTags(tags: readonly Tag[] = []): TagRecord[] {
  const keys = new Set(tags.map((tag) => tag.Key.toLowerCase()));
  if (keys.size < tags.length) throw duplicateTagKeys();
  if (tags.length > MAX_TAGS) throw tooManyTags();
  if ([...keys].some((key) => key.startsWith("aws:"))) throw reservedTagKey();
  return tags.map(({ Key, Value }) => ({ Key, Value }));
}

/** `added` replaces tags with the same key. */
export function mergeTags(tags: readonly TagRecord[], added: readonly TagRecord[]): TagRecord[] {
  const kept = withoutTags(
    tags,
    added.map((tag) => tag.Key),
  );
  const merged = [...kept, ...added];
  if (merged.length > MAX_TAGS) throw tooManyTags();
  return merged;
}

/** The tags whose keys are not among `keys`; case does not count. */
export function withoutTags(tags: readonly TagRecord[], keys: readonly string[]): TagRecord[] {
  const folded = new Set(keys.map((key) => key.toLowerCase()));
  return tags.filter((tag) => !folded.has(tag.Key.toLowerCase()));
}

/** TagX, UntagX, ListXTags of one kind. */
function tagOperations<R extends EntityRecord>(kind: EntityKind<R>) {
  const source = (name: string) => `https://docs.aws.amazon.com/IAM/latest/APIReference/API_${name}.html`;
  const tag = `Tag${kind.title}`;
  const untag = `Untag${kind.title}`;
  const list = `List${kind.title}Tags`;
  return [
    operation<EntityInput & { readonly Tags: readonly Tag[] }, object>({
      name: tag,
      support: "supported",
      source: source(tag),
      authorize: (input, context) => [
        entityAccess(kind, tag, nameIn(kind, input), context, requestTagKeys(input.Tags)),
      ],
      errors: [noSuchEntity, ...TAG_ERRORS],
      async run(input, context) {
        const added = requireTags(input.Tags);
        await changeAnyEntity(kind, nameIn(kind, input), context, (record) => ({
          ...record,
          tags: mergeTags(record.tags, added),
        }));
        return {};
      },
    }),
    operation<EntityInput & { readonly TagKeys: readonly string[] }, object>({
      name: untag,
      support: "supported",
      source: source(untag),
      authorize: (input, context) => [
        entityAccess(kind, untag, nameIn(kind, input), context, { "aws:TagKeys": input.TagKeys }),
      ],
      errors: [noSuchEntity],
      async run(input, context) {
        await changeAnyEntity(kind, nameIn(kind, input), context, (record) => ({
          ...record,
          tags: withoutTags(record.tags, input.TagKeys),
        }));
        return {};
      },
    }),
    operation<EntityInput & PagingInput, object>({
      name: list,
      support: "supported",
      source: source(list),
      authorize: (input, context) => [entityAccess(kind, list, nameIn(kind, input), context)],
      errors: [noSuchEntity, invalidMarker],
      run(input, context) {
        // AWS: in the order of their keys.
        const page = pageOf(requireEntity(kind, nameIn(kind, input), context).tags, input, (one) => nameKey(one.Key));
        return { Tags: page.items, ...page.members };
      },
    }),
  ];
}

/** The tag operations of roles and users. */
export const tagOperationsOfEntities = [...tagOperations(ROLE), ...tagOperations(USER)];
