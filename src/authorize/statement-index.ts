/** Statements of one effect, found by action: a decision looks only at the statements that can apply to it. */
import { type ActionName, type ActionPattern, matchesName } from "./action-pattern.ts";
import { type CompiledStatement, matchesAction } from "./statement.ts";
import type { Pattern } from "./wildcard.ts";

interface PatternEntry {
  readonly name: Pattern;
  readonly statement: CompiledStatement;
}

interface ServiceEntry {
  readonly exact: Map<string, CompiledStatement[]>;
  readonly patterns: PatternEntry[];
}

export class StatementIndex {
  /** Statements with `*` or NotAction: their actions are tested one by one. */
  readonly #any: CompiledStatement[] = [];
  readonly #byService = new Map<string, ServiceEntry>();
  readonly #candidates = new WeakMap<ActionName, readonly CompiledStatement[]>();

  constructor(statements: readonly CompiledStatement[]) {
    for (const statement of statements) {
      if (statement.isNotAction || statement.actions.some((action) => action.service === undefined)) {
        this.#any.push(statement);
        continue;
      }
      for (const action of statement.actions) if (action.service) this.#add(action.service, action, statement);
    }
  }

  #add(service: string, action: ActionPattern, statement: CompiledStatement): void {
    const entry = this.#byService.get(service) ?? { exact: new Map<string, CompiledStatement[]>(), patterns: [] };
    this.#byService.set(service, entry);
    const exact = action.name.literal;
    if (exact === undefined) {
      entry.patterns.push({ name: action.name, statement });
      return;
    }
    const known = entry.exact.get(exact);
    if (known) known.push(statement);
    else entry.exact.set(exact, [statement]);
  }

  /**
   * The statements whose action matches, in the document's order; remembered, because callers ask for the same few
   * actions again and again.
   */
  candidates(action: ActionName): readonly CompiledStatement[] {
    const known = this.#candidates.get(action);
    if (known) return known;
    const entry = this.#byService.get(action.service);
    const found = new Set<CompiledStatement>(entry?.exact.get(action.name));
    for (const { name, statement } of entry?.patterns ?? []) {
      if (!found.has(statement) && matchesName(name, action)) found.add(statement);
    }
    for (const statement of this.#any) if (matchesAction(statement, action)) found.add(statement);
    const candidates = [...found].sort((a, b) => a.index - b.index);
    this.#candidates.set(action, candidates);
    return candidates;
  }
}
