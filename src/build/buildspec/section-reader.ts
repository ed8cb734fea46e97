/**
 * Reads located values out of the YAML tree, section by section, and collects what is wrong on the way:
 * the first failure (what stops the build), findings, unknown keys. Never throws.
 * Texts of failures without a recorded AWS wording are Kiln's own and say what was expected, where.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, type Node, type Pair, type YAMLMap } from "yaml";
import type { Diagnostic, Span } from "../../core/diagnostics.ts";
import type { BuildspecFailure, Located, Variable } from "./buildspec.ts";
import {
  type BuildspecVersion,
  buildspecReference,
  FALSE_WORDS,
  keysOf,
  type SectionGrammar,
  TRUE_WORDS,
} from "./grammar.ts";
import type { YamlSource } from "./yaml-source.ts";

/** One `key: value` of a mapping. */
export interface Entry {
  readonly key: Located<string>;
  readonly node: Node | undefined;
}

/** Entries taken through aliases and merges are bounded, so a small text cannot grow without end. */
const maxEntries = 100_000;

export class SectionReader {
  readonly #source: YamlSource;
  #entriesRead = 0;
  failure: BuildspecFailure | undefined;
  readonly diagnostics: Diagnostic[] = [];
  readonly unknownKeys: { section: string; known: readonly string[]; keys: Located<string>[] }[] = [];
  /** Which version's keys are known. */
  readonly version: BuildspecVersion;

  constructor(source: YamlSource, version: BuildspecVersion) {
    this.#source = source;
    this.version = version;
  }

  /** Notes what stops the build; the first one is CodeBuild's answer, each is a finding. */
  fail(message: string, span: Span, finding: { code?: string; message?: string; why?: string } = {}): void {
    this.failure ??= { statusCode: "YAML_FILE_ERROR", message, span };
    this.diagnostics.push({
      code: finding.code ?? "buildspec/syntax",
      severity: "error",
      message: finding.message ?? message,
      span,
      why: finding.why ?? `CodeBuild stops in DOWNLOAD_SOURCE with \`YAML_FILE_ERROR: ${message}\``,
      source: buildspecReference,
    });
  }

  warn(message: string, span: Span, why: string, code = "buildspec/syntax"): void {
    this.diagnostics.push({ code, severity: "warning", message, span, why, source: buildspecReference });
  }

  spanOf(node: Node | undefined, fallback: Span): Span {
    const start = node?.range?.[0];
    return node && start !== undefined ? this.#source.spanOf(start, Math.max(start, endOf(node))) : fallback;
  }

  /** From the start of one span to the end of another. */
  spanning(from: Span, to: Span): Span {
    return this.#source.spanOf(from.startOffset, Math.max(from.endOffset, to.endOffset));
  }

  resolve(node: Node | undefined): Node | undefined {
    if (!isAlias(node)) return node;
    return node.resolve(this.#source.document) ?? undefined;
  }

  isEmpty(node: Node | undefined): boolean {
    const resolved = this.resolve(node);
    if (!resolved) return true;
    return isScalar(resolved) && resolved.type === "PLAIN" && /^(|~|null|Null|NULL)$/.test(String(resolved.value));
  }

  /** The entries of a mapping; empty when absent or null; a failure when it is something else. */
  entries(node: Node | undefined, section: string, at: Span): Entry[] {
    if (this.isEmpty(node)) return [];
    const map = this.resolve(node);
    if (!isMap(map)) {
      const span = this.spanOf(node, at);
      this.fail(`Expected ${section} to be a mapping: found ${nameOf(map)} instead at line ${span.line}`, span);
      return [];
    }
    return this.#entriesOf(map, section, at, 0);
  }

  #entriesOf(map: YAMLMap, section: string, at: Span, depth: number): Entry[] {
    const byKey = new Map<string, Entry>();
    const inherited: Entry[] = [];
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      if (++this.#entriesRead > maxEntries) break;
      const span = this.spanOf(pair.key, at);
      const key = this.resolve(pair.key);
      if (!isScalar(key)) {
        this.fail(`Expected a key of ${section} to be of string type at line ${span.line}`, span);
        continue;
      }
      const name = String(key.value);
      const value = pair.value ?? undefined;
      if (name === "<<" && depth < 10) {
        const merged = this.resolve(value);
        for (const item of isSeq(merged) ? (merged.items as Node[]) : [merged]) {
          const target = this.resolve(item ?? undefined);
          if (isMap(target)) inherited.push(...this.#entriesOf(target, section, span, depth + 1));
        }
        continue;
      }
      const earlier = byKey.get(name);
      if (earlier) {
        this.diagnostics.push({
          code: "buildspec/duplicate-key",
          severity: "warning",
          message: `\`${name}\` stands twice in ${section}`,
          span,
          why: "only one of the two counts; the last one is taken here",
          related: [{ span: earlier.key.span, message: "the first one is here" }],
          source: buildspecReference,
        });
        byKey.delete(name);
      }
      byKey.set(name, { key: { value: name, span }, node: value });
    }
    for (const entry of inherited) if (!byKey.has(entry.key.value)) byKey.set(entry.key.value, entry);
    return [...byKey.values()];
  }

  /** Splits a mapping's entries by the grammar's keys; the others go to the "possible syntax errors" block. */
  section<K extends string>(
    node: Node | undefined,
    name: string,
    at: Span,
    grammar: SectionGrammar<K>,
  ): Partial<Record<K, Entry>> {
    const known = keysOf(grammar, this.version);
    const found: Partial<Record<K, Entry>> = {};
    const unknown: Located<string>[] = [];
    for (const entry of this.entries(node, name, at)) {
      if ((known as readonly string[]).includes(entry.key.value)) found[entry.key.value as K] = entry;
      else unknown.push(entry.key);
    }
    if (unknown.length > 0) this.unknownKeys.push({ section: name, known, keys: unknown });
    return found;
  }

  /** A scalar as source text; null is the empty string; collections are a failure. */
  scalar(entry: Entry | undefined, path: string): Located<string> | undefined {
    if (!entry) return undefined;
    const span = this.spanOf(entry.node, entry.key.span);
    const resolved = this.resolve(entry.node);
    if (this.isEmpty(resolved)) return { value: "", span };
    if (isScalar(resolved)) return { value: String(resolved.value), span };
    this.fail(`Expected ${path} to be of string type: found ${nameOf(resolved)} instead at line ${span.line}`, span);
    return undefined;
  }

  /** Like {@link scalar}, but absent when empty. */
  text(entry: Entry | undefined, path: string): Located<string> | undefined {
    const value = this.scalar(entry, path);
    return value?.value === "" ? undefined : value;
  }

  /** `yes`, `no`, `true`, `false`, `on`, `off`: YAML 1.1's booleans, quoted or not. */
  boolean(entry: Entry | undefined, path: string): Located<boolean> | undefined {
    const value = this.text(entry, path);
    if (!value) return undefined;
    const word = value.value.toLowerCase();
    if (TRUE_WORDS.includes(word)) return { value: true, span: value.span };
    if (FALSE_WORDS.includes(word)) return { value: false, span: value.span };
    this.warn(
      `\`${path}\` is \`${value.value}\`, expected \`yes\` or \`no\``,
      value.span,
      "a value that is neither leaves the default in force",
    );
    return undefined;
  }

  /** A list of scalars; one scalar alone is a list of one; null items are left out. */
  list(entry: Entry | undefined, path: string): Located<string>[] {
    if (!entry || this.isEmpty(entry.node)) return [];
    const node = this.resolve(entry.node);
    if (isScalar(node)) return [{ value: String(node.value), span: this.spanOf(entry.node, entry.key.span) }];
    if (!isSeq(node)) {
      const span = this.spanOf(entry.node, entry.key.span);
      this.fail(`Expected ${path} to be a list: found ${nameOf(node)} instead at line ${span.line}`, span);
      return [];
    }
    const values: Located<string>[] = [];
    for (const item of node.items as Node[]) {
      if (this.isEmpty(item)) continue;
      const span = this.spanOf(item, entry.key.span);
      const resolved = this.resolve(item);
      if (isScalar(resolved)) values.push({ value: String(resolved.value), span });
      else
        this.fail(
          `Expected an item of ${path} to be of string type: found ${nameOf(resolved)} instead at line ${span.line}`,
          span,
        );
    }
    return values;
  }

  /** `NAME: value` pairs. */
  variables(entry: Entry | undefined, path: string): Variable[] {
    if (!entry) return [];
    return this.entries(entry.node, path, entry.key.span).flatMap((item) => {
      const value = this.scalar(item, `${path}.${item.key.value}`);
      return value ? [{ name: item.key, value }] : [];
    });
  }
}

/** Where a value's own text ends: block collections would include the comments and line ends after them. */
function endOf(node: Node): number {
  const end = node.range?.[1] ?? 0;
  if (!isMap(node) && !isSeq(node)) return end;
  const last = node.flow ? undefined : (node.items.at(-1) as Node | Pair<Node, Node | null> | undefined);
  if (!last) return end;
  const inner = isPair(last) ? (last.value ?? last.key) : last;
  return inner.range ? endOf(inner) : end;
}

export const nameOf = (node: Node | undefined): string =>
  isMap(node) ? "subkeys" : isSeq(node) ? "a list" : isScalar(node) ? "text" : "nothing";
