/**
 * Policy documents compiled for evaluation, once per document object and once per text.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import type { PolicyDocument } from "../core/aws.ts";
import { type CompiledStatement, compileStatement } from "./statement.ts";
import { StatementIndex } from "./statement-index.ts";
import { splitVariables } from "./variables.ts";

export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[];
  readonly allows: StatementIndex;
  readonly denies: StatementIndex;
}

const byDocument = new WeakMap<PolicyDocument, CompiledPolicy>();
/** By text, the longest unused first. */
const byText = new Map<string, CompiledPolicy>();
let textsLength = 0;
const MAX_TEXTS = 2_000;
const MAX_TEXTS_LENGTH = 16_000_000;

/** The compiled form of a document; the same object for the same text. Anything but an object has no statements. */
export function compilePolicy(document: PolicyDocument): CompiledPolicy {
  if (typeof document !== "object" || document === null) return NO_POLICY;
  const known = byDocument.get(document);
  if (known) return known;
  const text = textOf(document);
  const compiled = (text === undefined ? undefined : byText.get(text)) ?? compile(document);
  byDocument.set(document, compiled);
  if (text !== undefined) remember(text, compiled);
  return compiled;
}

/** Undefined for a document that has no text: nested too deep for JSON.stringify, or with a circle. */
function textOf(document: PolicyDocument): string | undefined {
  try {
    return JSON.stringify(document);
  } catch {
    // The statements themselves are read without recursion, so the document can be compiled all the same.
    return undefined;
  }
}

function remember(text: string, compiled: CompiledPolicy): void {
  if (!byText.delete(text)) textsLength += text.length;
  byText.set(text, compiled);
  while (byText.size > MAX_TEXTS || textsLength > MAX_TEXTS_LENGTH) {
    const oldest = byText.keys().next().value as string;
    byText.delete(oldest);
    textsLength -= oldest.length;
  }
}

/** The condition keys and policy variables that a document reads, as written, sorted, each once. */
export function contextKeysUsed(document: PolicyDocument): string[] {
  const keys = new Map<string, string>();
  const add = (key: string) => keys.set(key.toLowerCase(), keys.get(key.toLowerCase()) ?? key);
  const addVariables = (text: string) => {
    for (const piece of splitVariables(text)) {
      if (typeof piece !== "string" && piece.literal === undefined) add(piece.key);
    }
  };
  for (const statement of compilePolicy(document).statements) {
    for (const condition of statement.conditions) {
      add(condition.key);
      if (hasVariables(document)) condition.values.forEach(addVariables);
    }
    if (hasVariables(document)) for (const resource of statement.resources ?? []) addVariables(resource.source);
  }
  return [...keys.values()].sort();
}

const hasVariables = (document: PolicyDocument): boolean => document["Version"] === "2012-10-17";

function compile(document: PolicyDocument): CompiledPolicy {
  const variables = hasVariables(document);
  const raw = document["Statement"];
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw];
  return compiledFrom(
    list.flatMap((statement, index) => compileStatement(statement, index, variables) ?? ([] as CompiledStatement[])),
  );
}

function compiledFrom(statements: readonly CompiledStatement[]): CompiledPolicy {
  const indexOf = (effect: CompiledStatement["effect"]) =>
    new StatementIndex(statements.filter((statement) => statement.effect === effect && !statement.defect));
  return { statements, allows: indexOf("Allow"), denies: indexOf("Deny") };
}

const NO_POLICY: CompiledPolicy = compiledFrom([]);
