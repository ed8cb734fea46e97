/**
 * ECR logins that cannot serve the push: the password is of one region and the host of another, or the host of the login
 * is another account or region than the push goes to.
 */

import { isUnseen } from "../commands/unseen-work.ts";
import { dockerCommand, dockerOptions, imageWords } from "../docker/docker-commands.ts";
import { ecrOperation, regionOf } from "../docker/ecr-login.ts";
import { imageReference } from "../docker/image-references.ts";
import { keepsCredentials, loginIn } from "../docker/registry-logins.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";

interface EcrHost {
  readonly account: string;
  readonly region: string;
}

export const dockerEcrLoginRegion: Rule = {
  id: "docker/ecr-login-region",
  severity: "error",
  title: "an ECR login for another region or account than the push",
  source: "https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html",
  *run(context) {
    const hosts: { host: EcrHost | undefined; command: ShellCommand }[] = [];
    for (const command of context.shell.everyCommand) {
      const login = loginIn(command);
      if (login) {
        const host = ecrHost(login.host);
        hosts.push({ host, command });
        const password = command.pipedFrom;
        const region =
          password && ecrOperation(password) === "get-login-password" ? literalRegion(password) : undefined;
        if (host && region !== undefined && isLiteral(host.region) && host.region !== region) {
          yield {
            ...(command.isGuarded && { severity: "warning" as const }),
            message: `the password is for ECR in \`${region}\`, the login${inScript(command)} goes to \`${host.region}\``,
            ...placeOf(command),
            why: "ECR's passwords hold in one region: `login attempt … failed with status: 400 Bad Request`",
          };
        }
        continue;
      }
      if (isUnseen(command) || keepsCredentials(context)) return;
      const image = pushed(command);
      const target = image && ecrHost(imageReference(image.symbol).host);
      if (!target || hosts.length === 0 || !hosts.every(({ host }) => host && differs(host, target))) continue;
      const last = hosts.at(-1);
      yield {
        ...(command.isGuarded && { severity: "warning" as const }),
        message: `the push${inScript(command)} goes to \`${target.account}\` in \`${target.region}\`, the login before it is for \`${last?.host?.account}\` in \`${last?.host?.region}\``,
        ...placeOf(command, image),
        why: "docker keeps credentials per host, so the push gets none: `no basic auth credentials`",
      };
      return;
    }
  },
};

function pushed(command: ShellCommand): ShellWord | undefined {
  const docker = dockerCommand(command);
  if (!docker) return undefined;
  const isPush = docker.verb === "push" || (docker.verb === "build" && dockerOptions(docker).has("--push"));
  return isPush ? imageWords(docker)[0] : undefined;
}

function ecrHost(host: string | undefined): EcrHost | undefined {
  const [, account, region] = /^(.+)\.dkr\.ecr\.(.+)\.amazonaws\.com(?:\.cn)?$/.exec(host ?? "") ?? [];
  return account === undefined || region === undefined ? undefined : { account, region };
}

const isLiteral = (text: string): boolean => /^[a-z0-9-]+$/.test(text);
const differ = (a: string, b: string): boolean => isLiteral(a) && isLiteral(b) && a !== b;
const differs = (a: EcrHost, b: EcrHost): boolean => differ(a.account, b.account) || differ(a.region, b.region);

function literalRegion(command: ShellCommand): string | undefined {
  const at = command.args.findIndex(({ source }) => source === "--region");
  const text = at === -1 ? regionOf(command) : command.args[at + 1]?.text;
  return text !== undefined && isLiteral(text) ? text : undefined;
}
