/** Reports whose files neither the source has nor a command can make: no test ran, or the path is another. */

import type { Rule } from "../rule.ts";
import { basePathOf, patternState } from "../tree/artifact-files.ts";
import { isSourceKnown } from "../tree/path-lookup.ts";

export const reportsFilesNotFound: Rule = {
  id: "reports/files-not-found",
  severity: "warning",
  title: "a report without files",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.reports",
  *run(context) {
    const { buildspec, shell } = context;
    for (const section of buildspec.reports) {
      const { group, files } = section;
      if (files.length === 0) {
        yield {
          message: `the report \`${group.value}\` has no \`files\``,
          span: group.span,
          why: "there is nothing to read; the report is INCOMPLETE",
        };
        continue;
      }
      const base = basePathOf(section);
      if (base === undefined || shell.mayMakeAnything || !isSourceKnown(context)) continue;
      if (base !== "" && shell.mayExistAtEnd(base)) continue;
      if (files.some(({ value }) => !/^(missing|folder)$/.test(patternState(context, base, value)))) continue;
      const [first] = files;
      yield {
        message: `no command makes \`${first?.value}\`${base === "" ? "" : ` in \`${base}\``}, which the report \`${group.value}\` is read from`,
        span: first?.span ?? group.span,
        why: "UPLOAD_ARTIFACTS fails when the files of a report are not found",
      };
    }
  },
};
