/**
 * What is known about the build's variables before the first command: plaintext values, and values of parameters that
 * are not secret. A secret's value is never known here.
 */
import type { Buildspec } from "../../build/buildspec/index.ts";
import { parameterNameIn } from "../../build/buildspec/index.ts";
import type { Span } from "../../core/diagnostics.ts";
import type { CheckProject, KnownParameter, KnownVariable } from "../knowledge/knowledge.ts";

export interface VariableFact {
  /** Known text; undefined for secrets and for parameters nobody listed. */
  readonly value: string | undefined;
  readonly origin: "plaintext" | "parameter" | "secret";
  /** Name of the parameter or reference of the secret. */
  readonly reference?: string;
  /** Where the buildspec declares it. */
  readonly span?: Span;
  /** Span of the value in the buildspec. */
  readonly valueSpan?: Span;
}

export function knownVariables(input: {
  readonly buildspec: Buildspec;
  readonly project: CheckProject;
  readonly parameters: readonly KnownParameter[] | undefined;
}): Map<string, VariableFact> {
  const { buildspec, project, parameters } = input;
  const facts = new Map<string, VariableFact>();
  const parameter = (
    written: string,
    spans: Pick<VariableFact, "span" | "valueSpan">,
    isLenient = false,
  ): VariableFact => {
    const reference = isLenient ? existingName(parameters, written) : written;
    return { value: findParameter(parameters, reference)?.value, origin: "parameter", reference, ...spans };
  };
  const declared = [...buildspec.env.variables, ...buildspec.phases.flatMap((phase) => phase.environmentVariables)];
  for (const { name, value } of declared) {
    const spans = { span: name.span, valueSpan: value.span };
    const reference = parameterNameIn(value.value);
    facts.set(
      name.value,
      reference === undefined
        ? { value: value.value, origin: "plaintext", ...spans }
        : parameter(reference, spans, true),
    );
  }
  for (const { name, value } of buildspec.env.parameterStore) {
    facts.set(name.value, parameter(value.value, { span: name.span, valueSpan: value.span }));
  }
  for (const { name, value } of buildspec.env.secretsManager) {
    facts.set(name.value, {
      value: undefined,
      origin: "secret",
      reference: value.value,
      span: name.span,
      valueSpan: value.span,
    });
  }
  for (const variable of project.environmentVariables ?? []) facts.set(variable.name, fromProject(variable, parameter));
  return facts;
}

function fromProject(
  { type, value }: KnownVariable,
  parameter: (reference: string, spans: object) => VariableFact,
): VariableFact {
  // Known only once the stack exists.
  if (value === undefined) return { value, origin: type === "SECRETS_MANAGER" ? "secret" : "plaintext" };
  if (type === "PARAMETER_STORE") return parameter(value, {});
  if (type === "SECRETS_MANAGER") return { value: undefined, origin: "secret", reference: value };
  return { value, origin: "plaintext" };
}

/** The parameter a reference names: `name`, `/name`, `name:version`, or an ARN; the slash in front decides as on AWS. */
export function findParameter(
  parameters: readonly KnownParameter[] | undefined,
  reference: string,
): KnownParameter | undefined {
  const name = parameterNameOf(reference);
  return parameters?.find((parameter) => parameter.name === name);
}

/** The name as written or, when only that exists, with or without the slash in front: how `ssm:/name` is looked up. */
export function existingName(parameters: readonly KnownParameter[] | undefined, name: string): string {
  if (!parameters || findParameter(parameters, name)) return name;
  const other = name.startsWith("/") ? name.slice(1) : `/${name}`;
  return findParameter(parameters, other) ? other : name;
}

/** The name without version, label or ARN around it. */
export function parameterNameOf(reference: string): string {
  const arn = /^arn:[^:]*:ssm:[^:]*:[^:]*:parameter\/(.+)$/.exec(reference)?.[1];
  if (arn !== undefined) return arn.includes("/") ? `/${arn.split(":")[0]}` : (arn.split(":")[0] ?? arn);
  return reference.split(":")[0] ?? reference;
}
