/**
 * Actions of requests and of policies: `service:Name`, compared without regard to case; `*` and `?` stand in the name
 * only, and of the texts without a colon only the lone `*` is an action.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
 */
import { compilePattern, type Pattern } from "./wildcard.ts";

/** `service:Name` of a request, in lower case. */
export interface ActionName {
  readonly service: string;
  readonly name: string;
}

export interface ActionPattern {
  /** As written. */
  readonly source: string;
  /** In lower case; undefined for a lone `*`, empty for a text that is no action. */
  readonly service: string | undefined;
  readonly name: Pattern;
  matches(action: ActionName): boolean;
}

const ACTION_OPTIONS = { wildcards: true, variables: false } as const;
const EVERY_NAME = compilePattern("*", ACTION_OPTIONS);
const noContext = () => undefined;

/** The pattern of one text of Action or NotAction. */
export function compileActionPattern(source: string): ActionPattern {
  const colon = source.indexOf(":");
  if (colon <= 0) {
    const isEverything = source === "*";
    return { source, service: isEverything ? undefined : "", name: EVERY_NAME, matches: () => isEverything };
  }
  const service = source.slice(0, colon).toLowerCase();
  const name = compilePattern(source.slice(colon + 1).toLowerCase(), ACTION_OPTIONS);
  return { source, service, name, matches: (action) => action.service === service && matchesName(name, action) };
}

/** Whether the name part of a pattern takes the action's name; the service part is for the caller to compare. */
export const matchesName = (name: Pattern, action: ActionName): boolean => name.matches(action.name, noContext);

const actions = new Map<string, ActionName>();
const MAX_ACTIONS = 5_000;

/** The name of a request's action. The same object for the same text, so that indexes can remember what matches it. */
export function actionNameOf(text: string): ActionName {
  let action = actions.get(text);
  if (!action) {
    const folded = text.toLowerCase();
    const colon = folded.indexOf(":");
    action = { service: folded.slice(0, Math.max(0, colon)), name: folded.slice(colon + 1) };
    if (actions.size < MAX_ACTIONS) actions.set(text, action);
  }
  return action;
}
