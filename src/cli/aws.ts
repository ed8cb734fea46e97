/**
 * `kiln aws …`: the aws CLI found on PATH, pointed at Kiln by --endpoint-url (so that versions before AWS_ENDPOINT_URL
 * work too). Uses the running endpoint, else serves one in this process for the time of the command.
 */
import { spawn } from "node:child_process";
import { Command } from "commander";
import { KilnError } from "../core/errors.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { findEndpoint } from "./endpoint-file.ts";
import { clientVariables } from "./env.ts";
import { findOnPath } from "./find-on-path.ts";
import type { CliIo } from "./io.ts";
import { settingsOf } from "./settings.ts";
import { withSignals } from "./signals.ts";

export function awsCommand(io: CliIo, exit: (code: number) => void): Command {
  return new Command("aws")
    .description("run the aws CLI, pointed at Kiln")
    .argument("[arguments...]", "what follows is the aws CLI's")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText("after", "\nExample:\n  kiln aws ssm describe-parameters")
    .action(async (args: string[]) => {
      const region = io.env["KILN_REGION"];
      const stateDir = io.env["KILN_STATE_DIR"];
      const values = { ...(region === undefined ? {} : { region }), ...(stateDir === undefined ? {} : { stateDir }) };
      exit(await runAws(commandContext(io, settingsOf(values, io)), args));
    });
}

async function runAws(context: CommandContext, args: readonly string[]): Promise<number> {
  const { env } = context.io;
  const aws = findOnPath("aws", env["PATH"]);
  if (aws === undefined) {
    throw new KilnError({
      code: "KILN_E_NO_AWS_CLI",
      message: "there is no `aws` on PATH",
      why: "`kiln aws` runs the aws CLI that is installed",
      fix: [
        "install it: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
        "or use `kiln params`, `kiln builds`, `kiln run`, which do not need it",
      ],
      exitCode: 4,
    });
  }
  const running = findEndpoint(context.settings.stateDir);
  if (running) return spawnAws(aws, args, running.url, context);
  return withKiln(context, (kiln) => spawnAws(aws, args, kiln.url, context));
}

function spawnAws(aws: string, args: readonly string[], url: string, context: CommandContext): Promise<number> {
  const { AWS_PROFILE: _, AWS_SESSION_TOKEN: __, ...env } = context.io.env;
  const region = context.settings.region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"];
  const variables = clientVariables(url, region, env);
  return withSignals(
    () =>
      new Promise((resolve, reject) => {
        // The terminal sends Ctrl-C to the whole group, so the child ends by itself and this process waits for it.
        const child = spawn(aws, ["--endpoint-url", url, ...args], { stdio: "inherit", env: { ...env, ...variables } });
        child.on("error", reject);
        child.on("exit", (code, signal) => resolve(signal === "SIGINT" ? 130 : (code ?? 1)));
      }),
  );
}
