/**
 * Buildspec × project × StartBuild's overrides → BuildPlan. Pure.
 * Precedence of one variable name: StartBuild > project > buildspec (build-spec-ref.html#build-spec.env.variables).
 * Inside one buildspec AWS does not say; here secrets-manager > parameter-store > variables.
 * differs: `ssm:/name` values are resolved like `env.parameter-store` unless `strict` (docs/differences.md).
 */
import { MINUTE_MS } from "../../core/clock.ts";
import type { Diagnostic } from "../../core/diagnostics.ts";
import {
  type Artifacts,
  type Buildspec,
  type Cache,
  PHASE_NAMES,
  type Phase,
  parameterNameIn,
  type Report,
  type Variable,
} from "../buildspec/index.ts";
import type {
  BuildPlan,
  PlannedArtifacts,
  PlannedCache,
  PlannedCommand,
  PlannedPhase,
  PlannedReport,
  PlannedVariable,
  VariableOrigin,
} from "./build-plan.ts";
import { notDoneIn } from "./not-done.ts";
import { parseOnFailure } from "./on-failure.ts";
import { shellOf } from "./shell-of.ts";

/** A variable as CreateProject and StartBuild write it. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly value: string;
  /** Default `PLAINTEXT`. */
  readonly type?: "PLAINTEXT" | "PARAMETER_STORE" | "SECRETS_MANAGER" | undefined;
}

/** What a plan needs of a CodeBuild project; the members are CreateProject's. */
export interface PlanProject {
  readonly name: string;
  readonly environment: {
    readonly type: string;
    readonly image: string;
    readonly computeType: string;
    /** Default false. */
    readonly privilegedMode?: boolean | undefined;
    readonly environmentVariables?: readonly EnvironmentVariable[] | undefined;
  };
  /** Default 60. */
  readonly timeoutInMinutes?: number | undefined;
}

/** StartBuild's members that change the plan. */
export interface StartBuildOverrides {
  readonly environmentVariablesOverride?: readonly EnvironmentVariable[] | undefined;
  readonly imageOverride?: string | undefined;
  readonly computeTypeOverride?: string | undefined;
  readonly environmentTypeOverride?: string | undefined;
  readonly privilegedModeOverride?: boolean | undefined;
  readonly timeoutInMinutesOverride?: number | undefined;
}

export interface PlanInput {
  readonly buildspec: Buildspec;
  readonly project: PlanProject;
  readonly overrides?: StartBuildOverrides | undefined;
  /** AWS's grammar only: `ssm:/name` stays text, `environment` under a phase is ignored. Default false. */
  readonly strict?: boolean | undefined;
}

const defaultTimeoutMinutes = 60;
const reference =
  "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.parameter-store";
const phaseTypes = { install: "INSTALL", pre_build: "PRE_BUILD", build: "BUILD", post_build: "POST_BUILD" } as const;

/** What a run of `buildspec` in `project` will do, and what to say about it beforehand. */
export function planBuild(input: PlanInput): { plan: BuildPlan; diagnostics: Diagnostic[] } {
  const { buildspec, project, overrides = {}, strict = false } = input;
  const environment = project.environment;
  const fixed = [
    ...(environment.environmentVariables ?? []).map((variable) => given(variable, "project")),
    ...(overrides.environmentVariablesOverride ?? []).map((variable) => given(variable, "start-build")),
  ];
  const variables = lastOfEachName([...buildspecVariables(buildspec, strict), ...fixed]);
  const phaseVariables = strict ? [] : plannedPhaseVariables(buildspec, fixed, variables);
  const timeoutMinutes = overrides.timeoutInMinutesOverride ?? project.timeoutInMinutes ?? defaultTimeoutMinutes;
  const shell = shellOf(buildspec);
  const artifacts = buildspec.artifacts && plannedArtifacts(buildspec.artifacts);

  const plan: BuildPlan = {
    buildspecFile: buildspec.file,
    version: buildspec.version?.value ?? "0.2",
    shell: shell.shell,
    image: overrides.imageOverride ?? environment.image,
    computeType: overrides.computeTypeOverride ?? environment.computeType,
    environmentType: overrides.environmentTypeOverride ?? environment.type,
    privilegedMode: overrides.privilegedModeOverride ?? environment.privilegedMode ?? false,
    variables,
    phaseVariables,
    phases: PHASE_NAMES.flatMap((name) => {
      const phase = buildspec.phases.find((candidate) => candidate.name === name);
      return phase ? [plannedPhase(phase, buildspec)] : [];
    }),
    runtimeVersions: buildspec.phases.flatMap((phase) =>
      phase.runtimeVersions.map(({ runtime, version }) => ({
        runtime: runtime.value,
        version: version.value,
        line: runtime.span.line,
      })),
    ),
    exportedVariables: buildspec.env.exportedVariables.map(({ value }) => value),
    ...(artifacts && { artifacts }),
    secondaryArtifacts: (buildspec.artifacts?.secondary ?? []).map(({ identifier, artifacts: secondary }) => ({
      identifier: identifier.value,
      ...plannedArtifacts(secondary),
    })),
    ...(buildspec.cache && { cache: plannedCache(buildspec.cache) }),
    reports: buildspec.reports.map(plannedReport),
    gitCredentialHelper: buildspec.env.gitCredentialHelper?.value ?? false,
    proxy: {
      uploadArtifacts: buildspec.proxy?.uploadArtifacts?.value ?? false,
      logs: buildspec.proxy?.logs?.value ?? false,
    },
    unknownKeys: buildspec.unknownKeys.map(({ section, keys }) => ({ section, keys: keys.map(({ value }) => value) })),
    notDone: notDoneIn(buildspec),
    timeoutMs: timeoutMinutes * MINUTE_MS,
  };
  return {
    plan,
    diagnostics: [...shell.diagnostics, ...onFailureErrors(buildspec), ...extensionWarnings(buildspec, plan)],
  };
}

const given = (variable: EnvironmentVariable, source: "project" | "start-build"): PlannedVariable => ({
  name: variable.name,
  type: variable.type ?? "PLAINTEXT",
  value: variable.value,
  source,
});

/** A later value wins over an earlier one of its name, takes its place and remembers where it stood. */
function lastOfEachName(inOrder: readonly PlannedVariable[]): PlannedVariable[] {
  const byName = new Map<string, PlannedVariable>();
  for (const variable of inOrder) {
    const earlier = byName.get(variable.name);
    byName.set(variable.name, earlier ? { ...variable, overrides: placesOf(earlier) } : variable);
  }
  return [...byName.values()];
}

/** Where a value stands, and after it where those stood that it won over. */
const placesOf = ({ source, line, phase, overrides = [] }: PlannedVariable): VariableOrigin[] => [
  { source, ...(line !== undefined && { line }), ...(phase && { phase }) },
  ...overrides,
];

/** The variables of `env`, later sections winning over earlier ones. */
function buildspecVariables(buildspec: Buildspec, strict: boolean): PlannedVariable[] {
  const { variables, parameterStore, secretsManager } = buildspec.env;
  const as = (type: PlannedVariable["type"]) => (variable: Variable) =>
    located(variable, type, variable.value.value, "buildspec");
  return [
    ...variables.map((variable): PlannedVariable => {
      const parameterName = strict ? undefined : parameterNameIn(variable.value.value);
      if (parameterName === undefined) return as("PLAINTEXT")(variable);
      return { ...located(variable, "PARAMETER_STORE", parameterName, "buildspec"), extension: "ssm-reference" };
    }),
    ...parameterStore.map(as("PARAMETER_STORE")),
    ...secretsManager.map(as("SECRETS_MANAGER")),
  ];
}

const located = (
  variable: Variable,
  type: PlannedVariable["type"],
  value: string,
  source: PlannedVariable["source"],
): PlannedVariable => ({ name: variable.name.value, type, value, source, line: variable.name.span.line });

/** `environment.variables` under phases; the project and StartBuild win here too. */
function plannedPhaseVariables(
  buildspec: Buildspec,
  fixed: readonly PlannedVariable[],
  variables: readonly PlannedVariable[],
): PlannedVariable[] {
  return buildspec.phases.flatMap((phase) =>
    phase.environmentVariables
      .filter((variable) => !fixed.some(({ name }) => name === variable.name.value))
      .map((variable): PlannedVariable => {
        const parameterName = parameterNameIn(variable.value.value);
        const ofBuild = variables.find(({ name }) => name === variable.name.value);
        return {
          ...(parameterName === undefined
            ? located(variable, "PLAINTEXT", variable.value.value, "phase")
            : { ...located(variable, "PARAMETER_STORE", parameterName, "phase"), extension: "ssm-reference" as const }),
          phase: phase.name,
          ...(ofBuild && { overrides: placesOf(ofBuild) }),
        };
      }),
  );
}

function plannedPhase(phase: Phase, buildspec: Buildspec): PlannedPhase {
  const commands = (list: Phase["commands"]): PlannedCommand[] =>
    list.map(({ value, span }) => ({ text: value, line: span.line }));
  const runAs = phase.runAs ?? buildspec.runAs;
  return {
    name: phase.name,
    phaseType: phaseTypes[phase.name],
    commands: commands(phase.commands),
    finally: commands(phase.finally),
    ...(phase.onFailure && { onFailure: phase.onFailure.value }),
    ...(runAs && { runAs: runAs.value }),
  };
}

const plannedArtifacts = (artifacts: Artifacts): PlannedArtifacts => ({
  files: artifacts.files.map(({ value }) => value),
  ...(artifacts.baseDirectory && { baseDirectory: artifacts.baseDirectory.value }),
  excludePaths: artifacts.excludePaths.map(({ value }) => value),
  discardPaths: artifacts.discardPaths?.value ?? false,
  enableSymlinks: artifacts.enableSymlinks?.value ?? false,
  ...(artifacts.name && { name: artifacts.name.value }),
  ...(artifacts.s3Prefix && { s3Prefix: artifacts.s3Prefix.value }),
});

const plannedCache = ({ paths, key, fallbackKeys, action }: Cache): PlannedCache => ({
  paths: paths.map(({ value }) => value),
  ...(key && { key: key.value }),
  fallbackKeys: fallbackKeys.map(({ value }) => value),
  ...((action?.value === "restore" || action?.value === "save") && { action: action.value }),
});

const plannedReport = ({ group, files, fileFormat, baseDirectory, discardPaths }: Report): PlannedReport => ({
  group: group.value,
  files: files.map(({ value }) => value),
  fileFormat: fileFormat?.value.toUpperCase() ?? "JUNITXML",
  ...(baseDirectory && { baseDirectory: baseDirectory.value }),
  discardPaths: discardPaths?.value ?? false,
  line: group.span.line,
});

/** One error for each `on-failure` that says nothing known. */
const onFailureErrors = (buildspec: Buildspec): Diagnostic[] =>
  buildspec.phases.flatMap(({ onFailure }): Diagnostic[] => {
    const parsed = onFailure && parseOnFailure(onFailure.value);
    if (!onFailure || !parsed || parsed.ok) return [];
    return [
      {
        code: "phases/on-failure-unknown",
        severity: "error",
        message: parsed.error,
        span: onFailure.span,
        why: "what CodeBuild answers to it is not published; a build that goes on as if it were absent would surprise",
        source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases",
      },
    ];
  });

/** One warning for each `ssm:/name` that Kiln resolves and AWS would not. */
function extensionWarnings(buildspec: Buildspec, plan: BuildPlan): Diagnostic[] {
  const used = [...plan.variables, ...plan.phaseVariables].filter((variable) => variable.extension === "ssm-reference");
  return buildspec.ssmReferences.flatMap(({ variable, parameterName, phase }): Diagnostic[] => {
    const isUsed = used.some(
      (planned) => planned.name === variable.name.value && planned.phase === phase && planned.value === parameterName,
    );
    if (!isUsed) return [];
    return [
      {
        code: "env/ssm-reference-outside-parameter-store",
        severity: "warning",
        message: `\`${variable.name.value}\` is read from parameter \`${parameterName}\` here; CodeBuild ${
          phase ? "ignores `environment` under a phase" : `would leave the text \`${variable.value.value}\` as it is`
        }`,
        span: variable.value.span,
        why: "CodeBuild resolves parameter names only under `env.parameter-store`; `kiln check --fix` rewrites it",
        source: reference,
      },
    ];
  });
}
