/** What the buildspec and the project read from Parameter Store and Secrets Manager, with the place it is written at. */
import type { Span } from "../../core/diagnostics.ts";
import type { CheckContext } from "../rule.ts";

export interface StoreReference {
  readonly variable: string;
  /** As written, without `ssm:`. */
  readonly written: string;
  /** Of the value; undefined for a variable of the project. */
  readonly span: Span | undefined;
  /** Written as `ssm:/name`, where CodeBuild resolves nothing. */
  readonly isExtension: boolean;
}

/** Parameters, those of the buildspec first. */
export function parameterReferences({ buildspec, project }: CheckContext): StoreReference[] {
  return [
    ...buildspec.env.parameterStore.map(({ name, value }) => ({
      variable: name.value,
      written: value.value,
      span: value.span,
      isExtension: false,
    })),
    ...buildspec.ssmReferences.map(({ variable, parameterName }) => ({
      variable: variable.name.value,
      written: parameterName,
      span: variable.value.span,
      isExtension: true,
    })),
    ...ofProject(project, "PARAMETER_STORE"),
  ].filter(({ written }) => !written.startsWith("ssm:"));
}

/** Secrets, those of the buildspec first. */
export function secretReferences({ buildspec, project }: CheckContext): StoreReference[] {
  return [
    ...buildspec.env.secretsManager.map(({ name, value }) => ({
      variable: name.value,
      written: value.value,
      span: value.span,
      isExtension: false,
    })),
    ...ofProject(project, "SECRETS_MANAGER"),
  ];
}

function ofProject({ environmentVariables = [] }: CheckContext["project"], wanted: string): StoreReference[] {
  return environmentVariables.flatMap(({ name, type, value }) =>
    type === wanted && value !== undefined
      ? [{ variable: name, written: value, span: undefined, isExtension: false }]
      : [],
  );
}

/** Made of variables or of a command's output: nobody knows it before the build. */
export const isComputed = (written: string): boolean => /[$`]/.test(written);
