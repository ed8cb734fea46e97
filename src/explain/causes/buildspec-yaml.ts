/** The buildspec is not YAML that CodeBuild can read (R03, R04), or asks for a runtime the image lacks (R05, T20). */
import type { Buildspec } from "../../build/buildspec/buildspec.ts";
import type { Cause, Finding } from "../cause.ts";

const SOURCES = ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html"];

export const unknownRuntime: Cause = {
  id: "runtime/unknown-version",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html"],
  match(failure, facts) {
    const match =
      /^Unknown runtime version named '([^']*)' of (\S+?)\. This build image has the following versions: (.*)$/.exec(
        failure.message,
      );
    if (!match) return undefined;
    const [, version = "", runtime = "", list = ""] = match;
    const place = facts.plan?.runtimeVersions.find((r) => r.runtime === runtime);
    const located = facts.buildspec?.phases
      .flatMap((phase) => phase.runtimeVersions)
      .find((r) => r.runtime.value === runtime);
    const newest = list.split(/,\s*/).filter(Boolean).toSorted(byVersion).at(-1);
    const file = facts.buildspec?.file ?? facts.plan?.buildspecFile;
    const line = located?.version.span.line ?? place?.line;
    return {
      cause:
        newest === undefined
          ? `there is no \`${runtime}\` where the build runs, so no version \`${version}\` of it`
          : `the build image has no \`${runtime}\` \`${version}\`; it has ${list}`,
      ...(file === undefined ? {} : { file }),
      ...(line === undefined ? {} : { line }),
      evidence: [failure.message],
      ...(located && facts.buildspec && newest !== undefined
        ? { fix: replaceValue(facts.buildspec, located.version, newest, `use \`${runtime}: ${newest}\``) }
        : {}),
      next:
        newest === undefined
          ? `with the engine \`host\`, runtimes are those of this machine: install \`${runtime}\`; \`kiln doctor\` shows what there is`
          : "or choose an image that has this version: `kiln run --image IMAGE`, `environment.image` of the project",
      confidence: "certain",
    };
  },
};

export const commandNotAString: Cause = {
  id: "buildspec/command-not-a-string",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const match = /^Expected Commands\[(\d+)\] to be of string type: found subkeys instead at line (\d+)/.exec(
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
      evidence: [failure.message],
      why: "in YAML, `key: value` inside a list item makes a mapping, also in the middle of a shell command",
      next: "put the whole command in single quotes, or write it as a block after `- |`",
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

function replaceValue(
  buildspec: Buildspec,
  located: { value: string; span: { startOffset: number; endOffset: number } },
  value: string,
  title: string,
) {
  const { startOffset, endOffset } = located.span;
  // A version is quoted always: unquoted `3.10` is the number 3.1.
  return {
    kind: "edit" as const,
    title,
    edits: [{ file: buildspec.file, startOffset, endOffset, newText: `"${value}"` }],
  };
}

const byVersion = (a: string, b: string): number => a.localeCompare(b, "en", { numeric: true });
