/**
 * Keys CodeBuild does not know: it ignores them and prints "Found possible syntax errors in buildspec". A phase or a
 * section that stands at the wrong level is ignored as a whole, so it is an error.
 */
import { type Located, PHASE_NAMES, parseBuildspec } from "../../build/buildspec/index.ts";
import type { Fix } from "../../core/diagnostics.ts";
import { nearest } from "../../core/nearest.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

const phaseKeys = ["run-as", "on-failure", "commands", "finally"];
const artifactKeys = [
  "files",
  "name",
  "discard-paths",
  "base-directory",
  "exclude-paths",
  "enable-symlinks",
  "s3-prefix",
];
const topKeys = ["version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"];
const envKeys = [
  "shell",
  "variables",
  "parameter-store",
  "secrets-manager",
  "exported-variables",
  "git-credential-helper",
];
const batchKeys = ["build-graph", "build-list", "build-matrix", "build-fanout", "fast-fail"];

export const buildspecUnknownKey: Rule = {
  id: "buildspec/unknown-key",
  severity: "warning",
  title: "a key that CodeBuild does not know",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-syntax",
  *run(context) {
    for (const { section, keys } of context.buildspec.unknownKeys) {
      for (const key of keys) {
        if (section.startsWith("phases.") && key.value === "environment") continue; // phases/environment-not-supported
        const parent = parentOf(section, key.value);
        const place = section === "buildspec" ? "at the top level" : `in \`${section}\``;
        const base = {
          span: key.span,
          why: "CodeBuild ignores it and prints `Found possible syntax errors in buildspec`",
        };
        if (parent !== undefined) {
          yield {
            ...base,
            severity: "error",
            message: `\`${key.value}\` stands ${place}, expected under \`${parent}\``,
          };
          continue;
        }
        const guess = guessFor(key.value, knownKeys(section));
        const finding: Finding = {
          ...base,
          message: `unknown key \`${key.value}\` ${place}${guess === undefined ? `; expected ${listed(knownKeys(section))}` : `; did you mean \`${guess}\`?`}`,
        };
        const fix = guess === undefined ? undefined : rename(context, key, guess);
        yield fix ? { ...finding, fix } : finding;
      }
    }
  },
};

function parentOf(section: string, key: string): string | undefined {
  const isPhase = (PHASE_NAMES as readonly string[]).includes(key);
  if (section === "buildspec") {
    if (isPhase) return "phases";
    if (batchKeys.includes(key)) return "batch";
    if (key === "variables" || key === "parameter-store" || key === "secrets-manager") return "env";
    if (key === "commands" || key === "finally") return "phases.<phase>";
    return undefined;
  }
  if (section.startsWith("phases.") && isPhase) return "phases";
  if (section.startsWith("phases.") && key === "runtime-versions") return "phases.install";
  return undefined;
}

/** The edit, unless the new name would stand twice or make the text unreadable. */
function rename(context: CheckContext, key: Located<string>, to: string): Fix | undefined {
  const { startOffset, endOffset } = key.span;
  const text = context.text.slice(0, startOffset) + to + context.text.slice(endOffset);
  const after = parseBuildspec(text, context.file);
  if (after.failure?.message !== context.parsed.failure?.message) return undefined;
  if (after.diagnostics.length > context.parsed.diagnostics.length) return undefined;
  return {
    kind: "edit",
    title: `rename it to \`${to}\``,
    edits: [{ file: context.file, startOffset, endOffset, newText: to }],
  };
}

/** The nearest key, or the one it begins (`exclude` for `exclude-paths`, `environment` for `env`). */
const guessFor = (key: string, known: readonly string[]): string | undefined =>
  nearest(key, known) ?? known.find((name) => name.startsWith(`${key}-`) || (name === "env" && key.startsWith("env")));

function knownKeys(section: string): readonly string[] {
  if (section === "buildspec") return topKeys;
  if (section === "phases") return PHASE_NAMES;
  if (section === "phases.install") return [...phaseKeys, "runtime-versions"];
  if (section.startsWith("phases.")) return phaseKeys;
  if (section === "artifacts") return [...artifactKeys, "secondary-artifacts"];
  if (section.startsWith("artifacts.")) return artifactKeys;
  if (section === "env") return envKeys;
  if (section === "cache") return ["paths", "key", "fallback-keys", "action"];
  if (section === "proxy") return ["upload-artifacts", "logs"];
  if (section === "environment_variables") return ["plaintext", "parameter-store"];
  return ["files", "file-format", "base-directory", "discard-paths"];
}

const listed = (keys: readonly string[]): string =>
  keys
    .map((key) => `\`${key}\``)
    .join(", ")
    .replace(/, ([^,]*)$/, " or $1");
