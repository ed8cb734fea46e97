/** File names with letters outside ASCII: the build's locale is POSIX, and tools that decode names fail on them. */

import type { Rule } from "../rule.ts";
import { perWorkspace } from "../tree/per-workspace.ts";

const nonAsciiFiles = perWorkspace((workspace) => workspace.files().filter((path) => /[^\x20-\x7e]/.test(path)));

export const pathsNonAsciiName: Rule = {
  id: "paths/non-ascii-name",
  severity: "info",
  title: "file names outside ASCII under the POSIX locale",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-utf-8",
  *run({ workspace, shell, buildspec, project }) {
    const named = nonAsciiFiles(workspace);
    const [first] = named;
    if (first === undefined || buildspec.phases.length === 0 || setsLocale()) return;
    yield {
      message: `\`${first}\`${named.length > 1 ? ` and ${named.length - 1} more` : ""} ${named.length > 1 ? "have names" : "has a name"} outside ASCII`,
      ...(buildspec.phases[0] && { span: buildspec.phases[0].span }),
      why: "the build's locale is POSIX; tools that decode file names with it fail, unless `LC_ALL` names an UTF-8 locale (`C.UTF-8`)",
    };

    function setsLocale(): boolean {
      const isLocale = (name: string) => /^(LC_ALL|LC_CTYPE|LANG|PYTHONUTF8|PYTHONIOENCODING)$/.test(name);
      return (
        buildspec.env.variables.some(({ name }) => isLocale(name.value)) ||
        (project.environmentVariables ?? []).some(({ name }) => isLocale(name)) ||
        shell.everyCommand.some(({ within }) => /\b(LC_ALL|LC_CTYPE|LANG)=/.test(within.value))
      );
    }
  },
};
