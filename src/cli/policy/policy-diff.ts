/** `kiln policy --diff ROLE`: what a role is granted against what is needed, and how much of each policy is never used. */
import type { Kiln } from "../../app.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import { diffPolicy, type PolicyDifference, type PolicyUsage, policyUsage } from "../../least-privilege/index.ts";
import { actionServices, actionsOf } from "../../services/action-table.ts";
import type { CommandContext } from "../command-context.ts";
import { rolePolicies } from "../knowledge/role-policies.ts";
import { plural } from "../plural.ts";
import { requireRole } from "../project/default-project.ts";

/** Prints the difference between `needed` and what the role has. */
export async function printDiff(
  context: CommandContext,
  kiln: Kiln,
  roleName: string,
  needed: PolicyDocument,
  /** The command that prints `needed`. */
  command: string,
): Promise<void> {
  const arn = await requireRole(kiln.root, roleName);
  const policies = await rolePolicies(kiln.root, arn.split("/").at(-1) ?? roleName);
  const difference = diffPolicy(needed, policies);
  const usage = policyUsage(needed, policies, actionServices().flatMap(actionsOf));
  if (context.settings.output === "json") {
    context.printJson({ role: roleName, ...difference, policies: usage });
    return;
  }
  printDifference(context, roleName, difference, command);
  for (const policy of usage) if (policy.unused.length > 0) printUsage(context, roleName, policy, command);
}

function printDifference(context: CommandContext, role: string, difference: PolicyDifference, command: string): void {
  const { usedButNotGranted, grantedButUnused, grantedTooWidely } = difference;
  context.print(usedButNotGranted.length === 0 ? `nothing is missing in ${role}` : "needed but not granted:");
  for (const { action, resource } of usedButNotGranted) context.print(`  ${action} on ${resource}`);
  if (grantedTooWidely.length > 0) context.print("granted wider than needed:");
  for (const { action, resource, policyName, needs } of grantedTooWidely) {
    context.print(`  ${action} on ${resource}  (${policyName}); needed:`);
    for (const need of needs) context.print(`    ${need.action} on ${need.resource}`);
  }
  if (grantedButUnused.length > 0) context.print("granted but not needed:");
  for (const { action, resource, policyName } of grantedButUnused)
    context.print(`  ${action} on ${resource}  (${policyName})`);
  if (grantedButUnused.length + grantedTooWidely.length === 0) context.print(`nothing in ${role} is too much`);
  else context.note(`the least policy that is enough: \`${command}\``);
}

/** Names of a level that are shown; the JSON has them all. */
const MOST_SHOWN = 6;

function printUsage(
  context: CommandContext,
  role: string,
  { policyName, arn, granted, used, unused, unlisted }: PolicyUsage,
  command: string,
): void {
  const never = unused.reduce((sum, { actions }) => sum + actions.length, 0);
  context.print(`\n${policyName} grants ${plural(granted, "action")}: ${used.length} needed, ${never} not`);
  if (used.length > 0) context.print(`  needed: ${used.join(", ")}`);
  for (const { level, actions } of unused.toReversed()) {
    const more = actions.length > MOST_SHOWN ? `, and ${actions.length - MOST_SHOWN} more` : "";
    context.print(`  not, ${level.toLowerCase()}: ${actions.slice(0, MOST_SHOWN).join(", ")}${more}`);
  }
  if (unlisted.length > 0) context.print(`  not, of services that Kiln does not have: ${unlisted.join(", ")}`);
  if (arn === undefined) return;
  context.print("  instead of it:");
  context.print(`    ${command} > policy.json`);
  context.print(
    `    kiln aws iam put-role-policy --role-name ${role} --policy-name least-privilege --policy-document file://policy.json`,
  );
  context.print(`    kiln aws iam detach-role-policy --role-name ${role} --policy-arn ${arn}`);
}
