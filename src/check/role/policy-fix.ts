/** The statement that gives a role what it lacks, and the command that attaches it. */

import type { PolicyFix } from "../../core/diagnostics.ts";
import { shellWord } from "../../core/shell-word.ts";
import type { RoleNeed } from "./role-needs.ts";

/** `role` is undefined for policies that were given as files: nobody knows where they are attached. */
export function policyFix(
  title: string,
  role: string | undefined,
  name: string,
  needs: readonly RoleNeed[],
): PolicyFix {
  const policy = { Version: "2012-10-17", Statement: statementsFor(needs) };
  return {
    kind: "policy",
    title,
    policy,
    commands: [
      `aws iam put-role-policy --role-name ${shellWord(role ?? "ROLE")} --policy-name ${name} --policy-document ${shellWord(JSON.stringify(policy))}`,
    ],
  };
}

/** One statement for needs of the same resources and conditions; actions and resources sorted. */
function statementsFor(needs: readonly RoleNeed[]): object[] {
  const groups = new Map<string, { actions: Set<string>; resources: Set<string>; via: string | undefined }>();
  const actionsOn = new Map<string, Set<string>>();
  for (const { action, resource } of needs) {
    const known = actionsOn.get(resource) ?? new Set<string>();
    actionsOn.set(resource, known.add(action));
  }
  for (const { resource, viaService } of needs) {
    const actions = actionsOn.get(resource) ?? new Set<string>();
    const key = `${[...actions].sort().join()} ${viaService ?? ""}`;
    const group = groups.get(key) ?? { actions, resources: new Set<string>(), via: viaService };
    group.resources.add(resource);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ actions, resources, via }) => ({
    Effect: "Allow",
    Action: single([...actions].sort()),
    Resource: single([...resources].sort()),
    ...(via !== undefined && { Condition: { StringEquals: { "kms:ViaService": via } } }),
  }));
}

const single = (texts: readonly string[]): string | readonly string[] =>
  texts.length === 1 ? (texts[0] ?? "") : texts;
