/** Who a build is logged in to: the `docker login` commands, and other ways that credentials get into docker's settings. */

import type { CheckContext } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { dockerCommand, loginOf } from "./docker-commands.ts";
import { ecrOperation } from "./ecr-login.ts";
import { registryOf } from "./image-references.ts";

export interface RegistryLogin {
  readonly command: ShellCommand;
  /** Symbol of the host; undefined when nobody can tell. */
  readonly host: string | undefined;
}

const keeping = new WeakMap<CheckContext, boolean>();

/** Credentials come from a file or a helper, not from `docker login`. Asked for each push, looked for once. */
export function keepsCredentials(context: CheckContext): boolean {
  const known = keeping.get(context) ?? HELPERS.test(context.text);
  keeping.set(context, known);
  return known;
}

const HELPERS =
  /\.docker\/config|DOCKER_CONFIG|DOCKER_AUTH_CONFIG|credHelpers|credsStore|ecr-login|registries\.conf|REGISTRY_AUTH_FILE/;

export function loginIn(command: ShellCommand): RegistryLogin | undefined {
  const docker = dockerCommand(command);
  if (docker?.verb === "login") {
    const { host, isQuestion } = loginOf(docker);
    return isQuestion ? undefined : { command, host: registryOf(host?.symbol) };
  }
  // AWS: get-login prints a docker login for the account's own registry.
  if (ecrOperation(command) === "get-login") return { command, host: undefined };
  const words = command.args.map(({ text }) => text);
  if (
    /^(buildah|skopeo|oras|crane|helm|az|gh|gcloud|doctl|cosign|regctl)$/.test(command.name ?? "") &&
    words.some((word) => word === "login" || word === "configure-docker" || word === "auth")
  )
    return { command, host: undefined };
  return undefined;
}
