/**
 * git commands about the source where there is no repository: sources from S3 and from a pipeline come as files. Also
 * history that a shallow clone does not have.
 */
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

export const sourcesNoGitRepository: Rule = {
  id: "sources/no-git-repository",
  severity: "warning",
  title: "git used where the source is no repository, or has no history",
  source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html",
  *run(context) {
    const { type, gitCloneDepth = 0 } = context.project.source ?? {};
    if (type === undefined) return;
    const isPlain = type === "S3" || type === "CODEPIPELINE" || type === "NO_SOURCE";
    for (const command of context.shell.commands) {
      if (command.name !== "git" || command.isGuarded) continue;
      const verb = verbOf(command);
      if (verb === undefined) continue;
      // From here on there may be a repository.
      if (MAKES.has(verb)) return;
      if (isPlain && NEEDS.has(verb) && command.directory === "") {
        yield noRepository(context, command, verb, type);
        return;
      }
      if (!isPlain && gitCloneDepth > 0 && gitCloneDepth <= MAX_DEPTH) {
        if (verb === "fetch") return;
        const found = tooDeep(command, verb, gitCloneDepth);
        if (found) {
          yield found;
          return;
        }
      }
    }
  },
};

/** AWS: a depth above 25, or none, is the whole history. */
const MAX_DEPTH = 25;
const MAKES = new Set(["init", "clone"]);
const NEEDS = new Set([
  ...["log", "rev-parse", "describe", "diff", "status", "show", "tag", "branch", "checkout", "commit", "push", "pull"],
  ...["fetch", "submodule", "rev-list", "merge", "rebase", "reset", "ls-files", "remote", "name-rev", "shortlog"],
]);

const verbOf = ({ args }: ShellCommand): string | undefined => {
  const words = args.map(({ text }) => text);
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === undefined || word === "-C" || word.startsWith("--git-dir")) return undefined;
    if (word === "-c") at++;
    else if (!word.startsWith("-")) return word;
  }
  return undefined;
};

const noRepository = ({ project }: CheckContext, command: ShellCommand, verb: string, type: string): Finding => ({
  message: `\`git ${verb}\` needs a repository, and a source of type ${type} comes ${type === "NO_SOURCE" ? "without files" : "as files without one"}`,
  span: command.span,
  why: `git ends with \`fatal: not a git repository\`; ${
    type === "CODEPIPELINE"
      ? "a pipeline hands on a repository only with the output format `Full clone`, and `CODEBUILD_RESOLVED_SOURCE_VERSION` has the commit"
      : project.source?.location === undefined
        ? "clone what is needed first"
        : "`CODEBUILD_SOURCE_VERSION` names the version of the object"
  }`,
});

function tooDeep(command: ShellCommand, verb: string, depth: number): Finding | undefined {
  const words = command.args.map(({ text }) => text ?? "");
  const back = Math.max(
    0,
    ...words.map((word) => {
      const tilde = /^(?:HEAD|@)~(\d*)(?:\.\.|$)/.exec(word);
      if (tilde) return tilde[1] === "" ? 1 : Number(tilde[1]);
      return (/^(?:HEAD|@)(\^+)(?:\.\.|$)/.exec(word)?.[1] ?? "").length;
    }),
  );
  const needsTags = verb === "describe" && !words.includes("--always");
  if (back < depth && !needsTags) return undefined;
  return {
    message: needsTags
      ? `\`git describe\` looks for tags in the history, and the clone has a depth of ${depth}`
      : `\`git ${verb}\` goes back ${back} commit${back === 1 ? "" : "s"}, and the clone has ${depth}`,
    span: command.span,
    why: `the project's gitCloneDepth is ${depth}; 0 fetches the whole history`,
  };
}
