/** `kiln` without a command: in a folder with a buildspec check and run; elsewhere the next commands. */
import { Command } from "commander";
import { checkPaths } from "./check.ts";
import { commandContext } from "./command-context.ts";
import { HERE } from "./command-first.ts";
import type { CliIo } from "./io.ts";
import { hasBuildspec } from "./project-files.ts";
import { run } from "./run.ts";
import { addCommonOptions, settingsOf } from "./settings.ts";

export function bareCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = addCommonOptions(new Command(HERE));
  return command.action(async (values: object) => exit(await bareKiln(io, values)));
}

async function bareKiln(io: CliIo, values: object): Promise<number> {
  const context = commandContext(io, settingsOf(values, io));
  if (!hasBuildspec(io.cwd)) {
    context.print(NEXT);
    return 0;
  }
  const checked = await checkPaths(context, ["."], { output: context.settings.output });
  if (checked !== 0) {
    context.note(
      "not run, because of the errors above: `kiln check --fix` repairs what is safe, `kiln run` runs it as it is",
    );
    return checked;
  }
  return run(context, ".", {});
}

const NEXT = `Kiln runs, checks and explains AWS CodeBuild builds on your own machine.
There is no buildspec.yml here. Next:

  kiln run DIR            run the build of a folder that has a buildspec.yml
  kiln start --detach     start the AWS endpoint, then: eval "$(kiln env)"
  kiln help               all commands`;
