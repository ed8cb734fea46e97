/**
 * Keys CodeBuild does not know: it ignores them and prints "Found possible syntax errors in buildspec". What is lost with
 * a phase, a section or a list of commands is not run or not made, so those are errors: misspelt, at the wrong level,
 * or the words of another build service.
 */
import { buildspecGrammar, keysOf, type Located, parseBuildspec } from "../../build/buildspec/index.ts";
import type { Fix } from "../../core/diagnostics.ts";
import { nearest } from "../../core/nearest.ts";
import { ownValue } from "../../core/own-value.ts";
import { withEdits } from "../edits/apply-fixes.ts";
import { moveBlock } from "../edits/move-block.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

const { env, batch, phases } = buildspecGrammar.keys;
const topKeys: readonly string[] = keysOf(buildspecGrammar);
const phaseNames: readonly string[] = keysOf(phases.value.section);
const phaseKeys: readonly string[] = keysOf(phases.value.section.keys.install.value.section);
const batchKeys: readonly string[] = keysOf(batch.value.section);
const envKeys: readonly string[] = keysOf(env.value.section);

export const buildspecUnknownKey: Rule = {
  id: "buildspec/unknown-key",
  severity: "warning",
  title: "a key that CodeBuild does not know",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-syntax",
  *run(context) {
    const created = new Set<string>();
    for (const { section, known, keys } of context.buildspec.unknownKeys) {
      for (const key of keys) {
        if (section.startsWith("phases.") && key.value === "environment") continue; // phases/environment-not-supported
        yield findingFor(context, section, known, key, created);
      }
    }
  },
};

function findingFor(
  context: CheckContext,
  section: string,
  known: readonly string[],
  key: Located<string>,
  created: Set<string>,
): Finding {
  const place = section === "buildspec" ? "at the top level" : `in \`${section}\``;
  const base = {
    span: key.span,
    why: "CodeBuild ignores it and prints `Found possible syntax errors in buildspec`",
  };
  if (section === "buildspec" && key.value === "environment_variables") return oldEnvironment(context, key);
  const parent = parentOf(section, key.value);
  if (parent !== undefined) {
    const where = parent.length === 0 ? "at the top level" : `under \`${parent.join(".")}\``;
    const move = parent.includes("<phase>") ? undefined : moveBlock(context, key, parent);
    // The next one finds the section there, once this one is moved.
    const isFirst = move?.creates === undefined || !created.has(move.creates);
    if (move?.creates !== undefined) created.add(move.creates);
    const title = parent.length === 0 ? "move it to the top level" : `move it under \`${parent.join(".")}\``;
    return {
      ...base,
      severity: "error",
      message: `\`${key.value}\` stands ${place}, expected ${where}`,
      ...(move && isFirst && { fix: { kind: "edit", title, edits: move.edits } }),
    };
  }
  const foreign = foreignKey(section, key.value);
  if (foreign !== undefined) {
    const fix = known.includes(foreign.means) ? rename(context, key, foreign.means) : undefined;
    return {
      ...base,
      severity: "error",
      message: `\`${key.value}\` ${place} is a key of ${foreign.of}, expected \`${foreign.means}\``,
      ...(fix && { fix }),
    };
  }
  if (section === "buildspec" && PROJECT_KEYS.has(key.value)) {
    return { ...base, message: `\`${key.value}\` is a setting of the project, not of the buildspec` };
  }
  const guess = guessFor(key.value, known);
  const fix = guess === undefined ? undefined : rename(context, key, guess);
  return {
    ...base,
    ...(guess !== undefined && isMeaningful(section, guess) && { severity: "error" }),
    message: `unknown key \`${key.value}\` ${place}${guess === undefined ? `; expected ${listed(known)}` : `; did you mean \`${guess}\`?`}`,
    ...(fix && { fix }),
  };
}

/** Without it commands do not run, or files are not kept: the build does something else than it says. */
const isMeaningful = (section: string, key: string): boolean =>
  section === "phases" || key === "commands" || key === "finally" || (section === "buildspec" && key !== "version");

/** Keys from the root to the section that has the key, where only one has; `[]` is the top level. */
function parentOf(section: string, key: string): readonly string[] | undefined {
  const isPhase = phaseNames.includes(key);
  if (section === "buildspec") {
    if (isPhase) return ["phases"];
    if (batchKeys.includes(key)) return ["batch"];
    if (envKeys.includes(key)) return ["env"];
    if (key === "runtime-versions") return ["phases", "install"];
    if (phaseKeys.includes(key)) return ["phases", "<phase>"];
    if (key === "secondary-artifacts") return ["artifacts"];
    return undefined;
  }
  if (section === "phases") {
    if (topKeys.includes(key)) return key === "run-as" ? undefined : [];
    if (key === "runtime-versions") return ["phases", "install"];
    return phaseKeys.includes(key) ? ["phases", "<phase>"] : undefined;
  }
  if (section.startsWith("phases.")) {
    if (isPhase) return ["phases"];
    if (key === "runtime-versions") return ["phases", "install"];
    if (key === "variables" || key === "parameter-store" || key === "secrets-manager") return ["env"];
    return topKeys.includes(key) ? [] : undefined;
  }
  if (section === "artifacts" || section.startsWith("reports.") || section === "cache" || section === "env") {
    // `name` and `files` are known here; what is left belongs to the whole file.
    return ["artifacts", "reports", "cache", "phases", "batch"].includes(key) ? [] : undefined;
  }
  return undefined;
}

interface Foreign {
  readonly of: string;
  readonly means: string;
}

/** Words of other build services, and what CodeBuild has for them. */
function foreignKey(section: string, key: string): Foreign | undefined {
  if (section === "buildspec") return ownValue(FOREIGN_TOP, key);
  if (section === "phases") return ownValue(FOREIGN_PHASES, key);
  if (section.startsWith("phases.")) return ownValue(FOREIGN_IN_PHASE, key);
  if (section === "cache" && key === "directories") return { of: "Travis CI", means: "paths" };
  if (section === "artifacts" && (key === "paths" || key === "path")) return { of: "GitLab CI", means: "files" };
  return undefined;
}

const FOREIGN_TOP: Readonly<Record<string, Foreign>> = {
  jobs: { of: "GitHub Actions", means: "phases" },
  steps: { of: "GitHub Actions", means: "phases" },
  stages: { of: "GitLab CI", means: "phases" },
  script: { of: "Travis CI", means: "phases.build.commands" },
  before_install: { of: "Travis CI", means: "phases.install.commands" },
  before_script: { of: "Travis CI", means: "phases.pre_build.commands" },
  after_script: { of: "Travis CI", means: "phases.post_build.commands" },
  after_success: { of: "Travis CI", means: "phases.post_build.commands" },
  deploy: { of: "Travis CI", means: "phases.post_build.commands" },
};

const FOREIGN_PHASES: Readonly<Record<string, Foreign>> = {
  before_install: { of: "Travis CI", means: "install" },
  before_script: { of: "Travis CI", means: "pre_build" },
  script: { of: "Travis CI", means: "build" },
  after_script: { of: "Travis CI", means: "post_build" },
  after_success: { of: "Travis CI", means: "post_build" },
};

const FOREIGN_IN_PHASE: Readonly<Record<string, Foreign>> = {
  steps: { of: "GitHub Actions", means: "commands" },
  run: { of: "GitHub Actions", means: "commands" },
  script: { of: "GitLab CI", means: "commands" },
  scripts: { of: "GitLab CI", means: "commands" },
  before_script: { of: "GitLab CI", means: "commands" },
  after_script: { of: "GitLab CI", means: "finally" },
};

/** What CreateProject takes; a buildspec cannot set it. */
const PROJECT_KEYS: ReadonlySet<string> = new Set([
  "image",
  "compute-type",
  "computeType",
  "privileged",
  "privileged-mode",
  "privilegedMode",
  "timeout",
  "timeoutInMinutes",
  "service-role",
  "serviceRole",
  "source",
  "vpc-config",
  "vpcConfig",
]);

/** Version 0.1's section in a file of version 0.2: its variables are unset. */
function oldEnvironment(context: CheckContext, key: Located<string>): Finding {
  const { file, text } = context;
  const section = /^[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*[ \t]+(plaintext)\s*:/.exec(text.slice(key.span.startOffset));
  const plaintext = section === null ? -1 : key.span.startOffset + section[0].lastIndexOf("plaintext");
  const edits = [
    { file, startOffset: key.span.startOffset, endOffset: key.span.endOffset, newText: "env" },
    ...(plaintext === -1
      ? []
      : [{ file, startOffset: plaintext, endOffset: plaintext + "plaintext".length, newText: "variables" }]),
  ];
  const after = parseBuildspec(withEdits(text, edits), file);
  const isCertain =
    !after.isGuess &&
    after.buildspec?.unknownKeys.every(({ section: at }) => at !== "env") === true &&
    after.diagnostics.length <= context.parsed.diagnostics.length &&
    after.failure?.message === context.parsed.failure?.message &&
    context.buildspec.env.span === undefined;
  return {
    severity: "error",
    message: "`environment_variables` is version 0.1's, expected `env` with `variables` in version 0.2",
    span: key.span,
    why: "CodeBuild ignores it and prints `Found possible syntax errors in buildspec`, so the variables are unset",
    ...(isCertain && { fix: { kind: "edit", title: "write `env` and `variables`", edits } }),
  };
}

/** The edit, unless the new name would stand twice or make the text unreadable. */
function rename(context: CheckContext, key: Located<string>, to: string): Fix | undefined {
  const { startOffset, endOffset } = key.span;
  const edits = [{ file: context.file, startOffset, endOffset, newText: to }];
  const after = parseBuildspec(withEdits(context.text, edits), context.file);
  if (after.failure && after.failure.message !== context.parsed.failure?.message) return undefined;
  if (after.diagnostics.length > context.parsed.diagnostics.length) return undefined;
  return { kind: "edit", title: `rename it to \`${to}\``, edits };
}

/** The nearest key, the one in other spelling (`preBuild`), or the one it begins (`exclude` for `exclude-paths`, `environment` for `env`). */
function guessFor(key: string, known: readonly string[]): string | undefined {
  const plain = (name: string): string => name.toLowerCase().replace(/[-_ ]/g, "");
  return (
    known.find((name) => plain(name) === plain(key)) ??
    nearest(key, known) ??
    known.find((name) => name.startsWith(`${key}-`) || (name === "env" && key.startsWith("env")))
  );
}

const listed = (keys: readonly string[]): string =>
  keys
    .map((key) => `\`${key}\``)
    .join(", ")
    .replace(/, ([^,]*)$/, " or $1");
