/**
 * Buildspec text → located buildspec, CodeBuild's failure, findings. Pure; never throws.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html (tree, versions 0.1 and 0.2).
 * Gaps: CodeBuild's text for a missing or unsupported `version`, for missing `phases` and for wrong types is not
 * recorded, so those failures carry Kiln's wording; the name of the section in the warning about unknown keys at the
 * top level is not recorded either (`buildspec` here).
 */
import { isMap } from "yaml";
import type { Diagnostic } from "../../core/diagnostics.ts";
import { readBatch } from "./batch-section.ts";
import type { Buildspec, BuildspecEnv, BuildspecFailure, Located, Phase, SsmReference, Variable } from "./buildspec.ts";
import { buildspecGrammar, envGrammar, oldEnvGrammar, proxyGrammar } from "./buildspec-grammar.ts";
import { BUILDSPEC_VERSIONS, type BuildspecVersion, buildspecReference } from "./grammar.ts";
import { readArtifacts, readCache, readReports } from "./outputs.ts";
import { readPhases } from "./phases.ts";
import { type Entry, nameOf, SectionReader } from "./section-reader.ts";
import { readYaml } from "./yaml-source.ts";

/** Larger texts are refused: no real buildspec comes near, and analysis must stay quick. */
export const maxBuildspecBytes = 1024 * 1024;

export interface ParsedBuildspec {
  /** Best effort when there is a failure; undefined when nothing could be read. */
  readonly buildspec: Buildspec | undefined;
  /** What stops the build in DOWNLOAD_SOURCE. */
  readonly failure?: BuildspecFailure;
  readonly diagnostics: readonly Diagnostic[];
  /** The text is not YAML, so `buildspec` is what could be made of it. */
  readonly isGuess?: true;
}

/** Reads a buildspec. `file` is the path shown to people, e.g. `buildspec.yml`. */
export function parseBuildspec(text: string, file: string): ParsedBuildspec {
  if (Buffer.byteLength(text) > maxBuildspecBytes) return tooLarge(text, file);
  const { source, problems, documents } = readYaml(file, text);
  const writtenVersion = versionOf(source.document.contents);
  const reader = new SectionReader(source, writtenVersion);
  for (const { problem, explanation, startOffset, endOffset } of problems.slice(0, 1)) {
    const span = source.spanOf(startOffset, endOffset);
    reader.fail(`${problem} at line ${span.line}`, span, { message: explanation });
  }
  const top = source.spanOf(0, 0);
  if (documents > 1) {
    reader.warn(
      "the file holds several YAML documents",
      top,
      "a buildspec is one document; only the first is read here",
    );
  }
  const root = reader.resolve(source.document.contents ?? undefined);
  if (reader.isEmpty(root) || nameOf(root) !== "subkeys") {
    // The text is reported by users for files that are not a mapping; its exact cause is not documented.
    reader.fail("wrong number of container tags, expected 1", top, {
      message: reader.isEmpty(root) ? "the buildspec is empty" : `the buildspec is ${nameOf(root)}, expected a mapping`,
    });
    return {
      buildspec: undefined,
      ...(reader.failure && { failure: reader.failure }),
      diagnostics: reader.diagnostics,
    };
  }

  const found = reader.section(root, "buildspec", top, buildspecGrammar);
  const version = reader.text(found.version, "version");
  const env = found.environment_variables
    ? readOldEnv(reader, found.environment_variables)
    : readEnv(reader, found.env);
  const phases = readPhases(reader, found.phases);
  const artifacts = readArtifacts(reader, found.artifacts);
  const cache = readCache(reader, found.cache);
  const reports = readReports(reader, found.reports);
  const proxy = found.proxy && reader.section(found.proxy.node, "proxy", found.proxy.key.span, proxyGrammar);
  const uploadArtifacts = reader.boolean(proxy?.["upload-artifacts"], "proxy.upload-artifacts");
  const proxyLogs = reader.boolean(proxy?.logs, "proxy.logs");
  const runAs = reader.text(found["run-as"], "run-as");

  if (problems.length === 0) checkRequired(reader, version, found.phases, found.batch, top);

  const buildspec: Buildspec = {
    file,
    text,
    ...(version && { version }),
    ...(runAs && { runAs }),
    env,
    phases,
    ...(artifacts && { artifacts }),
    ...(cache && { cache }),
    reports,
    ...(proxy && { proxy: { ...(uploadArtifacts && { uploadArtifacts }), ...(proxyLogs && { logs: proxyLogs }) } }),
    ...(found.batch && { batch: readBatch(new SectionReader(source, writtenVersion), found.batch) }),
    unknownKeys: reader.unknownKeys,
    ssmReferences: ssmReferencesIn(env, phases),
  };
  // After a syntax error the tree is a guess; what it seems to lack would only distract.
  const diagnostics = problems.length > 0 ? reader.diagnostics.slice(0, 1) : reader.diagnostics;
  return {
    buildspec,
    ...(reader.failure && { failure: reader.failure }),
    diagnostics,
    ...(problems.length > 0 && { isGuess: true }),
  };
}

/** Which keys are known follows from it, so it is looked at before them; what is no version reads as the current one. */
function versionOf(root: unknown): BuildspecVersion {
  const found = isMap(root) ? root.get("version") : undefined;
  return BUILDSPEC_VERSIONS.find((version) => version === found) ?? "0.2";
}

function checkRequired(
  reader: SectionReader,
  version: Located<string> | undefined,
  phases: Entry | undefined,
  batch: Entry | undefined,
  top: Located<string>["span"],
): void {
  if (!version) {
    reader.fail("the buildspec has no version, expected `version: 0.2`", top, {
      code: "buildspec/missing-version",
      message: "the buildspec has no `version`",
      why: "CodeBuild's reference requires it, and the build stops in DOWNLOAD_SOURCE",
    });
  } else if (!BUILDSPEC_VERSIONS.some((known) => known === version.value)) {
    reader.fail(`version ${version.value} is not supported, expected 0.2 or 0.1`, version.span, {
      message: `version \`${version.value}\` is not supported, expected \`0.2\` or \`0.1\``,
    });
  }
  if (!phases && !batch) {
    reader.fail("the buildspec has no phases", top, {
      message: "the buildspec has no `phases`, expected install, pre_build, build or post_build under it",
    });
  }
}

function readEnv(reader: SectionReader, entry: Entry | undefined): BuildspecEnv {
  if (!entry) return { variables: [], parameterStore: [], secretsManager: [], exportedVariables: [] };
  const at = entry.key.span;
  const found = reader.section(entry.node, "env", at, envGrammar);
  const shell = reader.text(found.shell, "env.shell");
  const gitCredentialHelper = reader.boolean(found["git-credential-helper"], "env.git-credential-helper");
  return {
    ...(shell && { shell }),
    variables: reader.variables(found.variables, "env.variables"),
    parameterStore: reader.variables(found["parameter-store"], "env.parameter-store"),
    secretsManager: reader.variables(found["secrets-manager"], "env.secrets-manager"),
    exportedVariables: reader.list(found["exported-variables"], "env.exported-variables"),
    ...(gitCredentialHelper && { gitCredentialHelper }),
    span: reader.spanning(at, reader.spanOf(entry.node, at)),
  };
}

/** Version 0.1: `environment_variables: { plaintext, parameter-store }`. */
function readOldEnv(reader: SectionReader, entry: Entry): BuildspecEnv {
  const at = entry.key.span;
  const found = reader.section(entry.node, "environment_variables", at, oldEnvGrammar);
  return {
    variables: reader.variables(found.plaintext, "environment_variables.plaintext"),
    parameterStore: reader.variables(found["parameter-store"], "environment_variables.parameter-store"),
    secretsManager: [],
    exportedVariables: [],
    span: reader.spanning(at, reader.spanOf(entry.node, at)),
  };
}

/** The parameter named by an `ssm:/name` value, or undefined when the text is something else. */
export function parameterNameIn(value: string): string | undefined {
  return /^ssm:(\/?[A-Za-z0-9_.-][A-Za-z0-9_./-]*(?::[A-Za-z0-9_.-]+)?)$/.exec(value.trim())?.[1];
}

function ssmReferencesIn(env: BuildspecEnv, phases: readonly Phase[]): SsmReference[] {
  const references = (variables: readonly Variable[], phase?: Phase): SsmReference[] =>
    variables.flatMap((variable) => {
      const parameterName = parameterNameIn(variable.value.value);
      return parameterName === undefined ? [] : [{ variable, parameterName, ...(phase && { phase: phase.name }) }];
    });
  return [...references(env.variables), ...phases.flatMap((phase) => references(phase.environmentVariables, phase))];
}

function tooLarge(text: string, file: string): ParsedBuildspec {
  const span = { file, line: 1, column: 1, endLine: 1, endColumn: 1, startOffset: 0, endOffset: 0 };
  const message = `the buildspec is ${Buffer.byteLength(text)} bytes, expected at most ${maxBuildspecBytes}`;
  return {
    buildspec: undefined,
    failure: { statusCode: "YAML_FILE_ERROR", message, span },
    diagnostics: [{ code: "buildspec/syntax", severity: "error", message, span, source: buildspecReference }],
  };
}
