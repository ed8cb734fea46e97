/** Logins to Amazon ECR: the aws command that asks for the password, and the pipe that is right. */
import { optionText } from "../commands/option-text.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

/** `get-login`, `get-login-password`, … of `aws ecr` and `aws ecr-public`, with global options anywhere. */
export function ecrOperation(command: ShellCommand): string | undefined {
  if (command.name !== "aws") return undefined;
  const words = command.args.map(({ text }) => text);
  const at = words.findIndex((word) => word === "ecr" || word === "ecr-public");
  return at === -1 ? undefined : words[at + 1];
}

/** The region a command names with `--region`, as written. */
export const regionOf = (command: ShellCommand): string | undefined => optionText(command, "--region");

/** The pipe that logs in to what the command is about; the account is looked up when it is not named. */
export function ecrLogin(command: ShellCommand): string {
  const region = regionOf(command);
  const ids = optionText(command, "--registry-ids");
  const account = ids ?? "$(aws sts get-caller-identity --query Account --output text)";
  const flag = region === undefined ? "" : ` --region ${region}`;
  const host = `${account}.dkr.ecr.${region ?? "$AWS_DEFAULT_REGION"}.amazonaws.com`;
  return `aws ecr get-login-password${flag} | docker login --username AWS --password-stdin ${host}`;
}
