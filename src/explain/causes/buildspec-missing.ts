/** There is no buildspec where CodeBuild looks for it (R01, R02, P03). */

import { posix } from "node:path";
import type { Workspace } from "../../check/index.ts";
import { editDistance } from "../../core/nearest.ts";
import { shellPath } from "../../core/shell-word.ts";
import type { Cause } from "../cause.ts";
import { pathInSource } from "../workspace-paths.ts";
import { firstLine } from "./finding-parts.ts";

export const buildspecMissing: Cause = {
  id: "buildspec/missing",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-name-storage",
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html",
  ],
  match(failure, { workspace, events }) {
    if (failure.statusCode !== "YAML_FILE_ERROR") return undefined;
    const stat = /^stat (\S+): (?:no such file or directory|not a directory)/.exec(failure.message)?.[1];
    // The local agent's folder, and a Windows build's, have another form.
    const asked = stat === undefined ? undefined : (pathInSource(stat, events) ?? stat.split(/\/srcDownload\//)[1]);
    if (stat === undefined && failure.message.trim() !== "YAML file does not exist") return undefined;
    const wanted = asked ?? stat ?? "buildspec.yml";
    const found = workspace && nearMiss(workspace, wanted);
    if (found === undefined) {
      return {
        cause: `there is no \`${wanted}\` in the source`,
        evidence: [firstLine(failure.message)],
        why: "CodeBuild reads the buildspec from the root of the source unless the project names another path",
        next: `create \`${wanted}\`, or name the file: \`kiln run -b FILE\``,
        confidence: "certain",
      };
    }
    const isSameFolder = posix.dirname(found) === posix.dirname(wanted);
    const rename = {
      kind: "command" as const,
      title: `rename it to \`${wanted}\``,
      commands: [`git mv ${shellPath(found)} ${shellPath(wanted)}`],
    };
    const name = {
      kind: "command" as const,
      title: `or name the file: \`source.buildspec\` of the project, \`-b\` of Kiln`,
      commands: [`kiln run -b ${shellPath(found)}`],
    };
    return {
      cause: `there is no \`${wanted}\` in the source; the nearest is \`${found}\``,
      evidence: [firstLine(failure.message)],
      why: "CodeBuild looks for exactly this name, at the root of the source unless the project names another path",
      fix: isSameFolder ? rename : { ...name, title: name.title.replace(/^or /, "") },
      alternatives: isSameFolder ? [name] : [rename],
      confidence: "certain",
    };
  },
};

/** A file whose name is nearly that of the buildspec, nearest to the root first. */
function nearMiss(workspace: Workspace, wanted: string): string | undefined {
  const base = posix.basename(wanted).toLowerCase();
  const candidates = workspace
    .files()
    .filter((file) => /\.ya?ml$/i.test(file))
    .map((file) => ({
      file,
      distance: editDistance(posix.basename(file).toLowerCase(), base),
      depth: file.split("/").length,
    }))
    .filter(({ file, distance }) => distance <= 3 || /buildspec/i.test(posix.basename(file)))
    .sort((a, b) => a.depth - b.depth || a.distance - b.distance || (a.file < b.file ? -1 : 1));
  return candidates[0]?.file;
}
