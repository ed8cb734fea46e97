/**
 * Has a command before changed files of the source that people write? Builders make other files (`npm run build`, `mvn
 * package`); what unpacks, checks out, generates or runs a script may have written a manifest.
 */
import type { CheckContext } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

const EDITORS = new Set(
  (
    ". source sh bash dash zsh eval python python3 node ruby perl php npx bunx pipx deno unzip tar rsync patch curl wget svn hg sed envsubst yq " +
    "cmake qmake meson premake5 autoreconf automake configure cookiecutter copier degit yo lerna nx ansible-playbook make bazel aws gsutil az"
  ).split(" "),
);
const CHECKOUTS =
  /^(checkout|pull|merge|reset|switch|stash|apply|am|rebase|cherry-pick|submodule|clone|restore|lfs|read-tree|worktree)$/;

/** No command before this one may have written manifests, Makefiles and the like. */
export function isSourceSettled({ shell }: CheckContext, until: ShellCommand): boolean {
  if (!until.followsUnknown) return true;
  for (const command of shell.everyCommand) {
    if (command === until) return true;
    const { name = "$", args } = command;
    if (name.includes("/") || EDITORS.has(name) || name.startsWith("$")) return false;
    if (name === "git" && args.some(({ text }) => CHECKOUTS.test(text ?? ""))) return false;
    if (/^(npm|yarn|pnpm)$/.test(name) && /^(pkg|init|create|dlx|exec|version)$/.test(args[0]?.text ?? ""))
      return false;
  }
  return true;
}
