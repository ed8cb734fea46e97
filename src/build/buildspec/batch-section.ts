/**
 * The `batch` section: four kinds of lists of builds, located. What the values mean, and whether they fit together, is
 * decided by build/batch; here only the grammar.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html
 * It is read by a reader of its own: what is wrong with it stops a batch in DOWNLOAD_BATCHSPEC, not a plain build of the
 * same file. Whether CodeBuild reads the section of a plain build at all is not documented.
 */
import { isMap, isSeq, type Node } from "yaml";
import type { Diagnostic, Span } from "../../core/diagnostics.ts";
import {
  type BatchKind,
  batchEnvGrammar,
  batchGrammar,
  fanoutGrammar,
  graphTaskGrammar,
  listTaskGrammar,
  matrixDynamicEnvGrammar,
  matrixDynamicGrammar,
  matrixGrammar,
  matrixStaticEnvGrammar,
  matrixStaticGrammar,
} from "./batch-grammar.ts";
import type { BuildspecFailure, Located, Variable } from "./buildspec.ts";
import { type Entry, nameOf, type SectionReader } from "./section-reader.ts";

export interface BatchSection {
  /** The key `batch` with everything below it. */
  readonly span: Span;
  readonly fastFail?: Located<boolean>;
  /** The kinds present, in file order; CodeBuild wants exactly one. */
  readonly kinds: readonly Located<BatchKind>[];
  readonly list?: readonly BatchTaskSection[];
  readonly graph?: readonly BatchTaskSection[];
  readonly matrix?: BatchMatrixSection;
  readonly fanout?: BatchFanoutSection;
  /** Keys that stand where CodeBuild's reference has none. */
  readonly unknownKeys: readonly {
    readonly section: string;
    readonly known: readonly string[];
    readonly keys: readonly Located<string>[];
  }[];
  /** Values of the wrong kind: the first one stops the batch. */
  readonly failure?: BuildspecFailure;
  readonly diagnostics: readonly Diagnostic[];
}

/** An item of `build-list` or `build-graph`. */
export interface BatchTaskSection {
  readonly span: Span;
  readonly identifier?: Located<string>;
  readonly buildspec?: Located<string>;
  readonly debugSession?: Located<boolean>;
  readonly dependsOn: readonly Located<string>[];
  readonly ignoreFailure?: Located<boolean>;
  readonly env: BatchEnvSection;
}

export interface BatchEnvSection {
  readonly computeType?: Located<string>;
  readonly fleet?: Located<string>;
  readonly image?: Located<string>;
  readonly privilegedMode?: Located<boolean>;
  readonly type?: Located<string>;
  readonly variables: readonly Variable[];
}

export interface BatchMatrixSection {
  readonly span: Span;
  readonly ignoreFailure?: Located<boolean>;
  readonly privilegedMode?: Located<boolean>;
  readonly type?: Located<string>;
  /** `dynamic`: each with its values; the builds are their product. In file order. */
  readonly dimensions: readonly BatchDimension[];
}

export interface BatchDimension {
  readonly of: "buildspec" | "compute-type" | "image" | "variable";
  /** The variable's name; else the key. */
  readonly name: Located<string>;
  readonly values: readonly Located<string>[];
}

export interface BatchFanoutSection {
  readonly span: Span;
  readonly parallelism?: Located<string>;
  readonly ignoreFailure?: Located<boolean>;
}

/** Reads the section. `reader` must be its own: its failure and findings become the section's. */
export function readBatch(reader: SectionReader, entry: Entry): BatchSection {
  return new BatchReader(reader).read(entry);
}

type TaskGrammar = typeof listTaskGrammar | typeof graphTaskGrammar;

class BatchReader {
  readonly #reader: SectionReader;

  constructor(reader: SectionReader) {
    this.#reader = reader;
  }

  read(entry: Entry): BatchSection {
    const reader = this.#reader;
    const at = entry.key.span;
    const found = reader.section(entry.node, "batch", at, batchGrammar);
    const fastFail = reader.boolean(found["fast-fail"], "batch.fast-fail");
    const list = found["build-list"];
    const graph = found["build-graph"];
    const matrix = found["build-matrix"];
    const fanout = found["build-fanout"];
    const kinds = [list, graph, matrix, fanout]
      .flatMap((kind) => (kind ? [kind.key as Located<BatchKind>] : []))
      .sort((a, b) => a.span.startOffset - b.span.startOffset);
    const read = {
      span: reader.spanning(at, reader.spanOf(entry.node, at)),
      ...(fastFail && { fastFail }),
      kinds,
      ...(list && { list: this.#tasks(list, "batch.build-list", listTaskGrammar) }),
      ...(graph && { graph: this.#tasks(graph, "batch.build-graph", graphTaskGrammar) }),
      ...(matrix && { matrix: this.#matrix(matrix) }),
      ...(fanout && { fanout: this.#fanout(fanout) }),
    };
    return {
      ...read,
      unknownKeys: reader.unknownKeys,
      ...(reader.failure && { failure: reader.failure }),
      diagnostics: reader.diagnostics,
    };
  }

  #tasks(entry: Entry, section: string, grammar: TaskGrammar): BatchTaskSection[] {
    const reader = this.#reader;
    if (reader.isEmpty(entry.node)) return [];
    const node = reader.resolve(entry.node);
    const span = reader.spanOf(entry.node, entry.key.span);
    if (!isSeq(node)) {
      reader.fail(`Expected ${section} to be a list: found ${nameOf(node)} instead at line ${span.line}`, span);
      return [];
    }
    return (node.items as Node[]).flatMap((item, index) => {
      if (reader.isEmpty(item)) return [];
      const itemSpan = reader.spanOf(item, span);
      const name = `${section}[${index}]`;
      if (!isMap(reader.resolve(item))) {
        reader.fail(
          `Expected ${name} to be a mapping: found ${nameOf(reader.resolve(item))} instead at line ${itemSpan.line}`,
          itemSpan,
        );
        return [];
      }
      return [this.#task(item, name, itemSpan, grammar)];
    });
  }

  #task(node: Node, section: string, span: Span, grammar: TaskGrammar): BatchTaskSection {
    const reader = this.#reader;
    const found = reader.section(node, section, span, grammar as typeof graphTaskGrammar);
    const identifier = reader.text(found.identifier, `${section}.identifier`);
    const buildspec = reader.text(found.buildspec, `${section}.buildspec`);
    const debugSession = reader.boolean(found["debug-session"], `${section}.debug-session`);
    const ignoreFailure = reader.boolean(found["ignore-failure"], `${section}.ignore-failure`);
    return {
      span,
      ...(identifier && { identifier }),
      ...(buildspec && { buildspec }),
      ...(debugSession && { debugSession }),
      dependsOn: reader.list(found["depend-on"], `${section}.depend-on`),
      ...(ignoreFailure && { ignoreFailure }),
      env: this.#env(found.env, `${section}.env`),
    };
  }

  #env(entry: Entry | undefined, section: string): BatchEnvSection {
    if (!entry) return { variables: [] };
    const reader = this.#reader;
    const found = reader.section(entry.node, section, entry.key.span, batchEnvGrammar);
    const computeType = reader.text(found["compute-type"], `${section}.compute-type`);
    const fleet = reader.text(found.fleet, `${section}.fleet`);
    const image = reader.text(found.image, `${section}.image`);
    const privilegedMode = reader.boolean(found["privileged-mode"], `${section}.privileged-mode`);
    const type = reader.text(found.type, `${section}.type`);
    return {
      ...(computeType && { computeType }),
      ...(fleet && { fleet }),
      ...(image && { image }),
      ...(privilegedMode && { privilegedMode }),
      ...(type && { type }),
      variables: reader.variables(found.variables, `${section}.variables`),
    };
  }

  #matrix(entry: Entry): BatchMatrixSection {
    const reader = this.#reader;
    const at = entry.key.span;
    const section = "batch.build-matrix";
    const found = reader.section(entry.node, section, at, matrixGrammar);
    const fixed = found.static
      ? reader.section(found.static.node, `${section}.static`, found.static.key.span, matrixStaticGrammar)
      : {};
    const fixedEnv = fixed.env
      ? reader.section(fixed.env.node, `${section}.static.env`, fixed.env.key.span, matrixStaticEnvGrammar)
      : {};
    const ignoreFailure = reader.boolean(fixed["ignore-failure"], `${section}.static.ignore-failure`);
    const privilegedMode = reader.boolean(fixedEnv["privileged-mode"], `${section}.static.env.privileged-mode`);
    const type = reader.text(fixedEnv.type, `${section}.static.env.type`);
    return {
      span: reader.spanning(at, reader.spanOf(entry.node, at)),
      ...(ignoreFailure && { ignoreFailure }),
      ...(privilegedMode && { privilegedMode }),
      ...(type && { type }),
      dimensions: found.dynamic ? this.#dimensions(found.dynamic, `${section}.dynamic`) : [],
    };
  }

  #dimensions(entry: Entry, section: string): BatchDimension[] {
    const reader = this.#reader;
    const found = reader.section(entry.node, section, entry.key.span, matrixDynamicGrammar);
    const env = found.env
      ? reader.section(found.env.node, `${section}.env`, found.env.key.span, matrixDynamicEnvGrammar)
      : {};
    const dimension = (of: BatchDimension["of"], from: Entry | undefined, path: string): BatchDimension[] =>
      from ? [{ of, name: from.key, values: reader.list(from, path) }] : [];
    const variables = env.variables
      ? reader.entries(env.variables.node, `${section}.env.variables`, env.variables.key.span)
      : [];
    return [
      ...dimension("buildspec", found.buildspec, `${section}.buildspec`),
      ...dimension("compute-type", env["compute-type"], `${section}.env.compute-type`),
      ...dimension("image", env.image, `${section}.env.image`),
      ...variables.flatMap((item) => dimension("variable", item, `${section}.env.variables.${item.key.value}`)),
    ];
  }

  #fanout(entry: Entry): BatchFanoutSection {
    const reader = this.#reader;
    const at = entry.key.span;
    const section = "batch.build-fanout";
    const found = reader.section(entry.node, section, at, fanoutGrammar);
    const parallelism = reader.text(found.parallelism, `${section}.parallelism`);
    const ignoreFailure = reader.boolean(found["ignore-failure"], `${section}.ignore-failure`);
    return {
      span: reader.spanning(at, reader.spanOf(entry.node, at)),
      ...(parallelism && { parallelism }),
      ...(ignoreFailure && { ignoreFailure }),
    };
  }
}
