/**
 * Parameters that a default project reads and that do not exist: asked for once on a terminal (hidden, stored as
 * SecureString); without a terminal the run stops before it starts, with the commands that store them.
 */
import type { Kiln } from "../../app.ts";
import type { BuildPlan } from "../../build/plan/index.ts";
import { KilnError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import type { CommandContext } from "../command-context.ts";
import { listParameters } from "../params/parameters.ts";
import { askHidden } from "../prompt.ts";

export interface MissingParameter {
  readonly name: string;
  readonly variable: string;
  readonly line?: number;
  /** Existing name that was probably meant. */
  readonly nearest?: string;
  /** Named as `ssm:/name`, which is no form of CodeBuild's. */
  readonly isExtension?: true;
}

/** Parameters of the plan that the store does not have. */
export function missingParameters(plan: BuildPlan, existing: readonly string[]): MissingParameter[] {
  const bare = (name: string) => name.replace(/^\/+/, "");
  const missing = new Map<string, MissingParameter>();
  for (const variable of [...plan.variables, ...plan.phaseVariables]) {
    if (variable.type !== "PARAMETER_STORE" || variable.value.startsWith("arn:") || variable.value.includes("$"))
      continue;
    const name = variable.value.replace(/^ssm:/, "").replace(/:[^:/]*$/, "");
    // AWS: `/name` and `name` are one parameter; deeper names always start with a slash.
    const has = existing.some((known) => bare(known) === bare(name));
    if (has || missing.has(name)) continue;
    const near = nearest(name, existing);
    missing.set(name, {
      name,
      variable: variable.name,
      ...(variable.line === undefined ? {} : { line: variable.line }),
      ...(near === undefined ? {} : { nearest: near }),
      ...(variable.extension === undefined ? {} : { isExtension: true as const }),
    });
  }
  return [...missing.values()];
}

/** Asks for what is missing, or fails with the commands. */
export async function requireParameters(context: CommandContext, kiln: Kiln, plan: BuildPlan): Promise<void> {
  const existing = (await listParameters(kiln.root)).map((parameter) => parameter.name);
  const missing = missingParameters(plan, existing);
  if (missing.length === 0) return;
  if (!context.settings.isInteractive) throw missingError(missing, plan.buildspecFile);
  context.note(
    `the build reads ${missing.length === 1 ? "a parameter" : `${missing.length} parameters`} that Kiln does not have yet; what you type is stored encrypted (SecureString)`,
  );
  for (const { name, variable } of missing) {
    const value = await askHidden(context.io, `${name} (for ${variable}): `);
    if (value === "") throw missingError([{ name, variable }], plan.buildspecFile);
    await kiln.root.call("ssm", "PutParameter", { Name: name, Value: value, Type: "SecureString" });
  }
}

export function missingError(missing: readonly MissingParameter[], buildspecFile: string): KilnError {
  const names = missing.map((parameter) => `\`${parameter.name}\``).join(", ");
  const first = missing[0];
  const where = first?.line === undefined ? "" : ` (${buildspecFile}:${first.line})`;
  return new KilnError({
    code: "KILN_E_MISSING_PARAMETERS",
    message: `${missing.length === 1 ? "a parameter is" : `${missing.length} parameters are`} missing: ${names}${where}`,
    why: missing.every(({ isExtension }) => isExtension)
      ? "the buildspec names them as `ssm:…`, which Kiln reads and CodeBuild does not: `kiln check` says what to write instead"
      : "the buildspec takes variables from them; CodeBuild would end in DOWNLOAD_SOURCE with `parameter does not exist`",
    fix: missing.flatMap(({ name, nearest: near }) => [
      ...(near === undefined ? [] : [`did you mean \`${near}\`? then change the buildspec`]),
      `kiln params put ${name} --secure   (reads the value from standard input)`,
      `aws ssm put-parameter --name "${name}" --value "VALUE" --type "SecureString"`,
    ]),
    exitCode: 4,
  });
}
