/** Parts of policy documents as IAM allows them: one statement or a list of them, one text or a list of texts. */
import type { PolicyDocument } from "../core/aws.ts";

export const statementsOf = (document: PolicyDocument): Record<string, unknown>[] =>
  [document["Statement"] ?? []].flat() as Record<string, unknown>[];

export const textsOf = (value: unknown): string[] =>
  [value ?? []].flat().filter((item): item is string => typeof item === "string");
