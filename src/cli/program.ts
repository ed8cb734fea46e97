/** The tree of commands. One file a command; this one only puts them together. */
import { Command } from "commander";
import { awsCommand } from "./aws.ts";
import { bareKiln } from "./bare-kiln.ts";
import { buildsCommand } from "./builds.ts";
import { checkCommand } from "./check.ts";
import { completionCommand } from "./completion.ts";
import { doctorCommand } from "./doctor.ts";
import { envCommand } from "./env.ts";
import { explainCommand } from "./explain.ts";
import { imagesCommand } from "./images.ts";
import type { CliIo } from "./io.ts";
import { kilnVersion } from "./kiln-version.ts";
import { paramsCommand } from "./params.ts";
import { planCommand } from "./plan.ts";
import { policyCommand } from "./policy.ts";
import { registryCommand } from "./registry.ts";
import { runCommand } from "./run.ts";
import { startCommand, statusCommand, stopCommand } from "./start.ts";
import { versionCommand } from "./version.ts";

const WORK = "Builds:";
const SERVE = "The endpoint:";
const MORE = "More:";

/** A fresh program; `exit` receives the exit code of the command that ran. */
export function buildProgram(io: CliIo, exit: (code: number) => void): Command {
  const program = new Command("kiln")
    .description("Run, check and explain AWS CodeBuild builds on your own machine, with the service role enforced.")
    .version(kilnVersion(), "-V, --version", "print the version")
    .enablePositionalOptions()
    .helpCommand("help [command]", "help for a command")
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 build failed, 2 wrong usage, 3 check found errors, 4 this machine lacks something,\n124 build timed out, 130 interrupted. Every flag has a variable: --state-dir is KILN_STATE_DIR.",
    )
    .action(async () => exit(await bareKiln(io)));
  const groups: readonly (readonly [string, readonly Command[]])[] = [
    [
      WORK,
      [
        runCommand(io, exit),
        checkCommand(io, exit),
        planCommand(io, exit),
        explainCommand(io, exit),
        policyCommand(io, exit),
        buildsCommand(io, exit),
      ],
    ],
    [
      SERVE,
      [
        startCommand(io, exit),
        stopCommand(io, exit),
        statusCommand(io, exit),
        envCommand(io, exit),
        awsCommand(io, exit),
        paramsCommand(io, exit),
        registryCommand(io, exit),
        imagesCommand(io, exit),
      ],
    ],
    [MORE, [doctorCommand(io, exit), completionCommand(io, program), versionCommand(io)]],
  ];
  for (const [heading, commands] of groups)
    for (const command of commands) program.addCommand(command.helpGroup(heading));
  configure(program, io);
  return program;
}

/** The same output and error handling for every command of the tree. */
function configure(command: Command, io: CliIo): void {
  command.exitOverride();
  command.showSuggestionAfterError(true);
  // Errors are rendered by run-cli.ts, so commander itself prints only help.
  command.configureOutput({
    writeOut: (text) => void io.stdout.write(text),
    writeErr: () => {},
    outputError: () => {},
  });
  for (const child of command.commands) configure(child, io);
}
