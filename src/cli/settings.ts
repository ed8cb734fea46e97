/**
 * Flags every command has, with their variables: flag before `KILN_*` variable before default.
 * Read once per command; commands get {@link Settings}.
 */
import { isAbsolute, resolve } from "node:path";
import { type Command, Option } from "commander";
import { isAccountId, isRegionName } from "../core/arn.ts";
import { usageError } from "../core/errors.ts";
import type { CliIo } from "./io.ts";
import { findStateDir } from "./state-dir.ts";

export type OutputFormat = "text" | "json";

export interface Settings {
  readonly output: OutputFormat;
  readonly isQuiet: boolean;
  readonly isVerbose: boolean;
  /** Colour on standard output. */
  readonly hasColor: boolean;
  /** A person is at both ends: questions may be asked. */
  readonly isInteractive: boolean;
  /** Absolute path of the state folder; it may not exist yet. */
  readonly stateDir: string;
  readonly region?: string;
  readonly accountId?: string;
}

/** An option that can also be set by `KILN_<NAME>`; what switches off says so there, too: `KILN_NO_COLOR`. */
export const option = (flags: string, description: string): Option => {
  const made = new Option(flags, description);
  const name = made.long?.slice(2).replaceAll("-", "_").toUpperCase();
  return name === undefined ? made : made.env(`KILN_${name}`);
};

const HEADING = "Common options:";

/** Adds the common flags to a command. */
export function addCommonOptions(command: Command, outputs: readonly string[] = ["text", "json"]): Command {
  const common = [
    option("-o, --output <format>", "how to print").choices([...outputs]),
    option("-q, --quiet", "only results and errors"),
    option("-v, --verbose", "more about what is done"),
    option("--no-color", "no colour (also NO_COLOR)"),
    option("--state-dir <folder>", "state folder (default: the nearest .kiln)"),
    option("--region <region>", "AWS region (default: us-east-1)"),
    option("--account <id>", "AWS account id (default: 000000000000)"),
  ];
  for (const each of common) command.addOption(each.helpGroup(HEADING));
  return command;
}

interface CommonValues {
  readonly output?: string;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
  readonly stateDir?: string;
  readonly region?: string;
  readonly account?: string;
}

/** The common flags of one command line. `projectDir` is where the search for the state folder starts. */
export function settingsOf(given: object, io: CliIo, projectDir: string = io.cwd): Settings {
  const values: CommonValues = given;
  if (values.account !== undefined && !isAccountId(values.account)) {
    throw usageError(`\`${values.account}\` is not an account id`, [], "an AWS account id has 12 digits");
  }
  if (values.region !== undefined && !isRegionName(values.region)) {
    throw usageError(`\`${values.region}\` is not an AWS region`, ["write it like `us-east-1`"]);
  }
  if (values.stateDir === "") throw usageError("`--state-dir` needs a folder, not an empty text");
  const hasTerminal = io.stdout.isTTY === true;
  return {
    output: values.output === "json" ? "json" : "text",
    isQuiet: values.quiet === true,
    isVerbose: values.verbose === true,
    hasColor: hasTerminal && values.color !== false && !io.env["NO_COLOR"] && io.env["TERM"] !== "dumb",
    isInteractive: hasTerminal && io.stdin.isTTY === true && !io.env["CI"],
    stateDir: values.stateDir === undefined ? findStateDir(projectDir) : absolute(values.stateDir, io.cwd),
    ...(values.region === undefined ? {} : { region: values.region }),
    ...(values.account === undefined ? {} : { accountId: values.account }),
  };
}

/** A path given on the command line, made absolute. */
export const absolute = (path: string, cwd: string): string => (isAbsolute(path) ? path : resolve(cwd, path));
