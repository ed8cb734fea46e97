/**
 * Installs that only work from a lock file, where there is none: not written, or ignored by git. Looked for in the
 * package's folder and, as in a monorepo, above it.
 */
import { posix } from "node:path";
import { hasOption } from "../commands/command-arguments.ts";
import { isSourceSettled } from "../commands/source-edits.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";
import { isManifestTouched, type NodeCommand, nodeCommand, packageAt } from "../tree/node-packages.ts";
import { severityFor } from "../tree/path-findings.ts";
import { findPath, isMadeBefore, isSourceKnown } from "../tree/path-lookup.ts";

export const nodeLockMissing: Rule = {
  id: "node/lock-missing",
  severity: "error",
  title: "an install from a lock file that is not there",
  source: "https://docs.npmjs.com/cli/commands/npm-ci",
  *run(context) {
    if (!isSourceKnown(context)) return;
    for (const command of context.shell.commands) {
      const node = command.isGuarded ? undefined : nodeCommand(command);
      const needs = node && neededLock(node);
      if (!node || !needs || node.directory === undefined) continue;
      const found = findingFor(context, command, node.directory, needs);
      if (found) yield found;
    }
  },
};

interface NeededLock {
  readonly user: string;
  readonly files: readonly string[];
  readonly why: string;
  readonly isCertain: boolean;
  readonly fix: string;
}

function neededLock({ program, verb, read }: NodeCommand): NeededLock | undefined {
  if (program === "npm") {
    if (!/^(ci|clean-install|ic|install-clean|cit|install-ci-test)$/.test(verb ?? "")) return undefined;
    return {
      user: `npm ${verb}`,
      files: ["package-lock.json", "npm-shrinkwrap.json"],
      why: "npm answers that the `npm ci` command can only install with an existing package-lock.json, and fails",
      isCertain: true,
      fix: "npm install --package-lock-only",
    };
  }
  const isFrozen = hasOption(read, "--frozen-lockfile", "--immutable") && /^(install|i)$/.test(verb ?? "install");
  if (!isFrozen) return undefined;
  if (program === "pnpm")
    return {
      user: "pnpm install --frozen-lockfile",
      files: ["pnpm-lock.yaml"],
      why: "pnpm answers `ERR_PNPM_NO_LOCKFILE` and fails",
      isCertain: true,
      fix: "pnpm install --lockfile-only",
    };
  // yarn 1 has let this pass in some versions.
  return {
    user: `yarn install ${hasOption(read, "--immutable") ? "--immutable" : "--frozen-lockfile"}`,
    files: ["yarn.lock"],
    why: "yarn may not write one then: the install fails, or nothing is pinned",
    isCertain: hasOption(read, "--immutable"),
    fix: "yarn install",
  };
}

function findingFor(
  context: CheckContext,
  command: ShellCommand,
  directory: string,
  { user, files, why, isCertain, fix }: NeededLock,
): Finding | undefined {
  const home = packageAt(context, directory);
  if (home === undefined || home === "absent" || isManifestTouched(context, command, directory)) return undefined;
  let ignored: string | undefined;
  for (let at = directory; ; at = posix.dirname(at).replace(/^\.$/, "")) {
    for (const name of files) {
      const path = posix.join(at, name);
      const found = findPath(context, path, { kind: "file" });
      if (found !== undefined && !context.workspace.isIgnored(found)) return undefined;
      if (isMadeBefore(command, path)) return undefined;
      ignored ??= found;
    }
    if (at === "") break;
  }
  if (installsBefore(context, command)) return undefined;
  const where = home.folder === "" ? "the source's root" : `\`${home.folder}\``;
  const [name] = files;
  const severity =
    isCertain && isSourceSettled(context, command)
      ? severityFor(context, command, `${home.folder}/${name}`)
      : "warning";
  return {
    severity,
    message:
      ignored === undefined
        ? `\`${user}\` finds no \`${name}\` in ${where}`
        : `\`${ignored}\` is ignored by git, so \`${user}\` does not get it`,
    span: command.span,
    why,
    fix: {
      kind: "command",
      title: "write the lock file and commit it",
      commands: [
        `${home.folder === "" ? "" : `cd ${home.folder} && `}${fix}`,
        ignored === undefined ? `git add ${posix.join(home.folder, name ?? "")}` : `git add --force ${ignored}`,
      ],
    },
  };
}

/** An install that writes a lock ran before. */
function installsBefore(context: CheckContext, until: ShellCommand): boolean {
  for (const command of context.shell.everyCommand) {
    if (command === until) return false;
    const node = nodeCommand(command);
    if (node && /^(install|i|add|update|import|shrinkwrap)?$/.test(node.verb ?? "")) return true;
  }
  return false;
}
