/** The buildspec is not YAML that CodeBuild can read (R03, R04), or holds a value that is none of CodeBuild's. */
import { shellOf } from "../../build/plan/index.ts";
import type { Cause, Finding } from "../cause.ts";
import { firstLine } from "./finding-parts.ts";

const SOURCES = ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html"];

export const commandNotAString: Cause = {
  id: "buildspec/command-not-a-string",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const match = /^Expected Commands\[(\d+)\] to be of string type: found subkeys instead\s+at line (\d+)/.exec(
      failure.message,
    );
    if (!match) return undefined;
    const line = Number(match[2]);
    return {
      cause: `command ${Number(match[1]) + 1} at line ${line} is read as a mapping, not as text: it holds \`: \` outside quotes`,
      ...(facts.plan || facts.buildspec
        ? { file: facts.buildspec?.file ?? facts.plan?.buildspecFile ?? "buildspec.yml" }
        : {}),
      line,
      evidence: [firstLine(failure.message.replace(/\s+at line/, " at line"))],
      why: "in YAML, `key: value` inside a list item makes a mapping, also in the middle of a shell command",
      next: "put the whole command in single quotes, or write it as a block after `- |`",
      confidence: "certain",
    };
  },
};

export const onFailureUnknown: Cause = {
  id: "phases/on-failure-unknown",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases"],
  match(failure, facts): Finding | undefined {
    if (failure.statusCode !== "YAML_FILE_ERROR" || !failure.message.startsWith("`on-failure")) return undefined;
    const { message: problem } = failure;
    const found = facts.buildspec?.phases.find(
      ({ onFailure }) => onFailure !== undefined && problem.includes(`\`${onFailure.value}\``),
    );
    const other = facts.buildspec?.phases.find(
      ({ onFailure }) => onFailure !== undefined && problem.includes(onFailure.value),
    );
    const place = (found ?? other)?.onFailure?.span.line;
    return {
      cause: problem,
      ...(facts.buildspec && place ? { file: facts.buildspec.file, line: place } : {}),
      evidence: [failure.message],
      why: "what CodeBuild answers to it is not published; a build that goes on as if it were absent would surprise",
      next: "write ABORT, CONTINUE or RETRY-<count>; without `on-failure` a failed phase ends the build in the usual way",
      confidence: "certain",
    };
  },
};

export const shellNotSupported: Cause = {
  id: "env/shell-not-supported",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell"],
  match(failure, { buildspec }): Finding | undefined {
    if (failure.statusCode !== "YAML_FILE_ERROR" || !failure.message.startsWith("`env.shell` is ")) return undefined;
    const refusal = buildspec && shellOf(buildspec).diagnostics[0];
    return {
      cause: failure.message,
      ...(buildspec && refusal?.span ? { file: buildspec.file, line: refusal.span.line } : {}),
      evidence: [failure.message],
      ...(refusal?.why === undefined ? {} : { why: refusal.why }),
      next: "write `env.shell: bash`, or leave it out for `sh`",
      confidence: "certain",
    };
  },
};

export const yamlError: Cause = {
  id: "buildspec/yaml-error",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    if (failure.statusCode !== "YAML_FILE_ERROR") return undefined;
    const line = Number(/ (?:at|line) line (\d+)|\bline (\d+)/.exec(failure.message)?.slice(1).find(Boolean) ?? 0);
    const file = facts.buildspec?.file ?? facts.plan?.buildspecFile;
    const source = line > 0 && file !== undefined ? facts.workspace?.readText(file)?.split("\n")[line - 1] : undefined;
    const hasTab = source !== undefined && /^ *\t/.test(source);
    return {
      cause: hasTab
        ? `line ${line} of the buildspec is indented with a tab; YAML allows only spaces`
        : `the buildspec cannot be read: ${failure.message}`,
      ...(file === undefined ? {} : { file }),
      ...(line > 0 ? { line } : {}),
      evidence: [failure.message, ...(source === undefined ? [] : [source.replaceAll("\t", "→")])],
      next: hasTab
        ? "indent with spaces: `kiln check --fix` does it where it is safe"
        : "`kiln check` shows the place and what was expected there",
      confidence: "certain",
    };
  },
};
