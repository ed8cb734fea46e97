/**
 * The flags that say what to check against. Apart from check-knowledge.ts, which reads what they name and loads Kiln for
 * it: most checks need neither.
 */
import type { Command } from "commander";
import { option } from "../settings.ts";

/** Which project and role to check against; the members are the flags'. */
export interface KnowledgeFlags {
  readonly project?: string | undefined;
  readonly template?: string | undefined;
  readonly role?: string | undefined;
  readonly rolePolicy?: readonly string[] | undefined;
  readonly parameterNames?: string | undefined;
}

/** The flags of {@link KnowledgeFlags}. */
export function addKnowledgeOptions(command: Command): Command {
  return command
    .addOption(option("--project <name>", "check against this project's settings, variables and role"))
    .addOption(
      option("--template <file>", "check against the project in this file: CreateProject's JSON, or CloudFormation"),
    )
    .addOption(option("--role <name>", "check what this role of Kiln may do (default: the project's)"))
    .addOption(
      option("--role-policy <file>", "check a role with the policy in this file (repeatable)").argParser(
        (value: string, earlier: readonly string[] = []) => [...earlier, value],
      ),
    )
    .addOption(
      option("--parameter-names <pattern>", "how parameters are to be named: /team/*/**, or /regular expression/"),
    );
}
