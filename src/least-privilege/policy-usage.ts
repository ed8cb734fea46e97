/**
 * What each policy of a role grants, action by action, and how little of it is needed: AmazonSSMFullAccess grants all
 * actions of Systems Manager to a build that needs one. Wildcards are counted over AWS's own list of actions, which the
 * caller gives; patterns of services without a list are named as they stand.
 */
import { actionNameOf, compileActionPattern } from "../authorize/action-pattern.ts";
import type { NamedPolicy } from "../authorize/decision.ts";
import { listOfStrings, statementsOf } from "../authorize/document-lists.ts";
import type { PolicyDocument } from "../core/aws.ts";

/** One action of AWS's service authorization reference. */
export interface ListedAction {
  /** `service:Action` */
  readonly name: string;
  /** `Read`, `Write`, `List`, `Tagging`, `Permissions management`. */
  readonly level: string;
}

export interface PolicyUsage {
  readonly policyName: string;
  readonly arn?: string;
  /** How many actions of listed services it grants on anything. */
  readonly granted: number;
  /** Those that are needed, sorted. */
  readonly used: readonly string[];
  /** The others, by level: what they could do is worth more attention the further down. */
  readonly unused: readonly { readonly level: string; readonly actions: readonly string[] }[];
  /** Granted patterns of services that have no list, e.g. `ec2messages:*`. */
  readonly unlisted: readonly string[];
}

const LEVELS = ["List", "Read", "Tagging", "Write", "Permissions management"];

/** `needed` is a document of this folder; `listed` are all actions that are known. */
export function policyUsage(
  needed: PolicyDocument,
  granted: readonly NamedPolicy[],
  listed: readonly ListedAction[],
): PolicyUsage[] {
  const needs = new Set(statementsOf(needed).flatMap((statement) => listOfStrings(statement["Action"]).map(lower)));
  const services = new Set(listed.map(({ name }) => actionNameOf(name).service));
  return granted.map(({ name, arn, document }) => {
    const allows = statementsOf(document).filter((statement) => statement["Effect"] === "Allow");
    const grants = listed.filter((action) => allows.some((statement) => covers(statement, action.name)));
    const unused = grants.filter((action) => !needs.has(lower(action.name)));
    return {
      policyName: name,
      ...(arn !== undefined && { arn }),
      granted: grants.length,
      used: grants
        .filter((action) => needs.has(lower(action.name)))
        .map((action) => action.name)
        .sort(),
      unused: LEVELS.flatMap((level) => {
        const actions = unused.filter((action) => action.level === level).map((action) => action.name);
        return actions.length === 0 ? [] : [{ level, actions: actions.sort() }];
      }),
      unlisted: [...new Set(allows.flatMap((statement) => listOfStrings(statement["Action"])))]
        .filter((pattern) => pattern.includes(":") && !services.has(actionNameOf(pattern).service))
        .sort(),
    };
  });
}

function covers(statement: Record<string, unknown>, action: string): boolean {
  const matches = (patterns: unknown) =>
    listOfStrings(patterns).some(
      (pattern) => compileActionPattern(pattern).matches(actionNameOf(action)) || pattern === "*",
    );
  return "NotAction" in statement ? !matches(statement["NotAction"]) : matches(statement["Action"]);
}

const lower = (text: string): string => text.toLowerCase();
