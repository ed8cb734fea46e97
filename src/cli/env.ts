/**
 * `eval "$(kiln env)"`: points aws CLI, SDKs and Terraform at Kiln. Starts nothing: without a running endpoint it prints
 * the default address and says how to start one.
 */
import { Command } from "commander";
import { type CommandContext, commandContext } from "./command-context.ts";
import { DEFAULT_URL, findEndpoint } from "./endpoint-file.ts";
import type { CliIo } from "./io.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";

export const SHELLS = ["sh", "bash", "zsh", "fish", "powershell"] as const;
export type Shell = (typeof SHELLS)[number];

const UNSET = ["AWS_PROFILE", "AWS_SESSION_TOKEN"] as const;

export function envCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("env")
    .description("print the variables that point aws CLI, SDKs and Terraform at Kiln")
    .addOption(option("--shell <shell>", "syntax (default: from $SHELL)").choices([...SHELLS]))
    .addOption(option("--unset", "print how to take them back"));
  addCommonOptions(command);
  command.addHelpText("after", '\nExample:\n  eval "$(kiln env)"');
  return command.action(async (values: { shell?: Shell; unset?: boolean }) => {
    exit(printEnv(commandContext(io, settingsOf(values, io)), values));
  });
}

/** Variables for a client of the endpoint at `url`. */
export const clientVariables = (url: string, region: string | undefined): Record<string, string> => ({
  AWS_ENDPOINT_URL: url,
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_DEFAULT_REGION: region ?? "us-east-1",
  AWS_REGION: region ?? "us-east-1",
});

function printEnv(context: CommandContext, values: { readonly shell?: Shell; readonly unset?: boolean }): number {
  const running = findEndpoint(context.settings.stateDir);
  const variables = clientVariables(running?.url ?? DEFAULT_URL, context.settings.region ?? running?.region);
  if (context.settings.output === "json") {
    context.printJson(
      values.unset ? { unset: [...Object.keys(variables), ...UNSET] } : { set: variables, unset: UNSET },
    );
    return 0;
  }
  const shell = values.shell ?? shellFrom(context.io.env["SHELL"]);
  const lines = values.unset
    ? Object.keys(variables).map((name) => unsetLine(shell, name))
    : [
        ...UNSET.map((name) => unsetLine(shell, name)),
        ...Object.entries(variables).map(([name, value]) => setLine(shell, name, value)),
      ];
  context.print(lines.join("\n"));
  if (values.unset) return 0;
  if (!running) context.print("# no endpoint is running on this state folder: start one with `kiln start --detach`");
  context.print(
    "# aws CLI v1 fetches a --value that starts with https:// ; switch that off with `aws configure set cli_follow_urlparam false`",
  );
  context.print("# aws CLI before 1.29 and 2.13 does not know AWS_ENDPOINT_URL: use `kiln aws …`, or --endpoint-url");
  return 0;
}

/** `sh` fits every shell that is not named. */
export const shellFrom = (path: string | undefined): Shell => {
  const name = path
    ?.split(/[\\/]/)
    .at(-1)
    ?.replace(/\.exe$/, "");
  if (name === "pwsh") return "powershell";
  return SHELLS.find((shell) => shell === name) ?? "sh";
};

export function setLine(shell: Shell, name: string, value: string): string {
  if (shell === "fish") return `set -gx ${name} '${value}';`;
  if (shell === "powershell") return `$Env:${name} = '${value}'`;
  return `export ${name}='${value}'`;
}

export function unsetLine(shell: Shell, name: string): string {
  if (shell === "fish") return `set -e ${name};`;
  if (shell === "powershell") return `Remove-Item -ErrorAction SilentlyContinue Env:${name}`;
  return `unset ${name}`;
}
