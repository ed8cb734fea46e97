/**
 * `eval "$(kiln env)"`: points aws CLI, SDKs and Terraform at Kiln. Starts nothing: without a running endpoint it prints
 * the default address and says how to start one.
 */
import { spawnSync } from "node:child_process";
import { Command } from "commander";
import { type CommandContext, commandContext } from "./command-context.ts";
import { DEFAULT_URL, findEndpoint } from "./endpoint-file.ts";
import { findOnPath } from "./find-on-path.ts";
import type { CliIo } from "./io.ts";
import { ownRootKey } from "./root-key.ts";
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

/** Variables for a client of the endpoint at `url`; `env` is this process's. */
export function clientVariables(url: string, region = "us-east-1", env: CliIo["env"] = {}): Record<string, string> {
  const { accessKeyId, secretAccessKey } = ownRootKey(env) ?? { accessKeyId: "test", secretAccessKey: "test" };
  return {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_DEFAULT_REGION: region,
    AWS_REGION: region,
  };
}

function printEnv(context: CommandContext, values: { readonly shell?: Shell; readonly unset?: boolean }): number {
  const running = findEndpoint(context.settings.stateDir);
  const variables = clientVariables(
    running?.url ?? DEFAULT_URL,
    context.settings.region ?? running?.region,
    context.io.env,
  );
  if (context.settings.output === "json") {
    context.printJson(
      values.unset ? { unset: [...Object.keys(variables), ...UNSET] } : { set: variables, unset: UNSET },
    );
    return 0;
  }
  const shell = values.shell ?? shellFrom(context.io.env["SHELL"]);
  const whyFunction = whyAwsFunction(context.io.env["PATH"]);
  const lines = values.unset
    ? [
        ...Object.keys(variables).map((name) => unsetLine(shell, name)),
        ...(whyFunction === undefined ? [] : [AWS_FUNCTION[shell].unset]),
      ]
    : [
        ...UNSET.map((name) => unsetLine(shell, name)),
        ...Object.entries(variables).map(([name, value]) => setLine(shell, name, value)),
        ...(whyFunction === undefined ? [] : [AWS_FUNCTION[shell].set]),
      ];
  context.print(lines.join("\n"));
  if (values.unset) return 0;
  if (!running) context.print("# no endpoint is running on this state folder: start one with `kiln start --detach`");
  context.print(
    "# aws CLI v1 fetches a --value that starts with https:// ; switch that off with `aws configure set cli_follow_urlparam false`",
  );
  if (whyFunction !== undefined) {
    context.print(`# ${whyFunction}, so \`aws\` is a function of this shell now; scripts need --endpoint-url`);
  }
  return 0;
}

interface ShellFunction {
  readonly set: string;
  readonly unset: string;
}

const POSIX_FUNCTION: ShellFunction = {
  set: `aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }`,
  unset: "unset -f aws",
};

/** `aws` with the endpoint given on its command line. */
const AWS_FUNCTION: Readonly<Record<Shell, ShellFunction>> = {
  sh: POSIX_FUNCTION,
  bash: POSIX_FUNCTION,
  zsh: POSIX_FUNCTION,
  fish: { set: "function aws; command aws --endpoint-url $AWS_ENDPOINT_URL $argv; end;", unset: "functions -e aws;" },
  powershell: {
    set: "function aws { & (Get-Command aws -CommandType Application)[0] --endpoint-url $Env:AWS_ENDPOINT_URL @args }",
    unset: "Remove-Item -ErrorAction SilentlyContinue Function:aws",
  },
};

const VERSION_MS = 30_000;

/**
 * Why the aws CLI on PATH must be told the endpoint on its command line: it is too old to read AWS_ENDPOINT_URL, as Debian 12's
 * is, or nobody knows. It would talk to AWS; a newer one takes the option as well.
 * Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html (1.29.0, 2.13.0)
 */
export function whyAwsFunction(path: string | undefined, timeoutMs = VERSION_MS): string | undefined {
  const aws = findOnPath("aws", path);
  if (aws === undefined) return undefined;
  const { stdout, stderr, error } = spawnSync(aws, ["--version"], {
    encoding: "utf8",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ETIMEDOUT") {
    return `\`aws --version\` did not answer in ${timeoutMs / 1000} s, and this aws CLI may not know AWS_ENDPOINT_URL`;
  }
  const found = /aws-cli\/((\d+)\.(\d+)\S*)/.exec(`${stdout}${stderr}`);
  if (!found) return undefined;
  const [, version, major, minor] = found;
  const isOld = Number(minor) < (major === "1" ? 29 : 13);
  return isOld ? `aws CLI ${version} does not know AWS_ENDPOINT_URL` : undefined;
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
