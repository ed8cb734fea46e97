/**
 * The `batch` section × project → BatchPlan, or what stops the batch in DOWNLOAD_BATCHSPEC. Pure.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html,
 * https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BatchRestrictions.html
 * Gaps: AWS's texts (see batch-texts.ts), the pattern of identifiers, and what it does with unknown keys are not
 * published; unknown keys are findings here and stop nothing.
 */
import type { Diagnostic, Span } from "../../core/diagnostics.ts";
import { nearest } from "../../core/nearest.ts";
import {
  BATCH_IDENTIFIER,
  type BatchDimension,
  type BatchMatrixSection,
  type BatchSection,
  type BatchTaskSection,
  type BuildspecFailure,
  COMPUTE_TYPES,
  ENVIRONMENT_TYPES,
} from "../buildspec/index.ts";
import type { BatchPlan, BatchRestrictions, BatchTask, TaskEnvironment } from "./batch-plan.ts";
import * as texts from "./batch-texts.ts";
import { findCycle } from "./graph.ts";
import { generatedIdentifier, product, productSize } from "./matrix.ts";

export interface BatchPlanInput {
  /** Undefined when the buildspec has none: a failure. */
  readonly batch: BatchSection | undefined;
  readonly buildspecFile: string;
  /** What a task that says nothing runs on; only for the restrictions. */
  readonly environment?: { readonly computeType?: string | undefined; readonly fleet?: string | undefined } | undefined;
  readonly restrictions?: BatchRestrictions | undefined;
}

export interface PlannedBatch {
  /** Undefined when there is a failure. */
  readonly plan: BatchPlan | undefined;
  /** The first thing that stops the batch. */
  readonly failure?: BuildspecFailure;
  readonly diagnostics: readonly Diagnostic[];
}

export const DEFAULT_MAXIMUM_BUILDS = 100;
/** Identifier of the build group that fetches source and batchspec. */
export const DOWNLOAD_SOURCE = "DOWNLOAD_SOURCE";

const REFERENCE = "https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html";
const WHY = "a batch of this buildspec ends in DOWNLOAD_BATCHSPEC; a plain build of it does not";
const IDENTIFIER = new RegExp(BATCH_IDENTIFIER);
/** Values may name variables of the project; those are known when the batch runs. */
const HAS_VARIABLE = /\$/;

/** The builds of a batch, and what is wrong with it. Never throws. */
export function planBatch(input: BatchPlanInput): PlannedBatch {
  return new BatchPlanner(input).plan();
}

class BatchPlanner {
  readonly #input: BatchPlanInput;
  readonly #maximum: number;
  readonly #diagnostics: Diagnostic[] = [];
  #failure: BuildspecFailure | undefined;

  constructor(input: BatchPlanInput) {
    this.#input = input;
    this.#maximum = input.restrictions?.maximumBuildsAllowed ?? DEFAULT_MAXIMUM_BUILDS;
  }

  plan(): PlannedBatch {
    const { batch, buildspecFile } = this.#input;
    if (!batch) {
      const failure = { statusCode: "YAML_FILE_ERROR", message: texts.noBatch() } as const;
      return { plan: undefined, failure, diagnostics: [] };
    }
    this.#failure = batch.failure;
    for (const diagnostic of batch.diagnostics) {
      this.#diagnostics.push(
        diagnostic.severity === "error"
          ? { ...diagnostic, code: "batch/invalid", why: WHY, source: REFERENCE }
          : diagnostic,
      );
    }
    this.#sayUnknownKeys(batch);
    const [kind, ...more] = batch.kinds;
    if (!kind) this.#fail(texts.noKind(), batch.span);
    if (kind && more.length > 0) {
      this.#fail(texts.severalKinds([kind, ...more].map(({ value }) => value)), more[0]?.span ?? kind.span);
    }
    const tasks = kind ? this.#tasks(batch) : [];
    if (kind && tasks.length === 0 && !this.#failure) this.#fail(texts.noTasks(kind.value), kind.span);
    if (kind && !this.#failure && tasks.length > this.#maximum) {
      this.#fail(texts.tooManyBuilds(tasks.length, this.#maximum), kind.span);
    }
    this.#checkRestrictions(tasks, batch.span);
    const debugged = tasks.filter(({ debugSession }) => debugSession).map(({ identifier }) => identifier);
    const plan: BatchPlan | undefined =
      kind && !this.#failure
        ? {
            kind: kind.value,
            buildspecFile,
            fastFail: batch.fastFail?.value ?? false,
            tasks,
            notes: debugged.length > 0 ? [texts.debugSessionNote(debugged)] : [],
          }
        : undefined;
    return { plan, ...(this.#failure && { failure: this.#failure }), diagnostics: this.#diagnostics };
  }

  #fail(message: string, span: Span): void {
    this.#failure ??= { statusCode: "YAML_FILE_ERROR", message, span };
    this.#diagnostics.push({
      code: "batch/invalid",
      severity: "error",
      message,
      span,
      why: WHY,
      source: REFERENCE,
    });
  }

  #sayUnknownKeys(batch: BatchSection): void {
    for (const { section, keys, known } of batch.unknownKeys) {
      for (const key of keys) {
        this.#diagnostics.push({
          code: "batch/unknown-key",
          severity: "warning",
          message: `unknown key \`${key.value}\` in \`${section}\`; ${expectation(key.value, known)}`,
          span: key.span,
          why: "CodeBuild's reference has no such key there, so it has no effect",
          source: REFERENCE,
        });
      }
    }
  }

  #tasks(batch: BatchSection): BatchTask[] {
    if (batch.list) return this.#written(batch.list, "batch.build-list");
    if (batch.graph) return this.#written(batch.graph, "batch.build-graph");
    if (batch.matrix) return this.#matrix(batch.matrix);
    if (batch.fanout) return this.#fanout(batch.fanout);
    return [];
  }

  #written(sections: readonly BatchTaskSection[], name: string): BatchTask[] {
    const seen = new Map<string, Span>();
    for (const [index, { identifier, span }] of sections.entries()) {
      if (!identifier) {
        this.#fail(texts.noIdentifier(`${name}[${index}]`), span);
        continue;
      }
      if (!IDENTIFIER.test(identifier.value)) this.#fail(texts.badIdentifier(identifier.value), identifier.span);
      if (identifier.value === DOWNLOAD_SOURCE) this.#fail(texts.reservedIdentifier(identifier.value), identifier.span);
      if (seen.has(identifier.value)) this.#fail(texts.sameIdentifier(identifier.value), identifier.span);
      seen.set(identifier.value, identifier.span);
    }
    const tasks = sections.flatMap((section) => (section.identifier ? [this.#task(section, seen)] : []));
    const cycle = findCycle(tasks);
    if (cycle) this.#fail(texts.cycle(cycle), seen.get(cycle[0] ?? "") ?? sections[0]?.span ?? NOWHERE);
    return tasks;
  }

  #task(section: BatchTaskSection, known: ReadonlyMap<string, Span>): BatchTask {
    const identifier = section.identifier?.value ?? "";
    for (const dependency of section.dependsOn) {
      if (known.has(dependency.value)) continue;
      const others = [...known.keys()].filter((name) => name !== identifier);
      this.#fail(texts.unknownDependency(identifier, dependency.value, others), dependency.span);
    }
    const { computeType, fleet, image, privilegedMode, type, variables } = section.env;
    if (computeType && fleet) this.#fail(texts.computeTypeAndFleet(identifier), fleet.span);
    if (computeType) this.#checkValue("compute-type", computeType, COMPUTE_TYPES);
    if (type) this.#checkValue("type", type, ENVIRONMENT_TYPES);
    for (const { name } of variables) this.#checkVariable(name);
    return {
      identifier,
      ...(section.buildspec && { buildspec: section.buildspec.value }),
      dependsOn: [...new Set(section.dependsOn.map(({ value }) => value))],
      ignoreFailure: section.ignoreFailure?.value ?? false,
      debugSession: section.debugSession?.value ?? false,
      environment: {
        ...(computeType && { computeType: computeType.value }),
        ...(fleet && { fleet: fleet.value }),
        ...(image && { image: image.value }),
        ...(privilegedMode && { privilegedMode: privilegedMode.value }),
        ...(type && { type: type.value }),
      },
      variables: variables.map(({ name, value }) => ({ name: name.value, value: value.value })),
      line: section.span.line,
    };
  }

  #matrix(matrix: BatchMatrixSection): BatchTask[] {
    for (const { name, values, of } of matrix.dimensions) {
      if (values.length === 0) this.#fail(texts.noValues(name.value), name.span);
      if (of === "variable") this.#checkVariable(name);
      if (of === "compute-type") for (const value of values) this.#checkValue("compute-type", value, COMPUTE_TYPES);
    }
    if (matrix.type) this.#checkValue("type", matrix.type, ENVIRONMENT_TYPES);
    const size = productSize(matrix.dimensions);
    if (size > this.#maximum) {
      this.#fail(texts.tooManyBuilds(size, this.#maximum), matrix.span);
      return [];
    }
    return product<BatchDimension, BatchDimension["values"][number]>(matrix.dimensions).map(
      (combination, index): BatchTask => {
        const valueIn = (of: BatchDimension["of"]): string | undefined =>
          combination.find(({ dimension }) => dimension.of === of)?.value.value;
        const [buildspec, computeType, image] = [valueIn("buildspec"), valueIn("compute-type"), valueIn("image")];
        const environment: TaskEnvironment = {
          ...(computeType !== undefined && { computeType }),
          ...(image !== undefined && { image }),
          ...(matrix.privilegedMode && { privilegedMode: matrix.privilegedMode.value }),
          ...(matrix.type && { type: matrix.type.value }),
        };
        return {
          identifier: generatedIdentifier("build-matrix", index + 1),
          ...(buildspec !== undefined && { buildspec }),
          dependsOn: [],
          ignoreFailure: matrix.ignoreFailure?.value ?? false,
          debugSession: false,
          environment,
          variables: combination
            .filter(({ dimension }) => dimension.of === "variable")
            .map(({ dimension, value }) => ({ name: dimension.name.value, value: value.value })),
          line: combination.at(-1)?.value.span.line ?? matrix.span.line,
        };
      },
    );
  }

  #fanout(fanout: NonNullable<BatchSection["fanout"]>): BatchTask[] {
    const text = fanout.parallelism?.value;
    const count = /^\d{1,9}$/.test(text ?? "") ? Number(text) : 0;
    if (count < 1) {
      this.#fail(texts.badParallelism(text), fanout.parallelism?.span ?? fanout.span);
      return [];
    }
    if (count > this.#maximum) {
      this.#fail(texts.tooManyBuilds(count, this.#maximum), fanout.parallelism?.span ?? fanout.span);
      return [];
    }
    return Array.from(
      { length: count },
      (_, index): BatchTask => ({
        identifier: generatedIdentifier("build-fanout", index + 1),
        dependsOn: [],
        ignoreFailure: fanout.ignoreFailure?.value ?? false,
        debugSession: false,
        environment: {},
        variables: [],
        shard: { index, count },
        line: fanout.span.line,
      }),
    );
  }

  #checkRestrictions(tasks: readonly BatchTask[], span: Span): void {
    const { computeTypesAllowed = [], fleetsAllowed = [] } = this.#input.restrictions ?? {};
    for (const { identifier, environment } of tasks) {
      const fleet = environment.fleet ?? (environment.computeType ? undefined : this.#input.environment?.fleet);
      const computeType = environment.computeType ?? this.#input.environment?.computeType;
      if (fleet !== undefined) {
        if (fleetsAllowed.length > 0 && !fleetsAllowed.some((allowed) => fleetName(allowed) === fleetName(fleet))) {
          this.#fail(texts.fleetNotAllowed(identifier, fleet, fleetsAllowed), span);
        }
      } else if (computeTypesAllowed.length > 0 && computeType && !computeTypesAllowed.includes(computeType)) {
        this.#fail(texts.computeTypeNotAllowed(identifier, computeType, computeTypesAllowed), span);
      }
    }
  }

  #checkValue(key: string, { value, span }: { value: string; span: Span }, known: readonly string[]): void {
    if (!known.includes(value) && !HAS_VARIABLE.test(value)) this.#fail(texts.unknownValue(key, value, known), span);
  }

  #checkVariable({ value, span }: { value: string; span: Span }): void {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) this.#fail(texts.badVariableName(value), span);
  }
}

/** A fleet is named by name or by ARN (`…:fleet/<name>:<uuid>`). */
/** What to write instead of an unknown key: the words of other build services, the nearest one, or all there are. */
function expectation(key: string, known: readonly string[]): string {
  const meant = { "fail-fast": "fast-fail", needs: "depend-on", "allow-failure": "ignore-failure" }[key];
  const one = meant !== undefined && known.includes(meant) ? meant : nearest(key, known);
  return one === undefined ? `expected ${known.map((name) => `\`${name}\``).join(", ")}` : `did you mean \`${one}\`?`;
}

const fleetName = (nameOrArn: string): string => /:fleet\/([^:]+)/.exec(nameOrArn)?.[1] ?? nameOrArn;

const NOWHERE: Span = { file: "", line: 1, column: 1, endLine: 1, endColumn: 1, startOffset: 0, endOffset: 0 };
