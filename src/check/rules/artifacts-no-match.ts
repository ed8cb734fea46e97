/**
 * `artifacts.files` that name nothing: neither the source has such a file nor can a command make it. One match of several
 * is enough for CodeBuild, which logs the others; when commands run whose doings are not seen, only a near miss is said.
 */
import { posix } from "node:path";
import type { Artifacts, Located } from "../../build/buildspec/index.ts";
import { nearest } from "../../core/nearest.ts";
import { isOneEdit } from "../one-edit.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { basePathOf, patternState } from "../tree/artifact-files.ts";
import { isRootCertain } from "../tree/path-findings.ts";
import { findPath, isSourceKnown, submoduleOf } from "../tree/path-lookup.ts";

export const artifactsNoMatch: Rule = {
  id: "artifacts/no-match",
  severity: "warning",
  title: "artifacts that no file matches",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.files",
  *run(context) {
    const { artifacts } = context.buildspec;
    if (!artifacts || !isSourceKnown(context)) return;
    for (const one of [artifacts, ...artifacts.secondary.map((secondary) => secondary.artifacts)]) {
      yield* findingsFor(context, one);
    }
  },
};

function* findingsFor(context: CheckContext, section: Artifacts): Iterable<Finding> {
  const base = basePathOf(section);
  if (base === undefined || section.files.length === 0) return;
  // The base directory itself is artifacts/base-directory's.
  const folder = base === "" ? "" : findPath(context, base, { kind: "directory" });
  if (folder === undefined || context.workspace.isIgnored(folder) || submoduleOf(context, base) !== undefined) return;
  const states = section.files.map((file) => ({ file, state: patternState(context, base, file.value) }));
  const isEmpty = states.every(({ state }) => state === "missing" || state === "folder");
  for (const { file, state } of states) {
    if (state === "folder") yield folderItself(context, file, isEmpty);
    if (state === "missing") yield* missing(context, base, file, isEmpty);
  }
}

const outcome = (isEmpty: boolean, value: string): string =>
  isEmpty
    ? "UPLOAD_ARTIFACTS fails with `CLIENT_ERROR: no matching artifact paths found`"
    : `CodeBuild logs \`Skipping invalid file path ${value}\` and goes on without it`;

function folderItself(context: CheckContext, { value, span }: Located<string>, isEmpty: boolean): Finding {
  const at = context.text.slice(span.startOffset, span.endOffset).indexOf(value);
  const startOffset = span.startOffset + at;
  const newText = `${value.replace(/\/$/, "")}/**/*`;
  return {
    message: `\`${value}\` names a folder, expected files`,
    span,
    why: `patterns name files; ${outcome(isEmpty, value)}`,
    ...(at === -1
      ? {}
      : {
          fix: {
            kind: "edit" as const,
            title: `use \`${newText}\``,
            edits: [{ file: context.file, startOffset, endOffset: startOffset + value.length, newText }],
          },
        }),
  };
}

function* missing(
  context: CheckContext,
  base: string,
  { value, span }: Located<string>,
  isEmpty: boolean,
): Iterable<Finding> {
  const { shell, workspace } = context;
  const path = posix.join(base, value);
  const near = nearMiss(context, path);
  if (shell.mayMakeAnything && near === undefined) return;
  // Other products' names of a known file: whatever runs makes them, or the author knows.
  if (shell.mayMakeAnything && workspace.isIgnored(path)) return;
  const isCertain = isEmpty && !shell.mayMakeAnything && isRootCertain(context, path) && !/[*?[]/.test(value);
  const at = context.text.slice(span.startOffset, span.endOffset).indexOf(value);
  const relative = near?.slice(base === "" ? 0 : base.length + 1);
  const startOffset = span.startOffset + at;
  yield {
    severity: isCertain ? "error" : "warning",
    message: `nothing matches \`${value}\`${base === "" ? "" : ` in \`${base}\``}${near === undefined ? "" : `; did you mean \`${relative}\`?`}`,
    span,
    why: `${shell.mayMakeAnything ? "unless a command makes it, " : "no command makes it: "}${outcome(isEmpty, value)}`,
    ...(at !== -1 && relative !== undefined && near !== undefined && isCertain
      ? {
          fix: {
            kind: "edit" as const,
            title: `use \`${relative}\``,
            edits: [{ file: context.file, startOffset, endOffset: startOffset + value.length, newText: relative }],
          },
        }
      : {}),
  };
}

/** A file of the same folder with nearly the same name: another ending, another letter case, a typo. */
function nearMiss({ workspace }: CheckContext, path: string): string | undefined {
  if (/[*?[]/.test(path)) return undefined;
  const folder = posix.dirname(path);
  const siblings = workspace.files().filter((file) => posix.dirname(file) === folder);
  const isStem = (file: string) => {
    const [a, b] = [posix.parse(file), posix.parse(path)];
    return a.name === b.name && /^\.ya?ml$/.test(a.ext) && /^\.ya?ml$/.test(b.ext);
  };
  const close = siblings.find((file) => file.toLowerCase() === path.toLowerCase()) ?? siblings.find(isStem);
  if (close !== undefined) return close;
  const name = posix.basename(path);
  const typo = name.length >= 8 ? nearest(path, siblings) : undefined;
  return typo !== undefined && posix.extname(typo) === posix.extname(path) && isOneEdit(typo, path) ? typo : undefined;
}
