/** A push without a login, without a local image, or (ECR) without permission or repository (P05, R20, R21, R22). */

import { parseArn } from "../../core/arn.ts";
import type { BuildFacts } from "../build-facts.ts";
import { type editInCommand, parameterUses, placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { decisionEvidence, findDenial, policyFix, type Statement, serviceRoleName } from "../denial.ts";
import type { FailedCommand } from "../failures.ts";
import { remedy } from "../remedy.ts";
import { findLine } from "./finding-parts.ts";

const PUSH_ACTIONS = [
  "ecr:BatchCheckLayerAvailability",
  "ecr:CompleteLayerUpload",
  "ecr:InitiateLayerUpload",
  "ecr:PutImage",
  "ecr:UploadLayerPart",
];
/** AWS: a push by a creation template, or a pull through the cache, makes the repository or brings the image. */
const MAKING_ACTIONS = ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"];
const PULL_ACTIONS = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

export const ecrDenied: Cause = {
  id: "iam/ecr-denied",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html"],
  match(failure, facts): Finding | undefined {
    const text = failure.output.find((line) => findDenial(line)?.action.startsWith("ecr:"));
    const denial = text === undefined ? undefined : findDenial(text);
    if (text === undefined || !denial) return undefined;
    // A call of the aws CLI that is no part of a push or pull needs that one action: call-denied.ts.
    if (text.includes("when calling the ") && denial.action !== "ecr:GetAuthorizationToken") return undefined;
    const role = serviceRoleName(facts, denial);
    const interactive = findLine(failure.output, /Cannot perform an interactive login/);
    const remedied = remedy(
      facts,
      denial,
      policyFix(
        "allow what `docker login` and this push or pull need, and nothing else",
        role,
        "kiln-use-ecr",
        ecrStatements(denial.action, denial.resource, isPush(failure.command?.text)),
      ),
    );
    const [own, other] = [denial.principalArn, denial.resource].map((arn) => parseArn(arn)?.accountId);
    const trial =
      denial.policyType === "resource" && other && own !== other
        ? { next: `${remedied.next}; to try the build as account ${other}: \`kiln run --account ${other}\`` }
        : {};
    return {
      cause: `the service role \`${role}\` may not call \`${denial.action}\` on \`${denial.resource}\``,
      ...placeOfCommand(facts, failure.command),
      evidence: [text.trim(), ...decisionEvidence(facts.decisions, denial)],
      ...remedied,
      ...trial,
      ...(interactive === undefined
        ? {}
        : { consequences: [`\`${interactive}\` follows: the command before the pipe printed no password`] }),
      confidence: "certain",
    };
  },
};

const isOfPush = (action: string): boolean =>
  PUSH_ACTIONS.includes(action) && action !== "ecr:BatchCheckLayerAvailability";

const isPush = (command: string | undefined): boolean => /docker\s+(?:image\s+)?push|--push\b/.test(command ?? "");

function ecrStatements(action: string, resource: string, isPushCommand: boolean): Statement[] {
  // AWS: GetAuthorizationToken has no resource type; it is allowed on `*` only.
  const login: Statement = {
    Sid: "LogInToEcr",
    Effect: "Allow",
    Action: ["ecr:GetAuthorizationToken"],
    Resource: ["*"],
  };
  if (action === "ecr:GetAuthorizationToken") return [login];
  const [needed, Sid] = isPushCommand || isOfPush(action) ? [PUSH_ACTIONS, "PushImage"] : [PULL_ACTIONS, "PullImage"];
  const isTransfer = isPushCommand || [...PUSH_ACTIONS, ...PULL_ACTIONS, ...MAKING_ACTIONS].includes(action);
  const actions = isTransfer ? [...new Set([...needed, action])].sort() : [action];
  return [login, { Sid, Effect: "Allow", Action: actions, Resource: [resource] }];
}

export const dockerPushWithoutLogin: Cause = {
  id: "docker/push-without-login",
  sources: [
    "https://docs.docker.com/reference/cli/docker/login/",
    "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html",
  ],
  match(failure, facts): Finding | undefined {
    const line = findLine(
      failure.output,
      /denied: requested access to the resource is denied|no basic auth credentials|unauthorized: authentication required/,
    );
    if (line === undefined || !failure.command || !/docker\s+(?:image\s+)?push/.test(failure.command.text))
      return undefined;
    const place = placeOfCommand(facts, failure.command);
    const hasLogin = facts.buildspec?.phases.some((phase) =>
      phase.commands.some((command) => /docker\s+login|get-login/.test(command.value)),
    );
    if (hasLogin) {
      return {
        cause: line.includes("no basic auth")
          ? "docker has no credentials for the registry of this image: the login was for another host"
          : "the registry refused the push: the account that is logged in may not write to this repository",
        ...place,
        evidence: [line],
        next: line.includes("no basic auth")
          ? "log in to exactly the host (and port) that the image name starts with"
          : "the repository's namespace must be the account that logs in, and a token needs the right to write",
        confidence: "likely",
      };
    }
    // Without the buildspec a login may stand in a command before the log begins.
    const sees = facts.build.phases?.some(({ phaseType }) => phaseType === "DOWNLOAD_SOURCE");
    const logsIn = facts.events.some((event) => event.type === "log" && /^\s*Login Succeeded\b/.test(event.text));
    if (!facts.buildspec && (logsIn || !sees)) {
      return {
        cause:
          "the registry refused the push: nobody is logged in there, or the account may not write to this repository",
        ...place,
        evidence: [line],
        next: "log in to exactly the host that the image name starts with, before the push; on Docker Hub the name must begin with the account's own (`USER/NAME`), without `https://` or a host",
        confidence: "likely",
      };
    }
    const login = loginCommand(facts);
    const push = failure.command.text;
    const edit = login === undefined ? undefined : insertBefore(facts, failure.command, login);
    return {
      cause: "`docker push` without `docker login`: the registry does not know who is pushing",
      ...place,
      evidence: [line, `the command: ${push.split("\n", 1)[0]}`],
      why: "parameters with a user name and a password are only variables; docker uses them after a `docker login`",
      ...(edit ? { fix: edit } : {}),
      ...(edit || login === undefined ? {} : { next: `add before the push: ${login}` }),
      ...(login === undefined
        ? { next: "log in before the push with `docker login --username USER --password-stdin REGISTRY`" }
        : {}),
      confidence: "certain",
    };
  },
};

/** The login line made from the build's own parameters. */
function loginCommand(facts: BuildFacts): string | undefined {
  const names = parameterUses(facts).map((use) => use.variableName);
  const user = names.find((name) => /USER/i.test(name));
  const password = names.find((name) => /PASS|TOKEN/i.test(name));
  const registry = names.find((name) => /REGISTRY|URL|HOST/i.test(name) && name !== user && name !== password);
  if (user === undefined || password === undefined) return undefined;
  const target = registry === undefined ? "" : ` "$${registry}"`;
  return `echo "$${password}" | docker login --username "$${user}" --password-stdin${target}`;
}

function insertBefore(facts: BuildFacts, command: NonNullable<Parameters<typeof editInCommand>[1]>, login: string) {
  const { buildspec } = facts;
  const located = buildspec?.phases
    .flatMap((phase) => phase.commands)
    .find((c) => c.value.trim() === command.text.trim());
  if (!buildspec || !located) return undefined;
  const lineStart = buildspec.text.lastIndexOf("\n", located.span.startOffset - 1) + 1;
  const dash = /^\s*- /.exec(buildspec.text.slice(lineStart, located.span.startOffset))?.[0];
  if (dash === undefined) return undefined;
  const edit = { file: buildspec.file, startOffset: lineStart, endOffset: lineStart, newText: `${dash}${login}\n` };
  return {
    kind: "edit" as const,
    title: "log in before the push, with the parameters the build already reads",
    edits: [edit],
  };
}

/** docker says that a build failed, whatever its caller made of it. */
const BUILD_FAILED =
  /^(?:#\d+ )?ERROR: failed to (?:build|solve)\b|^The command '.+' returned a non-zero code: \d+|^unable to prepare context|^(?:COPY|ADD) failed: |^failed to solve(?: with frontend [\w.]+)?: |^ERROR: Cannot connect to the Docker daemon|^pull access denied for |^Error response from daemon: (?:pull access denied|dockerfile parse error)|toomanyrequests: /;

/** `docker build` that failed inside a command with status 0 (R26). */
export function hiddenFailures({ events }: Pick<BuildFacts, "events">): HiddenFailure[] {
  const found: HiddenFailure[] = [];
  let line: string | undefined;
  for (const event of events) {
    if (event.type === "command-started") line = undefined;
    if (event.type === "log" && event.kind === "output" && BUILD_FAILED.test(event.text)) line ??= event.text.trim();
    if (event.type !== "command-finished") continue;
    const { command: text, line: at, exitStatus, workingDirectory } = event;
    // Who writes `|| …` has seen to it.
    const isMeant = /\|\|/.test(text) || !/\bdocker\b|\bbuild\b|\bmake\b|\.sh\b/.test(text);
    if (exitStatus === 0 && line !== undefined && !isMeant) {
      found.push({ line, command: { text, line: at, exitStatus, workingDirectory } });
    }
    line = undefined;
  }
  return found;
}

export interface HiddenFailure {
  readonly line: string;
  readonly command: FailedCommand;
}

export const imageNotLocal: Cause = {
  id: "docker/image-not-local",
  sources: ["https://docs.docker.com/reference/cli/docker/image/push/"],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, /An image does not exist locally with the tag|No such image: /);
    if (line === undefined) return undefined;
    const before = failure.output.slice(
      0,
      failure.output.findIndex((text) => text.trim() === line),
    );
    // In one script: why the image was not built stands above.
    if (before.some((text) => BUILD_FAILED.test(text))) return undefined;
    const hidden = hiddenFailures(facts).at(-1);
    if (hidden) {
      return {
        cause: `the image was never built: \`docker build\` failed in an earlier command, which ended with status 0 all the same`,
        ...placeOfCommand(facts, hidden.command),
        evidence: [hidden.line, line],
        why: "only the status of a command's last program counts; a failure before `;`, before a pipe or inside a script is lost",
        next: "put `set -e` on the first line of that command, or join its parts with `&&`; then repair what the first line of the evidence says",
        confidence: "certain",
      };
    }
    return {
      cause: "the image that is pushed or tagged was never built under this name",
      ...placeOfCommand(facts, failure.command),
      evidence: [line],
      why: "either `docker build` failed before, or it tagged another name than the one that is pushed",
      next: "use one variable for the name in `docker build -t` and `docker push`; in post_build check `$CODEBUILD_BUILD_SUCCEEDING` first",
      confidence: "likely",
    };
  },
};

export const repositoryMissing: Cause = {
  id: "ecr/repository-missing",
  sources: ["https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-create.html"],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, /name unknown: The repository with name '[^']+' does not exist/);
    const name = line === undefined ? undefined : /name '([^']+)'/.exec(line)?.[1];
    if (line === undefined || name === undefined) return undefined;
    return {
      cause: `the ECR repository \`${name}\` does not exist`,
      ...placeOfCommand(facts, failure.command),
      evidence: [line],
      fix: { kind: "command", title: "create it", commands: [createCommand(name, failure.output)] },
      confidence: "certain",
    };
  },
};

export const tagImmutable: Cause = {
  id: "ecr/tag-immutable",
  sources: ["https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html"],
  match(failure, facts): Finding | undefined {
    const line = findLine(
      failure.output,
      /tag invalid: The image tag '[^']+' already exists in the '[^']+' repository/,
    );
    const [, tag, name] = /tag '([^']+)' already exists in the '([^']+)'/.exec(line ?? "") ?? [];
    if (line === undefined) return undefined;
    return {
      cause: `the repository \`${name}\` has an image with the tag \`${tag}\`, and its tags are immutable`,
      ...placeOfCommand(facts, failure.command),
      evidence: [line],
      why: "an immutable tag is refused a second time even with the same image, so building the same version again fails, too",
      next: "give each build a tag of its own, e.g. `$(echo $CODEBUILD_RESOLVED_SOURCE_VERSION | cut -c 1-7)-$CODEBUILD_BUILD_NUMBER`",
      confidence: "certain",
    };
  },
};

/** The region is that of the registry which was pushed to; it need not be the build's. */
function createCommand(name: string, output: readonly string[]): string {
  const region = output
    .map((line) => /\b\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com/.exec(line)?.[1])
    .find((found) => found !== undefined);
  return `aws ecr create-repository --repository-name ${name}${region === undefined ? "" : ` --region ${region}`}`;
}
