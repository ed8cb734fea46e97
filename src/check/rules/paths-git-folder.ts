/**
 * Commands that open files below `.git`. With the project's local source cache `.git` is a text file that names the
 * folder, and sources from S3 or CodePipeline's archives have none.
 */

import type { Rule } from "../rule.ts";
import { directoryOf } from "../tree/source-paths.ts";

export const pathsGitFolder: Rule = {
  id: "paths/git-folder",
  severity: "warning",
  title: "a file below `.git` where the project has no such folder",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-git-folder",
  *run({ shell, project }) {
    const isCached = project.cache?.modes?.includes("LOCAL_SOURCE_CACHE") === true && project.cache.type === "LOCAL";
    const isArchive = project.source?.type === "S3";
    if (!isCached && !isArchive) return;
    for (const command of shell.commands) {
      if (command.isGuarded || command.name === "git" || command.name === "echo") continue;
      const word = command.args.find(({ text }) =>
        text === undefined ? false : /^\.git(\/|$)/.test(directoryOf(command.directory, text) ?? ""),
      );
      // In an exclusion list it need not exist.
      if (!word || command.name === "rm" || command.args.some(({ source }) => /^(-x|--exclude)/.test(source))) continue;
      yield {
        message: `\`${word.text}\` needs the folder \`.git\``,
        span: word.span ?? command.span,
        why: isCached
          ? "with the local source cache `.git` is a text file that names the folder; `git rev-parse --git-dir` prints it"
          : "a source in S3 has no `.git`",
      };
    }
  },
};
