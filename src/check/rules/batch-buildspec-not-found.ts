/** A build of a batch names a buildspec that the source does not hold: that build ends in DOWNLOAD_SOURCE. */
import type { BatchSection } from "../../build/buildspec/index.ts";
import type { Span } from "../../core/diagnostics.ts";
import type { Rule } from "../rule.ts";
import { nearestPath } from "../tree/nearest-path.ts";
import { sourceRootsOf } from "../tree/source-paths.ts";

export const batchBuildspecNotFound: Rule = {
  id: "batch/buildspec-not-found",
  severity: "error",
  title: "a build of a batch whose buildspec is not in the source",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html",
  *run(context) {
    const { buildspec, workspace, file } = context;
    if (!buildspec.batch) return;
    // A text that lies nowhere has nothing around it.
    if (workspace.exists(file) === undefined) return;
    const roots = sourceRootsOf(file);
    const seen = new Set<string>();
    // A file that somebody took out of its repository, or that a sample keeps in a folder of its own, says less.
    const isUncertain = file.includes("/") || workspace.files().every((path) => path === file);
    for (const { path, span } of buildspecsOf(buildspec.batch)) {
      // A path with a variable, or a whole buildspec as text, is no file to look for.
      if (seen.has(path) || /[$\n]|^\//.test(path)) continue;
      seen.add(path);
      const clean = path.replace(/^(?:\.\/)+/, "");
      if (roots.some((root) => workspace.exists(root === "" ? clean : `${root}/${clean}`))) continue;
      const near = nearestPath(workspace, clean, "file")?.path;
      yield {
        ...(isUncertain && { severity: "warning" as const }),
        message: `the buildspec \`${path}\` is not in the source${near === undefined ? "" : `; the nearest is \`${near}\``}`,
        span,
        why: "the build of the batch that names it ends in DOWNLOAD_SOURCE with `YAML_FILE_ERROR`",
      };
    }
  },
};

function buildspecsOf(batch: BatchSection): { path: string; span: Span }[] {
  const tasks = [...(batch.list ?? []), ...(batch.graph ?? [])].flatMap(({ buildspec }) => buildspec ?? []);
  const values = (batch.matrix?.dimensions ?? []).filter(({ of }) => of === "buildspec").flatMap(({ values: v }) => v);
  return [...tasks, ...values].map(({ value, span }) => ({ path: value, span }));
}
