/**
 * The registry refused the login: wrong user name or password, with the parameter, its version, when it changed and
 * whether an earlier version was accepted; or docker login was given nothing.
 */
import type { BuildFacts, ParameterFacts } from "../build-facts.ts";
import {
  bareParameterName,
  type ParameterUse,
  parameterUses,
  placeOfCommand,
  variablesIn,
} from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import type { FailedCommand } from "../failures.ts";
import { findLine, utc } from "./finding-parts.ts";

const REFUSED =
  /unauthorized: incorrect username or password|login attempt to \S+ failed with status: 40[01]|incorrect username or password|401 Unauthorized/;

export const dockerWrongPassword: Cause = {
  id: "docker/login-refused",
  sources: ["https://docs.docker.com/reference/cli/docker/login/"],
  match(failure, facts): Finding | undefined {
    const { command } = failure;
    const line = findLine(failure.output, REFUSED);
    if (line === undefined || !command || !/\blogin\b/.test(command.text)) return undefined;
    const place = placeOfCommand(facts, command);
    const credential = passwordVariable(command);
    const use = credential === undefined ? undefined : parameterUses(facts).find((u) => u.variableName === credential);
    if (!use) {
      return {
        cause:
          credential === undefined
            ? "the registry refused the user name or the password"
            : `the registry refused the user name or the password in \`${credential}\``,
        ...place,
        evidence: [line],
        next: /\.dkr[.-]ecr/.test(line)
          ? "ECR's user is `AWS`, the password what `aws ecr get-login-password` prints; it is good for 12 hours"
          : `check the user name and the password where the build takes them from; ${KEPT_ACCOUNT}`,
        confidence: "likely",
      };
    }
    const parameter = findParameter(facts, use);
    const name = parameter?.name ?? use.parameterName;
    return {
      cause: `the registry refused the password: \`${use.variableName}\` is the parameter \`${name}\`${version(parameter)}`,
      ...place,
      evidence: [line, ...parameterEvidence(parameter, facts)],
      why: whyRefused(parameter, facts, use),
      fix: {
        kind: "command",
        title: "store the right password (in Docker Hub: an access token)",
        commands: [
          `aws ssm put-parameter --name "${name}" --value "PASSWORD" --type "${parameter?.type ?? "SecureString"}" --overwrite`,
        ],
      },
      ...userNext(facts, command, credential),
      confidence: "certain",
    };
  },
};

export const dockerInteractiveLogin: Cause = {
  id: "docker/login-without-password",
  sources: ["https://docs.docker.com/reference/cli/docker/login/#password-stdin"],
  match(failure, facts): Finding | undefined {
    const line = findLine(
      failure.output,
      /Cannot perform an interactive login from a non TTY device|password is empty|Must provide --username with --password-stdin/,
    );
    if (line === undefined || !failure.command) return undefined;
    const credential = passwordVariable(failure.command);
    const cause = credential === undefined ? beforeThePipe(failure.output, line) : undefined;
    if (cause) {
      return {
        cause: `\`docker login\` was given no password, because the command before the pipe failed: ${cause}`,
        ...placeOfCommand(facts, failure.command),
        evidence: [cause, line],
        why: "a pipe hides the status of what stands before it; docker then gets an empty password",
        next: "repair that first; `env.shell: bash` and `set -o pipefail` let the build stop there",
        consequences: [`\`${line}\` follows`],
        confidence: "certain",
      };
    }
    return {
      cause:
        credential === undefined
          ? "`docker login` was given no password: what stands before the pipe printed nothing"
          : `\`docker login\` was given no password: \`${credential}\` is empty`,
      ...placeOfCommand(facts, failure.command),
      evidence: [line],
      why: "docker asks for a password on the terminal when it gets none, and a build has no terminal",
      next:
        credential === undefined
          ? "run the command before the pipe on its own: its error is the cause"
          : `set \`${credential}\` under \`env.parameter-store\` of the buildspec`,
      confidence: "likely",
    };
  },
};

/** The error that the command before the pipe printed: the first line above docker's that looks like one. */
function beforeThePipe(output: readonly string[], line: string): string | undefined {
  const at = output.findIndex((text) => text.trim() === line);
  return output
    .slice(0, at)
    .find((text) =>
      /\b(?:error|exception|denied|not found|unable|failed|unrecognized|must specify|expected one argument)\b/i.test(
        text,
      ),
    )
    ?.trim();
}

/** The variable that holds the password: before the pipe of --password-stdin, or after -p / --password. */
function passwordVariable({ text }: FailedCommand): string | undefined {
  const option = /(?:--password[= ]|-p\s*)["']?\$\{?([A-Za-z_][A-Za-z0-9_]*)/.exec(text)?.[1];
  if (option !== undefined) return option;
  const piped = /(?:echo|printf)\b([^|]*)\|\s*docker\s+login/.exec(text)?.[1] ?? /<<<\s*(\S+)/.exec(text)?.[1];
  return piped === undefined ? undefined : variablesIn(piped).at(-1);
}

const findParameter = (facts: BuildFacts, use: ParameterUse): ParameterFacts | undefined =>
  facts.parameters.find((parameter) => parameter.name === use.parameterName) ??
  facts.parameters.find((parameter) => bareParameterName(parameter.name) === bareParameterName(use.parameterName));

const version = (parameter: ParameterFacts | undefined): string => (parameter ? `, version ${parameter.version}` : "");

const parameterEvidence = (parameter: ParameterFacts | undefined, facts: BuildFacts): string[] => {
  if (!parameter) return [];
  const changed = `parameter \`${parameter.name}\`: version ${parameter.version}, changed ${utc(parameter.lastModifiedMs)}`;
  const accepted = acceptedVersion(parameter, facts);
  if (accepted === undefined || accepted.version === parameter.version) return [changed];
  return [changed, `version ${accepted.version} was accepted in the build ${accepted.buildId}`];
};

/** The version that was current when the newest successful build of this project started. */
function acceptedVersion(
  parameter: ParameterFacts,
  { lastSuccess }: BuildFacts,
): { version: number; buildId: string } | undefined {
  if (!lastSuccess) return undefined;
  const current = { version: parameter.version, lastModifiedMs: parameter.lastModifiedMs };
  const then = [...(parameter.history ?? []), current].filter((entry) => entry.lastModifiedMs <= lastSuccess.startMs);
  const found = then.toSorted((a, b) => a.version - b.version).at(-1);
  return found && { version: found.version, buildId: lastSuccess.buildId };
}

function whyRefused(parameter: ParameterFacts | undefined, facts: BuildFacts, use: ParameterUse): string {
  const accepted = parameter && acceptedVersion(parameter, facts);
  if (parameter && accepted && accepted.version < parameter.version) {
    return `the password was changed after version ${accepted.version} had been accepted`;
  }
  return `\`${use.variableName}\` was read from Parameter Store without an error, so the value itself is wrong, or does not belong to the user name`;
}

/** Whoever changes a password is refused until this is known. */
const KEPT_ACCOUNT =
  "Kiln cannot ask the real registry: a host's first login here declares its account, `kiln registry accounts ls` lists them, `rm` removes one";

function userNext(facts: BuildFacts, command: FailedCommand, password: string | undefined): { next: string } {
  const user = /(?:--username[= ]|-u\s*)["']?\$\{?([A-Za-z_][A-Za-z0-9_]*)/.exec(command.text)?.[1];
  const use = user === password ? undefined : parameterUses(facts).find((u) => u.variableName === user);
  if (!use) return { next: KEPT_ACCOUNT };
  return {
    next: `if the password is right, check the user name: \`${user}\` is the parameter \`${use.parameterName}\`; ${KEPT_ACCOUNT}`,
  };
}

export const ecrGetLoginRemoved: Cause = {
  id: "docker/get-login-removed",
  sources: [
    "https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html#cliv2-migration-ecr-get-login",
  ],
  match(failure, facts): Finding | undefined {
    const { command } = failure;
    // Where only the beginning of what the CLI says was kept: its usage.
    const line =
      findLine(failure.output, /argument operation: Invalid choice/) ??
      findLine(failure.output, /^usage: aws \[options\] <command>/);
    if (line === undefined || !command || !/\becr\s+get-login(?!-)/.test(command.text)) return undefined;
    const region = /--region[= ]([^\s)"'`]+)/.exec(command.text)?.[1] ?? "$AWS_DEFAULT_REGION";
    return {
      cause: "`aws ecr get-login` does not exist in the aws CLI 2",
      ...placeOfCommand(facts, command),
      evidence: [line],
      fix: {
        kind: "command",
        title: "use get-login-password",
        commands: [
          `aws ecr get-login-password --region ${region} | docker login --username AWS --password-stdin $AWS_ACCOUNT_ID.dkr.ecr.${region}.amazonaws.com`,
        ],
      },
      next: "CodeBuild does not set `AWS_ACCOUNT_ID`: set it under `env.variables` if the project does not",
      confidence: "certain",
    };
  },
};
