/** `kiln` without a command: in a folder with a buildspec check and run; elsewhere the next commands. */
import { Command } from "commander";
import { checkPaths } from "./check.ts";
import { commandContext } from "./command-context.ts";
import { HERE } from "./command-first.ts";
import type { CliIo } from "./io.ts";
import { hasBuildspec } from "./project/project-files.ts";
import { run } from "./run.ts";
import { addCommonOptions, settingsOf } from "./settings.ts";

export function bareCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = addCommonOptions(new Command(HERE));
  return command.action(async (values: object) => exit(await bareKiln(io, values)));
}

async function bareKiln(io: CliIo, values: object): Promise<number> {
  const context = commandContext(io, settingsOf(values, io));
  if (!hasBuildspec(io.cwd)) {
    if (context.settings.output === "json") context.printJson({ buildspec: null, next: NEXT_COMMANDS });
    else context.print(next());
    return 0;
  }
  // On a terminal `run` asks for what is missing, so that alone does not keep it from running.
  const tolerated = context.settings.isInteractive ? ["ssm/parameter-not-found"] : [];
  const checked = await checkPaths(context, ["."], { output: context.settings.output }, tolerated);
  if (checked !== 0) {
    context.note(
      "not run, because of the errors above: `kiln check --fix` repairs what is safe, `kiln run` runs it as it is",
    );
    return checked;
  }
  return run(context, ".", {});
}

const NEXT_COMMANDS = [
  { command: "kiln run DIR", does: "run the build of a folder that has a buildspec.yml" },
  { command: "kiln start --detach", does: 'start the AWS endpoint, then: eval "$(kiln env)"' },
  { command: "kiln help", does: "all commands" },
];

const next = (): string =>
  [
    "Kiln runs, checks and explains AWS CodeBuild builds on your own machine.",
    "There is no buildspec.yml here. Next:",
    "",
    ...NEXT_COMMANDS.map(({ command, does }) => `  ${command.padEnd(22)}${does}`),
  ].join("\n");
