/**
 * Which file is checked: the one asked for, else `buildspec.yml`, else the near miss that CodeBuild would not find.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-name-storage
 */

import type { Diagnostic } from "../../core/diagnostics.ts";
import { nearest } from "../../core/nearest.ts";
import { shellPath } from "../../core/shell-word.ts";
import type { CheckInput } from "../run-rules.ts";

const source = "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-name-storage";

export function findBuildspec(input: CheckInput): {
  file?: string;
  text?: string;
  diagnostics: readonly Diagnostic[];
} {
  const { workspace, buildspecPath } = input;
  if (input.text !== undefined) return { file: buildspecPath ?? "buildspec.yml", text: input.text, diagnostics: [] };
  const wanted = buildspecPath ?? "buildspec.yml";
  const text = workspace.readText(wanted);
  if (text !== undefined) return { file: wanted, text, diagnostics: [] };
  if (buildspecPath === undefined) {
    for (const other of ["buildspec.yaml", "Buildspec.yml", "buildspec.json"]) {
      const otherText = workspace.readText(other);
      if (otherText === undefined) continue;
      return { file: other, text: otherText, diagnostics: [] };
    }
  }
  const kind = workspace.exists(wanted);
  if (kind !== undefined) return { diagnostics: [unreadable(wanted, kind)] };
  const candidates = workspace.files().filter((path) => /\.ya?ml$/i.test(path));
  const guess = candidates.find((path) => /(^|\/)buildspec[^/]*\.ya?ml$/i.test(path)) ?? nearest(wanted, candidates);
  return {
    diagnostics: [
      {
        code: "buildspec/not-found",
        severity: "error",
        message: `\`${wanted}\` does not exist in \`${workspace.root}\``,
        why: "CodeBuild fails in DOWNLOAD_SOURCE with `YAML_FILE_ERROR: YAML file does not exist`",
        ...(guess !== undefined && {
          fix: {
            kind: "command",
            title: `check \`${guess}\` instead`,
            commands: [`kiln check --buildspec ${shellPath(guess)}`],
          },
        }),
        source,
      },
    ],
  };
}

/** Something of that name is there, but it is not a text that could be parsed. */
function unreadable(file: string, kind: "file" | "directory"): Diagnostic {
  return {
    code: "buildspec/syntax",
    severity: "error",
    message:
      kind === "directory"
        ? `\`${file}\` is a folder, expected a file`
        : `\`${file}\` is binary, UTF-16, larger than 1 MiB, or may not be read; expected UTF-8 text`,
    span: { file, line: 1, column: 1, endLine: 1, endColumn: 1, startOffset: 0, endOffset: 0 },
    why: "CodeBuild fails in DOWNLOAD_SOURCE with `YAML_FILE_ERROR`",
    source,
  };
}
