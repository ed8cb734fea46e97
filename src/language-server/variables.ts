/** Variables in a buildspec: which there are, where each comes from, and where a text uses one. */
import { isSecretName, secretLookOf } from "../check/index.ts";
import type { Span } from "../core/diagnostics.ts";
import type { Analysis } from "./buildspecs.ts";
import { codebuildVariable, codebuildVariables } from "./codebuild-variables.ts";

export interface VariableOrigin {
  readonly name: string;
  /** One sentence, without the value of a secret. */
  readonly says: string;
  /** The name, where the buildspec declares it. */
  readonly span?: Span;
  /** The parameter or the secret behind it. */
  readonly parameter?: string;
  readonly secret?: string;
}

/** Every variable that is known before the first command; what overrides comes later, as on AWS. */
export function variablesOf({
  context,
  knowledge,
}: Pick<Analysis, "context" | "knowledge">): Map<string, VariableOrigin> {
  const found = new Map<string, VariableOrigin>();
  const add = (origin: VariableOrigin) => found.set(origin.name, origin);
  for (const [name, says] of Object.entries(codebuildVariables)) add({ name, says });
  const { env, phases, batch } = context.buildspec;
  for (const task of [...(batch?.list ?? []), ...(batch?.graph ?? [])]) {
    for (const { name } of task.env.variables) {
      add({
        name: name.value,
        says: `Set for builds of the batch, first for \`${task.identifier?.value ?? "?"}\`.`,
        span: name.span,
      });
    }
  }
  for (const { of, name } of batch?.matrix?.dimensions ?? []) {
    if (of === "variable") add({ name: name.value, says: "A dimension of the batch's matrix.", span: name.span });
  }
  for (const { name, value } of env.variables) {
    const isSecret = isSecretName(name.value) || secretLookOf(value.value) !== undefined;
    const shown = isSecret ? ", and a secret by its looks" : `: \`${value.value}\``;
    add({ name: name.value, says: `Plaintext in \`env.variables\`${shown}.`, span: name.span });
  }
  for (const { name, value } of env.parameterStore) {
    add({
      name: name.value,
      says: `The parameter \`${value.value}\`, by \`env.parameter-store\`.`,
      span: name.span,
      parameter: value.value,
    });
  }
  for (const { name, value } of env.secretsManager) {
    add({
      name: name.value,
      says: `The secret \`${value.value}\`, by \`env.secrets-manager\`.`,
      span: name.span,
      secret: value.value,
    });
  }
  for (const { name } of phases.flatMap((phase) => phase.environmentVariables)) {
    add({ name: name.value, says: "Under a phase, where CodeBuild ignores it.", span: name.span });
  }
  const project = knowledge.project;
  for (const { name, type } of project?.environmentVariables ?? []) {
    const kind = { PARAMETER_STORE: "a parameter", SECRETS_MANAGER: "a secret", PLAINTEXT: "plaintext" }[
      type ?? "PLAINTEXT"
    ];
    add({
      name,
      says: `Set by the project${project?.name === undefined ? "" : ` \`${project.name}\``} (${kind ?? type}).`,
    });
  }
  return found;
}

/** What is known of one name; also of names that end in a source's identifier. */
export function variableNamed(analysis: Analysis, name: string): VariableOrigin | undefined {
  const found = variablesOf(analysis).get(name);
  if (found) return found;
  const says = codebuildVariable(name);
  if (says !== undefined) return { name, says };
  const assigned = assignmentOf(analysis, name);
  return assigned && { name, says: "Set by a command of the build.", span: assigned };
}

/** The first command that assigns the name: `NAME=…`, `export NAME=…`. */
function assignmentOf({ context }: Analysis, name: string): Span | undefined {
  const pattern = new RegExp(`(?:^|[\\s;&|(])(${name})=`);
  for (const phase of context.buildspec.phases) {
    for (const { span } of [...phase.commands, ...phase.finally]) {
      const source = context.text.slice(span.startOffset, span.endOffset);
      const match = pattern.exec(source);
      if (!match) continue;
      const start = span.startOffset + match.index + match[0].length - name.length - 1;
      return context.spanOf(start, start + name.length);
    }
  }
  return undefined;
}

export interface VariableUse {
  readonly name: string;
  readonly startOffset: number;
  readonly endOffset: number;
}

const USE = /\$(?:\{#?([A-Za-z_]\w*)|([A-Za-z_]\w*))/g;

/** The `$NAME` or `${NAME` around an offset. */
export function variableUseAt(text: string, offset: number): VariableUse | undefined {
  const lineStart = offset === 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;
  const lineEnd = text.indexOf("\n", offset);
  for (const match of text.slice(lineStart, lineEnd === -1 ? text.length : lineEnd).matchAll(USE)) {
    const startOffset = lineStart + match.index;
    const endOffset = startOffset + match[0].length;
    const isEscaped = text[startOffset - 1] === "\\";
    if (!isEscaped && offset >= startOffset && offset <= endOffset) {
      return { name: match[1] ?? match[2] ?? "", startOffset, endOffset };
    }
  }
  return undefined;
}
