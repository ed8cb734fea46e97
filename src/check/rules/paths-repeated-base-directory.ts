/**
 * `files` of a report or of artifacts that begin with their own `base-directory`: they are looked for in
 * `<base>/<base>/…`, where normally nothing is. Silent where the source has such a folder.
 */
import { posix } from "node:path";
import type { Located } from "../../build/buildspec/index.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const pathsRepeatedBaseDirectory: Rule = {
  id: "paths/repeated-base-directory",
  severity: "warning",
  title: "`files` that repeat their `base-directory`",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.reports",
  *run(context) {
    const { artifacts, reports } = context.buildspec;
    for (const report of reports) {
      yield* findingsFor(
        context,
        report,
        `the report \`${report.group.value}\` fails UPLOAD_ARTIFACTS when nothing else matches`,
      );
    }
    for (const one of [artifacts, ...(artifacts?.secondary ?? []).map(({ artifacts: secondary }) => secondary)]) {
      if (one)
        yield* findingsFor(
          context,
          one,
          "UPLOAD_ARTIFACTS fails with `no matching artifact paths found` when nothing else matches",
        );
    }
  },
};

interface Section {
  readonly files: readonly Located<string>[];
  readonly baseDirectory?: Located<string>;
}

function* findingsFor(context: CheckContext, { files, baseDirectory }: Section, why: string): Iterable<Finding> {
  const base = plain(baseDirectory?.value ?? "");
  if (base === undefined || base === "." || base === "") return;
  for (const { value, span } of files) {
    const path = plain(value);
    if (path === undefined || !path.startsWith(`${base}/`)) continue;
    if (context.workspace.exists(posix.join(base, base)) !== undefined) continue;
    const rest = path.slice(base.length + 1);
    const source = context.text.slice(span.startOffset, span.endOffset);
    const at = source.indexOf(value);
    const startOffset = span.startOffset + at;
    yield {
      message: `\`${value}\` repeats the base-directory \`${baseDirectory?.value}\``,
      span,
      why: `it counts from there, so it means \`${base}/${path}\`: ${why}`,
      ...(at < 0 || rest.startsWith("*")
        ? {}
        : {
            fix: {
              kind: "edit" as const,
              title: `use \`${rest}\``,
              edits: [{ file: context.file, startOffset, endOffset: startOffset + value.length, newText: rest }],
            },
          }),
    };
  }
}

/** A path without `./` and slashes at its end; undefined for one with a variable or a wildcard in its first part. */
function plain(path: string): string | undefined {
  const clean = path.replace(/^(?:\.\/)+/, "").replace(/\/+$/, "");
  return /[$`]/.test(clean) || /^[^/]*[*?[{]/.test(clean) ? undefined : clean;
}
