/**
 * What to say about condition keys that a question gives (`--context`): a key that no call of the action has is most often
 * a slip, and a condition on it would be tested with a value that never comes.
 */
import type { RequestContext } from "../authorize/decision.ts";
import { nearest } from "../core/nearest.ts";
import { type ActionInfo, type ConditionKeyInfo, findConditionKey, GLOBAL_KEYS } from "../services/index.ts";

/** One sentence for each key that is not one of the action's, nor of every action. */
export function keyNotes(action: ActionInfo, context: RequestContext): string[] {
  const known = [...action.conditionKeys, ...GLOBAL_KEYS];
  return Object.keys(context)
    .filter((key) => !findConditionKey(key, known))
    .map((key) => {
      const near = nearest(
        key,
        known.map((info) => instanceOf(info, key)),
      );
      const hint = near === undefined ? ": a call does not have it" : `; the nearest is \`${near}\``;
      return `\`${key}\` is no condition key of \`${action.name}\`${hint}`;
    });
}

/** `aws:RequestTag/${TagKey}` with the tag of `key`, so that the two can be compared. */
function instanceOf({ name }: ConditionKeyInfo, key: string): string {
  const [start = ""] = name.split(/\$\{|</, 1);
  if (start === name) return name;
  const at = key.indexOf(start.slice(-1), key.indexOf(":") + 1);
  return at === -1 ? name : `${start}${key.slice(at + 1)}`;
}
