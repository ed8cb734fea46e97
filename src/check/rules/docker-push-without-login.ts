/**
 * `docker push` that no `docker login` precedes, or only one to another registry: the registry answers `denied: requested
 * access to the resource is denied` (Docker Hub) or `no basic auth credentials` (ECR). Silent when something before it
 * that is not seen may log in.
 */

import { curatedImage } from "../../build/plan/curated-images.ts";
import type { Fix } from "../../core/diagnostics.ts";
import { isUnseen } from "../commands/unseen-work.ts";
import { type DockerCommand, dockerCommand, dockerOptions, imageWords } from "../docker/docker-commands.ts";
import { imageReference, registryKind } from "../docker/image-references.ts";
import { keepsCredentials, loginIn, type RegistryLogin } from "../docker/registry-logins.ts";
import { insertItemBefore } from "../edits/whole-item.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellWord } from "../shell/shell-model.ts";

export const dockerPushWithoutLogin: Rule = {
  id: "docker/push-without-login",
  severity: "error",
  title: "docker push without a docker login before it",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html",
  *run(context) {
    if (keepsCredentials(context)) return;
    const logins: RegistryLogin[] = [];
    const reported = new Set<string>();
    for (const command of context.shell.everyCommand) {
      const login = loginIn(command);
      if (login) logins.push(login);
      // Whatever it does may include a login.
      else if (isUnseen(command)) return;
      const docker = dockerCommand(command);
      const image = docker && pushedImage(docker);
      if (!docker || !image || isLocal(image)) continue;
      const { host } = imageReference(withoutScheme(image.symbol));
      if (logins.length === 0) {
        yield missing(context, docker, image, laterLogin(context, docker));
        return;
      }
      const kind = registryKind(host);
      const others = logins.map((each) => registryKind(each.host));
      const isElsewhere = kind !== undefined && others.every((other) => other !== undefined && other !== kind);
      if (!isElsewhere || host === undefined || reported.has(host)) continue;
      reported.add(host);
      yield elsewhere(docker, image, host, logins[0]);
    }
  },
};

/** What a command sends to a registry: `push`, and `buildx build --push`. */
function pushedImage(docker: DockerCommand): ShellWord | undefined {
  if (docker.verb === "push") return imageWords(docker)[0];
  return docker.verb === "build" && dockerOptions(docker).has("--push") ? imageWords(docker)[0] : undefined;
}

/** A URL is no image name, as docker/registry-url-scheme says; who it is for can be told all the same. */
const withoutScheme = (symbol: string): string => symbol.replace(/^https?:\/\//, "");

const isLocal = (image: ShellWord): boolean => /^(localhost|127\.0\.0\.1)[:/]/.test(image.symbol);

function laterLogin(context: CheckContext, docker: DockerCommand): RegistryLogin | undefined {
  const { everyCommand } = context.shell;
  for (const command of everyCommand.slice(everyCommand.indexOf(docker.command))) {
    const login = loginIn(command);
    if (login) return login;
  }
  return undefined;
}

function missing(
  context: CheckContext,
  docker: DockerCommand,
  image: ShellWord,
  later: RegistryLogin | undefined,
): Finding {
  const isEcr =
    registryKind(imageReference(withoutScheme(image.symbol)).host) === "ecr" || /\.dkr\.ecr\./.test(image.symbol);
  const fix = later ? undefined : isEcr ? ecrFix(context, docker, image) : hubFix(context, docker, image);
  const place = placeOf(docker.command);
  const related = later
    ? [...(place.related ?? []), { span: later.command.span, message: "the login stands here, after it" }]
    : undefined;
  // Somebody's own registry may take pushes from anyone, somebody's own image may bring credentials.
  const { image: buildImage } = context.project;
  const isUncertain =
    docker.command.isGuarded ||
    registryKind(imageReference(withoutScheme(image.symbol)).host) === "other" ||
    (buildImage !== undefined && !curatedImage(buildImage));
  const verb = docker.verb === "push" ? "docker push" : "docker buildx build --push";
  return {
    ...(isUncertain && { severity: "warning" as const }),
    message: later
      ? `\`${verb}\`${inScript(docker.command)} runs before the \`docker login\``
      : `\`${verb}\`${inScript(docker.command)} without a \`docker login\` before it`,
    ...place,
    ...(related && { related }),
    why: isEcr
      ? "the registry answers `no basic auth credentials`"
      : "the registry answers `denied: requested access to the resource is denied`",
    ...(fix && { fix }),
  };
}

function elsewhere(docker: DockerCommand, image: ShellWord, host: string, login: RegistryLogin | undefined): Finding {
  const place = placeOf(docker.command, image);
  const to = login?.host ?? "another registry";
  return {
    ...(docker.command.isGuarded && { severity: "warning" as const }),
    message: `the push${inScript(docker.command)} goes to \`${host}\`, but the login before it is for \`${to}\``,
    ...place,
    ...(login && { related: [...(place.related ?? []), { span: login.command.span, message: "the login" }] }),
    why:
      host === "docker.io"
        ? "a name without a registry means Docker Hub, which answers `denied: requested access to the resource is denied`"
        : "docker keeps credentials per registry, so this one gets none: `no basic auth credentials` or `denied`",
  };
}

/** `echo "$DOCKER_PASSWORD" | docker login …` when the buildspec's variables show which is which. */
function hubFix(context: CheckContext, docker: DockerCommand, image: ShellWord): Fix | undefined {
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
  const host = registryWord(image);
  const login = `echo "$${password}" | docker login -u "$${user}" --password-stdin${host === undefined ? "" : ` ${host}`}`;
  return insertLogin(context, docker, login);
}

/** The registry as a word of the login command: a variable in front of the first slash, or a literal host. */
function registryWord(image: ShellWord): string | undefined {
  const variable = /^"?\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?\//.exec(image.source)?.[1];
  if (variable !== undefined && /(REGISTRY|REPO(SITORY)?|HOST|URL|URI|SERVER)/i.test(variable)) return `"$${variable}"`;
  const literal = /^"?([a-z0-9.-]+\.[a-z0-9.-]+(?::[0-9]+)?|[a-z0-9-]+:[0-9]+)\//.exec(image.source)?.[1];
  return literal === "docker.io" || literal === undefined ? undefined : literal;
}

function ecrFix(context: CheckContext, docker: DockerCommand, image: ShellWord): Fix {
  const host = image.source.replace(/^"|"$/g, "").split("/")[0] ?? "HOST";
  const region = /\.dkr\.ecr\.([^.]+)\.amazonaws/.exec(host)?.[1] ?? "$AWS_REGION";
  const login = `aws ecr get-login-password --region ${region} | docker login --username AWS --password-stdin ${host}`;
  return insertLogin(context, docker, login) ?? { kind: "command", title: "log in before it", commands: [login] };
}

const insertLogin = (context: CheckContext, { command }: DockerCommand, login: string): Fix | undefined =>
  command.script ? undefined : insertItemBefore(context, command, login, `add \`${login}\``);

const only = <T>(values: readonly T[]): T | undefined => (values.length === 1 ? values[0] : undefined);
