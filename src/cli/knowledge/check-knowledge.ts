/**
 * What `kiln check` and the language server know besides the files: the project (`--project`, `--template`), the roles
 * (the project's, `--role`, `--role-policy`) and what Kiln's stores hold. Read as root; values only of parameters that are
 * not secret, and of secrets only the names of their JSON members. Without a state folder nothing is opened and none is made.
 */
import { existsSync } from "node:fs";
import type { Kiln } from "../../app.ts";
import type { NamedPolicy } from "../../authorize/decision.ts";
import { type CheckProject, type Knowledge, type KnownRole, parameterNameTest } from "../../check/index.ts";
import { isAccountId } from "../../core/arn.ts";
import { KilnError, usageError } from "../../core/errors.ts";
import { type CommandContext, openKiln } from "../command-context.ts";
import { requireProject, requireRole } from "../project/default-project.ts";
import { isBuildspecFile } from "../project/project-files.ts";
import { readProjectTemplate } from "../project/template.ts";
import type { KnowledgeFlags } from "./knowledge-flags.ts";
import { readPolicyFile } from "./policy-file.ts";
import { checkProjectOf, type WireCheckProject } from "./project-knowledge.ts";
import { findRole } from "./role-policies.ts";
import { storeKnowledge } from "./store-knowledge.ts";

export interface GatheredKnowledge {
  readonly knowledge: Knowledge;
  /** The buildspec's path, when the project names one. */
  readonly buildspec?: string;
}

/** `texts` are the buildspecs: what they name is looked at more closely (JSON members of secrets, versions, labels). */
export async function gatherKnowledge(
  context: CommandContext,
  flags: KnowledgeFlags,
  texts: readonly string[] = [],
): Promise<GatheredKnowledge> {
  refuseUnreadablePattern(flags.parameterNames);
  const given = fromFiles(context, flags);
  const isNamed = (flags.project !== undefined && flags.template === undefined) || flags.role !== undefined;
  if (!existsSync(context.settings.stateDir)) {
    if (isNamed) throw noState(flags);
    return given;
  }
  // Somebody else's folder, a full disk, a newer Kiln's: most findings need none of it.
  const kiln = await openKiln(context).catch((error: unknown) => {
    if (isNamed || !(error instanceof KilnError)) throw error;
    context.note(`checked without parameters and projects: ${error.message}`);
  });
  if (!kiln) return given;
  try {
    return await fromKiln(kiln, flags, given, texts);
  } finally {
    await kiln.close();
  }
}

function refuseUnreadablePattern(pattern: string | undefined): void {
  if (pattern === undefined || parameterNameTest(pattern)) return;
  throw usageError(`\`${pattern}\` is not a pattern for names of parameters`, [
    "between slashes stands a regular expression, e.g. `/\\/app\\/[a-z]+/`; a glob is `/app/*` or `/team/**`",
  ]);
}

function noState({ project, role }: KnowledgeFlags): KilnError {
  return new KilnError({
    code: role !== undefined ? "KILN_E_NO_ROLE" : "KILN_E_NO_PROJECT",
    message: `there is no ${role !== undefined ? `role \`${role}\`` : `project \`${project}\``}: no state folder yet`,
    exitCode: 2,
  });
}

/** What files say; it needs no Kiln. */
function fromFiles(context: CommandContext, flags: KnowledgeFlags): GatheredKnowledge {
  const { cwd } = context.io;
  const { region, accountId } = context.settings;
  const template =
    flags.template === undefined
      ? undefined
      : (readProjectTemplate(flags.template, cwd, flags.project) as WireCheckProject);
  const policies = (flags.rolePolicy ?? []).map((file) => readPolicyFile(file, cwd));
  const ofTemplate = template?.serviceRole?.split(":")[4];
  const accountOfRole = isAccountId(ofTemplate ?? "") ? ofTemplate : undefined;
  const project = template && checkProjectOf(template);
  return {
    knowledge: {
      scope: { region, accountId: accountId ?? accountOfRole },
      ...(project && { project }),
      ...(policies.length > 0 && { role: roleOf(policies, project) }),
      ...(flags.parameterNames !== undefined && { parameterNames: flags.parameterNames }),
    },
    ...buildspecOf(template),
  };
}

const roleOf = (policies: readonly NamedPolicy[], project: CheckProject | undefined): KnownRole => ({
  name: project?.serviceRole?.split("/").at(-1) ?? "service-role",
  ...(project?.serviceRole?.startsWith("arn:") && { arn: project.serviceRole }),
  policies,
});

/** A buildspec written into the project, or kept in S3, is no file here. */
function buildspecOf(project: WireCheckProject | undefined): { buildspec?: string } {
  const { buildspec = "" } = project?.source ?? {};
  return buildspec !== "" && isBuildspecFile(buildspec) ? { buildspec } : {};
}

async function fromKiln(
  { root, scope }: Kiln,
  flags: KnowledgeFlags,
  given: GatheredKnowledge,
  texts: readonly string[],
): Promise<GatheredKnowledge> {
  const wire =
    flags.project === undefined || flags.template !== undefined
      ? undefined
      : ((await requireProject(root, flags.project)) as WireCheckProject);
  const project = wire ? checkProjectOf(wire) : given.knowledge.project;
  const named = flags.role === undefined ? undefined : await requireRole(root, flags.role);
  const serviceRole = named ?? project?.serviceRole;
  const variables = (project?.environmentVariables ?? []).map(({ value = "" }) => value);
  const role = given.knowledge.role ?? (serviceRole === undefined ? undefined : await findRole(root, serviceRole));
  const batchRoleArn = project?.buildBatchConfig?.serviceRole;
  const batchRole = batchRoleArn === undefined ? undefined : await findRole(root, batchRoleArn);
  return {
    ...given,
    ...buildspecOf(wire),
    knowledge: {
      ...given.knowledge,
      // Policies given as files, or a template, may be another account's.
      ...(flags.rolePolicy || flags.template ? {} : { scope }),
      ...(await storeKnowledge(root, [...texts, ...variables])),
      ...(project && { project }),
      ...(role && { role }),
      ...(batchRole && { batchRole }),
      // A template's roles may be made by its stack, or live in another account.
      ...(flags.template === undefined && {
        missingRoles: [
          ...(serviceRole !== undefined && !role ? [nameOf(serviceRole)] : []),
          ...(batchRoleArn !== undefined && !batchRole ? [nameOf(batchRoleArn)] : []),
        ],
      }),
    },
  };
}

const nameOf = (role: string): string => role.split("/").at(-1) ?? role;
