/** `artifacts.base-directory` that lies outside the source, or that neither the source has nor a command can make. */
import { posix } from "node:path";
import type { Artifacts, Located } from "../../build/buildspec/index.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { isOpen } from "../tree/artifact-files.ts";
import { nearestPath } from "../tree/nearest-path.ts";
import { isRootCertain } from "../tree/path-findings.ts";
import { findPath, isSourceKnown, submoduleOf } from "../tree/path-lookup.ts";
import { directoryOf } from "../tree/source-paths.ts";

export const artifactsBaseDirectory: Rule = {
  id: "artifacts/base-directory",
  severity: "error",
  title: "an artifacts' base directory outside the source, or never made",
  source:
    "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.base-directory",
  *run(context) {
    const { artifacts } = context.buildspec;
    if (!artifacts || !isSourceKnown(context)) return;
    const all: readonly Artifacts[] = [artifacts, ...artifacts.secondary.map((one) => one.artifacts)];
    for (const { baseDirectory } of all) {
      const found = baseDirectory && problemOf(context, baseDirectory);
      if (found) yield found;
    }
  },
};

function problemOf(context: CheckContext, { value, span }: Located<string>): Finding | undefined {
  if (isOpen(value) || /[*?[\]]/.test(value) || value.startsWith("/") || value.startsWith("~")) return undefined;
  const path = directoryOf("", value);
  const wording = `UPLOAD_ARTIFACTS fails with \`CLIENT_ERROR: no matching base directory path found for ${value}\``;
  if (path === undefined) {
    // What commands may put next to the source is not followed.
    const isMade = context.shell.everyCommand.some(({ args }) => args.some(({ text }) => text?.startsWith("../")));
    return {
      severity: isMade && context.shell.mayMakeAnything ? "warning" : "error",
      message: `artifacts' base-directory \`${value}\` lies outside the source${nearestTo(context, value)}`,
      span,
      why: `it is relative to the source's root, not to the last \`cd\`; ${wording}`,
    };
  }
  const isThere = path === "" || findPath(context, path, { kind: "directory" }) !== undefined;
  if (submoduleOf(context, path) !== undefined || context.shell.mayExistAtEnd(path)) return undefined;
  if (isThere) return ignoredOne(context, path, value, span, wording);
  const isFile = findPath(context, path, { kind: "file" }) !== undefined;
  return {
    severity: isRootCertain(context, path) ? "error" : "warning",
    message: isFile
      ? `artifacts' base-directory \`${value}\` is a file, expected a folder`
      : `artifacts' base-directory \`${value}\` does not exist${nearestTo(context, value)}`,
    span,
    why: isFile ? wording : `no command makes it; ${wording}`,
  };
}

function nearestTo({ workspace }: CheckContext, value: string): string {
  const guess = nearestPath(workspace, value, "directory");
  return guess ? `; the nearest is \`${guess.path}\`` : "";
}

/** It is here, and CodeBuild does not get it. */
function ignoredOne(
  context: CheckContext,
  path: string,
  value: string,
  span: Located<string>["span"],
  wording: string,
): Finding | undefined {
  if (path === "" || !context.workspace.isIgnored(posix.normalize(path))) return undefined;
  return {
    message: `artifacts' base-directory \`${value}\` is ignored by git, so CodeBuild does not get it`,
    span,
    why: `no command makes it; ${wording}`,
  };
}
