/**
 * What the aws commands of a buildspec need the service role to be allowed, for policies that are written before a run.
 * A call whose resource only the build knows is told apart: a policy for it would have to allow it on everything.
 */
import type { RequiredPermission } from "../../build/plan/index.ts";
import { type CheckInput, contextOf } from "../run-rules.ts";
import { callsOfCommands } from "./role-needs.ts";

export interface CommandPermissions {
  readonly permissions: readonly RequiredPermission[];
  /** `aws s3 cp` (line 12) of each call that is left out. */
  readonly open: readonly string[];
}

/** Nothing for a file that is no buildspec. The scope of `input` should be known, or every ARN is open. */
export function commandPermissions(input: CheckInput): CommandPermissions {
  const context = contextOf(input);
  const calls = context ? callsOfCommands(context, "guarded") : [];
  const told = calls.map(({ action, resource, why, isExact, span }) => ({
    action,
    resource,
    why: span ? `${why} (line ${span.line})` : why,
    isKnown: isExact || isNamed(resource),
  }));
  return {
    permissions: told.filter(({ isKnown }) => isKnown).map(({ isKnown: _, ...permission }) => permission),
    open: [...new Set(told.filter(({ isKnown }) => !isKnown).map(({ why }) => why))],
  };
}

/** `…:parameter/app/*` and `arn:aws:s3:::bucket/*` name something; `…:parameter/*` and `arn:aws:s3:::*` are everything. */
function isNamed(resource: string): boolean {
  const [, , service = "", region = "", account = "", ...rest] = resource.split(":");
  if (`${region}${account}`.includes("*")) return false;
  const name = rest.join(":");
  return name !== "" && !(service === "s3" ? /^\*/ : /^(?:[a-z-]+[:/])?\*/).test(name);
}
