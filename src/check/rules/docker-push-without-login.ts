/**
 * `docker push` that no `docker login` precedes: the registry answers `denied: requested access to the resource is
 * denied` (Docker Hub) or `no basic auth credentials` (ECR). Silent when a script before it may log in.
 */

import type { Fix } from "../../core/diagnostics.ts";
import { type DockerCommand, dockerCommands, imageWords } from "../docker-commands.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellWord } from "../shell-model.ts";

export const dockerPushWithoutLogin: Rule = {
  id: "docker/push-without-login",
  severity: "error",
  title: "docker push without a docker login before it",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html",
  *run(context) {
    const { commands } = context.shell;
    if (/\.docker\/config|DOCKER_CONFIG|DOCKER_AUTH_CONFIG|credHelpers|credsStore|ecr-login/.test(context.text)) return;
    for (const docker of dockerCommands(commands)) {
      if (docker.verb !== "push") continue;
      const before = commands.slice(0, commands.indexOf(docker.command));
      const hasLogin = before.some(
        (command) =>
          (command.args.some(({ text }) => text === "login") &&
            /^(docker|podman|buildah|skopeo|oras|crane|helm|az)$/.test(command.name ?? "")) ||
          (command.name === "aws" && command.args.some(({ text }) => text === "get-login")),
      );
      if (hasLogin || docker.command.followsUnknown) return;
      const [image] = imageWords(docker);
      if (!image || isLocal(image)) continue;
      yield finding(context, docker, image);
      return;
    }
  },
};

function finding(context: CheckContext, docker: DockerCommand, image: ShellWord): Finding {
  const isEcr = /\.dkr\.ecr\./.test(image.source) || image.pieces.some(({ text }) => text?.includes(".dkr.ecr."));
  const fix = isEcr ? ecrLogin(context, docker, image) : hubLogin(context, docker, image);
  return {
    message: "`docker push` without a `docker login` before it",
    span: docker.command.span,
    why: isEcr
      ? "the registry answers `no basic auth credentials`"
      : "the registry answers `denied: requested access to the resource is denied`",
    ...(fix && { fix }),
  };
}

const isLocal = (image: ShellWord): boolean => /^(localhost|127\.0\.0\.1)[:/]/.test(image.text ?? "");

/** `echo "$DOCKER_PASSWORD" | docker login …` when the buildspec's variables show which is which. */
function hubLogin(context: CheckContext, docker: DockerCommand, image: ShellWord): Fix | undefined {
  const names = [...context.shell.variables].filter(([, fact]) => fact.origin !== "plaintext").map(([name]) => name);
  const password = only(names.filter((name) => /(PASS(WORD|WD)?|TOKEN|PAT|SECRET)$/i.test(name)));
  const user = only(names.filter((name) => /(USER(NAME)?|LOGIN)$/i.test(name)));
  if (password === undefined || user === undefined) {
    return {
      kind: "command",
      title: "log in before it, with the password from Parameter Store",
      commands: [
        'echo "$DOCKER_PASSWORD" | docker login -u "$DOCKER_USERNAME" --password-stdin "$DOCKER_REGISTRY_URL"',
      ],
    };
  }
  const host = registryOf(image);
  const login = `echo "$${password}" | docker login -u "$${user}" --password-stdin${host === undefined ? "" : ` ${host}`}`;
  return insertBefore(context, docker, login, `add \`${login}\``);
}

/** The registry as a word of the login command: a variable in front of the first slash, or a literal host. */
function registryOf(image: ShellWord): string | undefined {
  const variable = /^"?\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?\//.exec(image.source)?.[1];
  if (variable !== undefined && /(REGISTRY|REPO(SITORY)?|HOST|URL|URI|SERVER)/i.test(variable)) return `"$${variable}"`;
  const literal = /^"?([a-z0-9.-]+\.[a-z0-9.-]+(?::[0-9]+)?|[a-z0-9-]+:[0-9]+)\//.exec(image.source)?.[1];
  return literal === "docker.io" || literal === undefined ? undefined : literal;
}

function ecrLogin(context: CheckContext, docker: DockerCommand, image: ShellWord): Fix {
  const host = image.source.replace(/^"|"$/g, "").split("/")[0] ?? "HOST";
  const region = /\.dkr\.ecr\.([^.]+)\.amazonaws/.exec(host)?.[1] ?? "$AWS_REGION";
  const login = `aws ecr get-login-password --region ${region} | docker login --username AWS --password-stdin ${host}`;
  return (
    insertBefore(context, docker, login, `add \`${login}\``) ?? {
      kind: "command",
      title: "log in before it",
      commands: [login],
    }
  );
}

/** A list item of its own in front of the command's, when the item is in block style. */
function insertBefore(context: CheckContext, docker: DockerCommand, command: string, title: string): Fix | undefined {
  const item = docker.command.within.span;
  const lineStart = context.text.lastIndexOf("\n", item.startOffset - 1) + 1;
  const lead = context.text.slice(lineStart, item.startOffset);
  if (!/^\s*-\s+$/.test(lead)) return undefined;
  const newline = context.text.includes("\r\n") ? "\r\n" : "\n";
  return {
    kind: "edit",
    title,
    edits: [
      { file: context.file, startOffset: lineStart, endOffset: lineStart, newText: `${lead}${command}${newline}` },
    ],
  };
}

const only = <T>(values: readonly T[]): T | undefined => (values.length === 1 ? values[0] : undefined);
