/**
 * The tree of commands. One file a command; only the file of the command that was named is loaded (all of them for
 * `completion`), so that `kiln env` does not pay for what `kiln run` needs.
 */
import { Command } from "commander";
import { kilnVersion } from "../core/kiln-version.ts";
import { HERE } from "./command-first.ts";
import type { CliIo } from "./io.ts";

/** Receives the exit code of the command that ran. */
export type Exit = (code: number) => void;

interface Entry {
  readonly name: string;
  /** One line in `kiln help`. */
  readonly summary: string;
  readonly load: () => Promise<(io: CliIo, exit: Exit) => Command>;
}

const GROUPS: Readonly<Record<string, readonly Entry[]>> = {
  "Builds:": [
    {
      name: "run",
      summary: "run one build of the project here",
      load: async () => (await import("./run.ts")).runCommand,
    },
    {
      name: "check",
      summary: "find mistakes in buildspecs before a run",
      load: async () => (await import("./check.ts")).checkCommand,
    },
    { name: "plan", summary: "what a run would do", load: async () => (await import("./plan.ts")).planCommand },
    {
      name: "explain",
      summary: "why a build failed, and how to fix it",
      load: async () => (await import("./explain.ts")).explainCommand,
    },
    {
      name: "policy",
      summary: "least-privilege policy of the service role",
      load: async () => (await import("./policy.ts")).policyCommand,
    },
    {
      name: "builds",
      summary: "list, show, follow, stop and retry builds",
      load: async () => (await import("./builds.ts")).buildsCommand,
    },
    {
      name: "sandbox",
      summary: "try commands in a build's environment",
      load: async () => (await import("./sandbox.ts")).sandboxCommand,
    },
    {
      name: "webhook",
      summary: "webhooks: why they start builds, and events made here",
      load: async () => (await import("./webhook.ts")).webhookCommand,
    },
  ],
  "The endpoint:": [
    {
      name: "start",
      summary: "start the AWS endpoint and the registry",
      load: async () => (await import("./start.ts")).startCommand,
    },
    { name: "stop", summary: "stop it", load: async () => (await import("./start.ts")).stopCommand },
    { name: "status", summary: "whether it runs", load: async () => (await import("./start.ts")).statusCommand },
    {
      name: "env",
      summary: "variables that point AWS clients at Kiln",
      load: async () => (await import("./env.ts")).envCommand,
    },
    { name: "aws", summary: "the aws CLI, pointed at Kiln", load: async () => (await import("./aws.ts")).awsCommand },
    {
      name: "params",
      summary: "list, read and write parameters",
      load: async () => (await import("./params.ts")).paramsCommand,
    },
    {
      name: "iam",
      summary: "whether a role or user may do something, and who may",
      load: async () => (await import("./iam.ts")).iamCommand,
    },
    {
      name: "requests",
      summary: "calls that policies decided, and why",
      load: async () => (await import("./requests.ts")).requestsCommand,
    },
    {
      name: "registry",
      summary: "accounts and repositories of Kiln's registry",
      load: async () => (await import("./registry.ts")).registryCommand,
    },
    {
      name: "images",
      summary: "base images for docker builds",
      load: async () => (await import("./images.ts")).imagesCommand,
    },
  ],
  "More:": [
    {
      name: "doctor",
      summary: "what this machine has and lacks",
      load: async () => (await import("./doctor.ts")).doctorCommand,
    },
    {
      name: "lsp",
      summary: "language server for editors",
      load: async () => (await import("./lsp.ts")).lspCommand,
    },
    {
      name: "schema",
      summary: "JSON Schema of the buildspec, for editors",
      load: async () => (await import("./schema.ts")).schemaCommand,
    },
    {
      name: "completion",
      summary: "completion script for a shell",
      load: async () => (await import("./completion.ts")).completionCommand,
    },
    {
      name: "version",
      summary: "versions of Kiln and Node",
      load: async () => (await import("./version.ts")).versionCommand,
    },
  ],
};

const AFTER_HELP = `
Exit codes: 0 done, 1 build failed, 2 wrong usage, 3 check found errors, 4 this machine lacks something,
            124 build timed out, 130 interrupted.
Every flag has a variable: KILN_STATE_DIR=x is --state-dir x, KILN_STRICT=1 is --strict.`;

/** A program that knows every command by name, and in full the one that `argv` starts with. */
export async function buildProgram(argv: readonly string[], io: CliIo, exit: Exit): Promise<Command> {
  const program = new Command("kiln")
    .description("Run, check and explain AWS CodeBuild builds on your own machine, with the service role enforced.")
    .version(kilnVersion(), "-V, --version", "print the version")
    .enablePositionalOptions()
    .addHelpCommand(new Command("help").argument("[command]").description("help for a command").helpGroup("More:"))
    .addHelpText("after", AFTER_HELP);
  const named = argv[0] === "help" ? argv[1] : argv[0];
  if (named === HERE) {
    const { bareCommand } = await import("./bare-kiln.ts");
    program.addCommand(bareCommand(io, exit), { hidden: true });
  }
  for (const [heading, entries] of Object.entries(GROUPS)) {
    for (const { name, summary, load } of entries) {
      const isNeeded = name === named || named === "completion";
      const command = isNeeded ? (await load())(io, exit) : new Command(name);
      program.addCommand(command.summary(summary).helpGroup(heading));
    }
  }
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
