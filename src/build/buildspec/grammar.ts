/**
 * What a grammar of the buildspec is made of: keys, the kinds of their values, in which versions, and one sentence about
 * each. The grammar itself is in buildspec-grammar.ts and batch-grammar.ts; the parser takes its known keys from it, the
 * JSON Schema (json-schema.ts) is generated from it, and the language server completes and explains from it.
 */

export const buildspecReference = "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html";

export const BUILDSPEC_VERSIONS = ["0.2", "0.1"] as const;
export type BuildspecVersion = (typeof BUILDSPEC_VERSIONS)[number];

/** YAML 1.1's booleans, in any case. */
export const TRUE_WORDS: readonly string[] = ["yes", "true", "on", "y"];
export const FALSE_WORDS: readonly string[] = ["no", "false", "off", "n"];

/** A text. `values`: what is allowed, each with what it means; `pattern` (anchored, ECMA 262) allows more. */
export interface TextGrammar {
  readonly kind: "text";
  readonly values?: Readonly<Record<string, string>>;
  readonly pattern?: string;
  /** Values in any case. */
  readonly ignoresCase?: true;
  /** A text that holds `$` is accepted: what it names is known when the build runs. */
  readonly takesVariables?: true;
  /** Good values where any text is allowed. */
  readonly examples?: readonly string[];
}

export type ValueGrammar =
  | TextGrammar
  /** Text, number, boolean or nothing; taken as it is written. */
  | { readonly kind: "scalar" }
  /** `yes`, `no` and YAML 1.1's other booleans, quoted or not. */
  | { readonly kind: "boolean" }
  /** The version of the buildspec itself. */
  | { readonly kind: "version" }
  /** A positive whole number. */
  | { readonly kind: "count" }
  /** A list of texts; one text alone is a list of one. */
  | { readonly kind: "list"; readonly of: TextGrammar; readonly maxItems?: number }
  /** Commands of a phase. */
  | { readonly kind: "commands" }
  | { readonly kind: "section"; readonly section: SectionGrammar }
  /** A mapping whose keys the user chooses. */
  | {
      readonly kind: "entries";
      /** What a key is. */
      readonly key: string;
      readonly of: ValueGrammar;
      readonly minEntries?: number;
      readonly maxEntries?: number;
    }
  /** A list of sections. */
  | { readonly kind: "items"; readonly section: SectionGrammar };

export interface KeyGrammar {
  /** One sentence, in our words. */
  readonly doc: string;
  /** AWS's page about the key. */
  readonly url: string;
  readonly value: ValueGrammar;
  /** CodeBuild refuses, or cannot use, the section without it. */
  readonly isRequired?: true;
  /** The one version that has the key; all have it otherwise. */
  readonly only?: BuildspecVersion;
}

export interface SectionGrammar<K extends string = string> {
  readonly keys: Readonly<Record<K, KeyGrammar>>;
  /** Exactly one of these. */
  readonly oneOf?: readonly string[];
  /** At least one of these. */
  readonly anyOf?: readonly string[];
  /** Never both of these. */
  readonly notBoth?: readonly [string, string];
}

/** The keys a section knows in a version, in the order in which documents and messages list them. */
export function keysOf<K extends string>(section: SectionGrammar<K>, version: BuildspecVersion = "0.2"): readonly K[] {
  const names = Object.keys(section.keys) as K[];
  return names.filter((name) => section.keys[name].only === undefined || section.keys[name].only === version);
}

/** What is allowed at a path below a section: keys, and `[]` for an item of a list. Undefined where nothing is known. */
export function grammarAt(
  section: SectionGrammar,
  path: readonly string[],
  version: BuildspecVersion = "0.2",
): { readonly key?: KeyGrammar; readonly value: ValueGrammar } | undefined {
  let key: KeyGrammar | undefined;
  let value: ValueGrammar = { kind: "section", section };
  for (const step of path) {
    switch (value.kind) {
      case "section": {
        if (!keysOf(value.section, version).includes(step)) return undefined;
        key = value.section.keys[step];
        if (!key) return undefined;
        value = key.value;
        break;
      }
      case "entries":
        if (step === "[]") return undefined;
        value = value.of;
        break;
      case "items":
        if (step !== "[]") return undefined;
        value = { kind: "section", section: value.section };
        break;
      case "list":
        if (step !== "[]") return undefined;
        value = value.of;
        break;
      case "commands":
        if (step !== "[]") return undefined;
        value = { kind: "scalar" };
        break;
      default:
        return undefined;
    }
  }
  return { ...(key && { key }), value };
}
