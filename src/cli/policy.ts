/** `kiln policy`: the least-privilege policy of the service role, from the plan or from what a build really called. */
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import type { DecisionRecord } from "../authorize/decision.ts";
import { KilnError } from "../core/errors.ts";
import { policyFromDecisions, policyFromPlan } from "../least-privilege/index.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { requireRole } from "./default-project.ts";
import { buildNamed } from "./explain.ts";
import type { CliIo } from "./io.ts";
import { requirePlan, scopeFrom } from "./plan.ts";
import { sourceDir } from "./project-files.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";

interface PolicyValues {
  readonly buildspec?: string;
  readonly diff?: string;
}

export function policyCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("policy")
    .description("least-privilege policy of the service role, from the plan, or from what a build really called")
    .argument("[dir-or-build]", "source folder, or build id", ".")
    .addOption(option("-b, --buildspec <file>", "buildspec in the source (default: buildspec.yml)"))
    .addOption(option("--diff <role>", "compare with what a role is granted"));
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln policy > policy.json");
  return command.action(async (target: string, values: PolicyValues) => {
    exit(await printPolicy(commandContext(io, settingsOf(values, io)), target, values));
  });
}

async function printPolicy(context: CommandContext, target: string, values: PolicyValues): Promise<number> {
  const isBuild = /^arn:|:[0-9a-f]{8}-|^[0-9a-f]{8}-[0-9a-f-]+$/.test(target);
  const fromPlan = () => {
    const { plan, settings } = requirePlan(sourceDir(target, context.io.cwd), values);
    return policyFromPlan(plan, scopeFrom(context.settings), settings.name);
  };
  if (!isBuild && values.diff === undefined) {
    context.printJson(fromPlan());
    return 0;
  }
  return withKiln(context, async (kiln) => {
    const policy = isBuild ? await fromBuild(kiln, target) : fromPlan();
    if (values.diff === undefined) context.printJson(policy);
    else printDiff(context, values.diff, policy, await grantedTo(kiln, values.diff));
    return 0;
  });
}

async function fromBuild(kiln: Kiln, id: string): Promise<unknown> {
  const build = await buildNamed(kiln, id);
  if (!build) {
    throw new KilnError({
      code: "KILN_E_NO_BUILD",
      message: `there is no build \`${id}\``,
      fix: ["see the builds with `kiln builds ls`"],
      exitCode: 2,
    });
  }
  const decisions: DecisionRecord[] = kiln.decisions({
    sessionName: `AWSCodeBuild-${(build.id ?? "").split(":").at(-1)}`,
  });
  return policyFromDecisions(decisions);
}

interface Grant {
  readonly action: string;
  readonly resource: string;
  readonly from: string;
}

const grantsIn = (policy: unknown, from: string): Grant[] => {
  const statements = [(policy as { Statement?: unknown }).Statement ?? []].flat() as {
    Effect?: string;
    Action?: string | string[];
    Resource?: string | string[];
  }[];
  return statements
    .filter((statement) => statement.Effect === "Allow")
    .flatMap((statement) =>
      [statement.Action ?? []]
        .flat()
        .flatMap((action) => [statement.Resource ?? []].flat().map((resource) => ({ action, resource, from }))),
    );
};

/** What the role's inline and attached policies allow. */
async function grantedTo(kiln: Kiln, roleName: string): Promise<Grant[]> {
  const name = (await requireRole(kiln.root, roleName)).split("/").at(-1) ?? roleName;
  const grants: Grant[] = [];
  const { PolicyNames = [] } = await kiln.root.call<{ PolicyNames?: string[] }>("iam", "ListRolePolicies", {
    RoleName: name,
  });
  for (const PolicyName of PolicyNames) {
    const { PolicyDocument = "{}" } = await kiln.root.call<{ PolicyDocument?: string }>("iam", "GetRolePolicy", {
      RoleName: name,
      PolicyName,
    });
    grants.push(...grantsIn(parseDocument(PolicyDocument), `inline policy ${PolicyName}`));
  }
  const { AttachedPolicies = [] } = await kiln.root.call<{ AttachedPolicies?: { PolicyArn?: string }[] }>(
    "iam",
    "ListAttachedRolePolicies",
    {
      RoleName: name,
    },
  );
  for (const { PolicyArn = "" } of AttachedPolicies) {
    const { Policy } = await kiln.root.call<{ Policy?: { DefaultVersionId?: string } }>("iam", "GetPolicy", {
      PolicyArn,
    });
    const version = await kiln.root.call<{ PolicyVersion?: { Document?: string } }>("iam", "GetPolicyVersion", {
      PolicyArn,
      VersionId: Policy?.DefaultVersionId ?? "v1",
    });
    grants.push(...grantsIn(parseDocument(version.PolicyVersion?.Document ?? "{}"), PolicyArn));
  }
  return grants;
}

/** AWS: IAM answers documents URL-encoded (RFC 3986). */
const parseDocument = (document: string): unknown =>
  JSON.parse(document.startsWith("%") ? decodeURIComponent(document) : document);

const matches = (pattern: string, text: string): boolean =>
  new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".")}$`,
    "i",
  ).test(text);

function printDiff(context: CommandContext, role: string, needed: unknown, granted: readonly Grant[]): void {
  const needs = grantsIn(needed, "needed");
  const covers = (grant: Grant, need: Grant) =>
    matches(grant.action, need.action) && matches(grant.resource, need.resource);
  const missing = needs.filter((need) => !granted.some((grant) => covers(grant, need)));
  const unused = granted.filter((grant) => !needs.some((need) => covers(grant, need)));
  const broader = granted.filter((grant) =>
    needs.some((need) => covers(grant, need) && (grant.action !== need.action || grant.resource !== need.resource)),
  );
  if (context.settings.output === "json") {
    context.printJson({
      role,
      usedButNotGranted: missing,
      grantedButUnused: unused,
      broaderThanNeeded: broader,
    });
    return;
  }
  const list = (title: string, grants: readonly Grant[]) => {
    context.print(`${title}: ${grants.length === 0 ? "nothing" : ""}`.trimEnd());
    for (const grant of grants)
      context.print(`  ${grant.action} on ${grant.resource}${grant.from === "needed" ? "" : `  (${grant.from})`}`);
  };
  list("needed but not granted", missing);
  list("granted but not needed", unused);
  list("granted broader than needed", broader);
}
