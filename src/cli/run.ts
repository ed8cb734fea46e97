/**
 * `kiln run`: one build of the project here, through CreateProject/UpdateProject and StartBuild, watched until it
 * ends. The exit code is the build's. Nothing of a build happens in this file: it asks the API and prints events.
 */
import { Command } from "commander";
import type { KilnOptions } from "../app.ts";
import { usageError } from "../core/errors.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { parseAssignment, parseVariable, readEnvFile } from "./env-file.ts";
import type { CliIo } from "./io.ts";
import { DEFAULT_TIMEOUT_MINUTES } from "./project/default-project.ts";
import { sourceDir } from "./project/project-files.ts";
import { requireGit } from "./require-git.ts";
import { withRunParameters } from "./run/run-parameters.ts";
import { prepareProject } from "./run/run-project.ts";
import { refuseWhatIsNotDone } from "./run/run-refusals.ts";
import { type RunValues, sourceVersion } from "./run/run-values.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { withSignals } from "./signals.ts";
import { watchBatch } from "./watch-batch.ts";
import { watchBuild } from "./watch-build.ts";

export function runCommand(io: CliIo, exit: (code: number) => void): Command {
  const collect = (value: string, earlier: readonly string[] = []) => [...earlier, value];
  const command = new Command("run")
    .description("run one build of the project here; the exit code is the build's")
    .argument("[dir]", "source folder", ".")
    .addOption(option("-b, --buildspec <file>", "buildspec in the source (default: buildspec.yml)"))
    .addOption(option("--project <name>", "a project made with CreateProject, with its role"))
    .addOption(option("--template <file>", "a CreateProject input as JSON"))
    .addOption(option("--role <name>", "service role that decides what the build may do"))
    .addOption(option("-e, --env <name=value>", "variable of this build (repeatable)").argParser(collect))
    .addOption(option("--env-file <file>", "variables of this build from a .env file (repeatable)").argParser(collect))
    .addOption(option("-p, --parameter <name=value>", "parameter for this run (repeatable)").argParser(collect))
    .addOption(
      option("--engine <engine>", "where commands run").choices(["auto", "host", "sandbox", "docker", "podman"]),
    )
    .addOption(option("--image <image>", "image of the build environment"))
    .addOption(
      option("-P <image=other>", "an image that stands for another in this run (repeatable)").argParser(collect),
    )
    .addOption(option("--source <what>", "worktree, head or a git revision (default: worktree)"))
    .addOption(option("--as-pipeline", "source as CodePipeline gives it: without .git"))
    .addOption(option("--timeout <minutes>", "5 to 2160 (default: 60)").argParser(minutes))
    .addOption(option("--strict", "as AWS does: no `ssm:/name`, no variables under a phase"))
    .addOption(option("--privileged", "privileged mode on: the build gets docker"))
    .addOption(option("--no-privileged", "privileged mode off"))
    .addOption(option("--format <format>", "kiln, or aws for CodeBuild's own log lines").choices(["kiln", "aws"]))
    .addOption(option("--batch", "run the buildspec's batch: its builds, side by side"))
    .addOption(option("-j, --jobs <n>", "with --batch: builds at the same time").argParser(jobs))
    .addOption(option("--fail-on-leak", "exit code 1 when a secret of the build is in what it left behind"))
    .addOption(option("--push-for-real", "let docker push reach the real registries"))
    .addOption(option("--pull-for-real", "let FROM and docker pull ask the real registries for what is not here"));
  for (const flag of ["--watch", "--phase <name>", "--from <phase>", "--shell-on-failure", "--keep"]) {
    command.addOption(option(flag, "not yet").helpGroup("Not yet:"));
  }
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln run --role CodeBuildServiceRole -e STAGE=test");
  return command.action(async (dir: string, values: RunValues) => {
    exit(await run(commandContext(io, settingsOf(values, io, sourceDir(dir, io.cwd))), dir, values));
  });
}

function imageMapOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text) => parseAssignment(text, "-P"));
  const empty = pairs.find(({ value }) => value === "");
  if (empty) throw usageError(`-P expects IMAGE=OTHER, not \`${empty.name}=\``);
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

function jobs(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value;
  throw usageError(`--jobs expects a number of builds from 1 to 1000, not \`${text}\``);
}

function minutes(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 5 && value <= 2160) return value;
  throw usageError(`--timeout expects minutes from 5 to 2160, not \`${text}\``);
}

/** Runs one build; answers the exit code. */
export async function run(context: CommandContext, dirArgument: string, values: RunValues): Promise<number> {
  refuseWhatIsNotDone(values);
  const { io } = context;
  const dir = sourceDir(dirArgument, io.cwd);
  if (sourceVersion(values).sourceVersion !== undefined) {
    const instead = "or leave --source away: the files are taken as they are";
    requireGit(io.env["PATH"] ?? process.env["PATH"], `\`--source ${values.source}\` names a commit`, instead);
  }
  const variables = [
    ...(values.envFile ?? []).flatMap((file) => readEnvFile(file, io.cwd)),
    ...(values.env ?? []).map((text) => parseVariable(text)),
  ];
  const parameters = (values.parameter ?? []).map((text) => parseAssignment(text, "--parameter"));
  const options: KilnOptions = {
    ...(values.strict ? { strict: true } : {}),
    ...(values.pushForReal ? { pushForReal: true } : {}),
    ...(values.P === undefined ? {} : { imageMap: imageMapOf(values.P) }),
    ...(values.pullForReal ? { pullForReal: true } : {}),
    ...(values.engine === undefined ? {} : { engine: values.engine as NonNullable<KilnOptions["engine"]> }),
    ...(values.jobs === undefined ? {} : { parallelBuilds: values.jobs }),
  };
  if (values.jobs !== undefined && !values.batch)
    throw usageError("`--jobs` goes with `--batch`: one build is one job");
  let leaks = 0;
  const onLeaks = (count: number): void => {
    leaks += count;
  };
  const code = await withSignals((interruption) =>
    withKiln(
      context,
      async (kiln) => {
        return withRunParameters(context, kiln, parameters, values.timeout ?? DEFAULT_TIMEOUT_MINUTES, async () => {
          const startBuild = await prepareProject(context, kiln, dir, values, variables);
          const format = values.format === "aws" ? "aws" : "kiln";
          if (values.batch) {
            const { buildBatch } = await kiln.root.call<{ buildBatch?: { id?: string } }>(
              "codebuild",
              "StartBuildBatch",
              batchInput(startBuild),
            );
            return watchBatch(context, kiln, buildBatch?.id ?? "", format, interruption, undefined, onLeaks);
          }
          const started = await kiln.root.call<{ build?: { id?: string } }>("codebuild", "StartBuild", startBuild);
          return watchBuild(context, kiln, started.build?.id ?? "", format, interruption, onLeaks);
        });
      },
      options,
    ),
  );
  return code === 0 && leaks > 0 && values.failOnLeak === true ? 1 : code;
}

/** StartBuild's input as StartBuildBatch wants it. */
function batchInput({ timeoutInMinutesOverride, ...input }: Record<string, unknown>): Record<string, unknown> {
  if (timeoutInMinutesOverride === undefined) return input;
  return { ...input, buildTimeoutInMinutesOverride: timeoutInMinutesOverride };
}
