/** Looking up condition keys of a request: key names, the tag part included, are compared without regard to case. */
import type { ContextValue, RequestContext } from "./decision.ts";

/** The value of a condition key, or undefined when the request does not carry it. */
export type ContextLookup = (key: string) => ContextValue | undefined;

/** Looks in `specific` first. Folds the key names only when a name is not found as it is written. */
export function contextLookup(general: RequestContext, specific: RequestContext = NO_KEYS): ContextLookup {
  let folded: Map<string, ContextValue> | undefined;
  let specificNames: ReadonlySet<string> | undefined;
  return (key) => {
    if (Object.hasOwn(specific, key)) return specific[key];
    if (specific === NO_KEYS && Object.hasOwn(general, key)) return general[key];
    const name = key.toLowerCase();
    // A specific key wins over a general one also when it is spelled in another case.
    specificNames ??= new Set(Object.keys(specific).map((one) => one.toLowerCase()));
    if (Object.hasOwn(general, key) && !specificNames.has(name)) return general[key];
    folded ??= foldKeys(general, specific);
    return folded.get(name);
  };
}

const NO_KEYS: RequestContext = {};

function foldKeys(general: RequestContext, specific: RequestContext): Map<string, ContextValue> {
  const folded = new Map<string, ContextValue>();
  for (const context of [general, specific]) {
    for (const [key, value] of Object.entries(context)) {
      if (value !== undefined) folded.set(key.toLowerCase(), value);
    }
  }
  return folded;
}
