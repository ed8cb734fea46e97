/**
 * Policy documents compiled for evaluation: statements with ready matchers, indexed by service and action so that a
 * decision looks only at the statements that can apply. Compiled once per document object, and once per text.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import type { PolicyDocument } from "../core/aws.ts";
import { type ConditionTest, compileCondition } from "./conditions/condition.ts";
import { compileNotPrincipal, compilePrincipal, listOfStrings, type PrincipalMatcher } from "./principals.ts";
import { type ArnPattern, compileArnPattern } from "./resource-pattern.ts";
import { compilePattern, type Pattern } from "./wildcard.ts";

/** `service:Name` of a request or a policy, in lower case. */
export interface ActionName {
  readonly service: string;
  readonly name: string;
}

interface ActionPattern {
  readonly source: string;
  matches(action: ActionName): boolean;
}

export interface CompiledStatement {
  /** 0-based, in the document. */
  readonly index: number;
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly ActionPattern[];
  readonly isNotAction: boolean;
  /** Undefined when the statement has neither Resource nor NotResource (trust policies): every resource. */
  readonly resources: readonly ArnPattern[] | undefined;
  readonly isNotResource: boolean;
  /** Undefined when the statement has neither Principal nor NotPrincipal. */
  readonly principal: PrincipalMatcher | undefined;
  /** The element as written, for explanations. */
  readonly principalElement: unknown;
  readonly conditions: readonly ConditionTest[];
}

export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[];
  readonly allows: StatementIndex;
  readonly denies: StatementIndex;
}

const byDocument = new WeakMap<PolicyDocument, CompiledPolicy>();
const byText = new Map<string, CompiledPolicy>();
const MAX_TEXTS = 2_000;

/** The compiled form of a document; the same object for the same text. */
export function compilePolicy(document: PolicyDocument): CompiledPolicy {
  const known = byDocument.get(document);
  if (known) return known;
  const text = JSON.stringify(document);
  const compiled = byText.get(text) ?? compile(document);
  byDocument.set(document, compiled);
  byText.delete(text);
  byText.set(text, compiled);
  if (byText.size > MAX_TEXTS) byText.delete(byText.keys().next().value as string);
  return compiled;
}

/** The condition keys and policy variables that a document reads, as written, sorted, each once. */
export function contextKeysUsed(document: PolicyDocument): string[] {
  const keys = new Map<string, string>();
  const add = (key: string) => keys.set(key.toLowerCase(), keys.get(key.toLowerCase()) ?? key);
  const addVariables = (text: string) => {
    for (const [, key = ""] of text.matchAll(/\$\{([^},*?$]+)/g)) add(key);
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
  const list = Array.isArray(raw) ? raw : [raw];
  const statements: CompiledStatement[] = [];
  list.forEach((statement: unknown, index) => {
    const compiled = compileStatement(statement, index, variables);
    if (compiled) statements.push(compiled);
  });
  return {
    statements,
    allows: indexOf(statements.filter((statement) => statement.effect === "Allow")),
    denies: indexOf(statements.filter((statement) => statement.effect === "Deny")),
  };
}

function compileStatement(raw: unknown, index: number, variables: boolean): CompiledStatement | undefined {
  if (typeof raw !== "object" || raw === null) return undefined;
  const statement = raw as Readonly<Record<string, unknown>>;
  const effect = statement["Effect"];
  if (effect !== "Allow" && effect !== "Deny") return undefined;
  const isNotAction = "NotAction" in statement;
  const isNotResource = "NotResource" in statement;
  const hasResource = isNotResource || "Resource" in statement;
  const resources = listOfStrings(statement[isNotResource ? "NotResource" : "Resource"]);
  const sid = statement["Sid"];
  return {
    index,
    sid: typeof sid === "string" && sid !== "" ? sid : undefined,
    effect,
    actions: listOfStrings(statement[isNotAction ? "NotAction" : "Action"]).map(compileActionPattern),
    isNotAction,
    resources: hasResource
      ? resources.map((source) => compileArnPattern(source, { variables, isCondition: false }))
      : undefined,
    isNotResource,
    principal:
      "NotPrincipal" in statement
        ? compileNotPrincipal(statement["NotPrincipal"], effect)
        : "Principal" in statement
          ? compilePrincipal(statement["Principal"])
          : undefined,
    principalElement: statement["NotPrincipal"] ?? statement["Principal"],
    conditions: compileCondition(statement["Condition"], variables),
  };
}

/** An action pattern with its service and, when it has no wildcard, its exact name. */
interface CompiledAction extends ActionPattern {
  /** Undefined for a lone `*`. */
  readonly service: string | undefined;
  readonly name: Pattern;
}

const EVERY_NAME = compilePattern("*", { wildcards: true, variables: false });

function compileActionPattern(source: string): CompiledAction {
  const colon = source.indexOf(":");
  if (colon === -1) {
    // AWS: of the texts without a colon only the lone `*` is an action.
    const isEverything = source === "*";
    return { source, service: isEverything ? undefined : "", name: EVERY_NAME, matches: () => isEverything };
  }
  const service = source.slice(0, colon).toLowerCase();
  const name = compilePattern(source.slice(colon + 1).toLowerCase(), { wildcards: true, variables: false });
  return {
    source,
    service,
    name,
    matches: (action) => action.service === service && name.matches(action.name, noContext),
  };
}

const noContext = () => undefined;

/** Statements of one effect, found by action. */
class StatementIndex {
  /** Statements with `*` or NotAction: their actions are tested one by one. */
  readonly #any: CompiledStatement[] = [];
  readonly #byService = new Map<string, { exact: Map<string, CompiledStatement[]>; patterns: PatternEntry[] }>();
  readonly #candidates = new WeakMap<ActionName, readonly CompiledStatement[]>();

  constructor(statements: readonly CompiledStatement[]) {
    for (const statement of statements) {
      const actions = statement.actions as readonly CompiledAction[];
      if (statement.isNotAction || actions.some((action) => action.service === undefined)) {
        this.#any.push(statement);
        continue;
      }
      for (const action of actions) this.#add(action, statement);
    }
  }

  #add(action: CompiledAction, statement: CompiledStatement): void {
    const service = action.service as string;
    const entry = this.#byService.get(service) ?? { exact: new Map<string, CompiledStatement[]>(), patterns: [] };
    this.#byService.set(service, entry);
    const exact = action.name.literal;
    if (exact === undefined) entry.patterns.push({ name: action.name, statement });
    else entry.exact.set(exact, [...(entry.exact.get(exact) ?? []), statement]);
  }

  /** The statements whose action matches; remembered, because callers ask for the same few actions again and again. */
  candidates(action: ActionName): readonly CompiledStatement[] {
    // invariant: request.ts hands out one ActionName object per action text.
    const known = this.#candidates.get(action);
    if (known) return known;
    const entry = this.#byService.get(action.service);
    const found = new Set<CompiledStatement>(entry?.exact.get(action.name));
    for (const { name, statement } of entry?.patterns ?? []) {
      if (name.matches(action.name, noContext)) found.add(statement);
    }
    for (const statement of this.#any) if (matchesAction(statement, action)) found.add(statement);
    const candidates = [...found];
    this.#candidates.set(action, candidates);
    return candidates;
  }
}

interface PatternEntry {
  readonly name: Pattern;
  readonly statement: CompiledStatement;
}

const indexOf = (statements: readonly CompiledStatement[]): StatementIndex => new StatementIndex(statements);

export function matchesAction(statement: CompiledStatement, action: ActionName): boolean {
  return statement.actions.some((pattern) => pattern.matches(action)) !== statement.isNotAction;
}
