/**
 * The grammar as a JSON Schema (draft-07, which editors know best): what CodeBuild takes is valid, what it refuses or
 * ignores is not. Written to data/buildspec.schema.json; json-schema.test.ts keeps the two equal.
 * Values are judged as a YAML 1.2 parser gives them, so `yes` is a text and `3.10` a number.
 * Source: https://json-schema.org/draft-07, and the pages named in buildspec-grammar.ts.
 * Gaps: what depends on other files or on the project (identifiers of secondary artifacts, `depend-on`) is `kiln check`'s.
 */
import { buildspecGrammar } from "./buildspec-grammar.ts";
import {
  BUILDSPEC_VERSIONS,
  type BuildspecVersion,
  buildspecReference,
  FALSE_WORDS,
  type KeyGrammar,
  keysOf,
  type SectionGrammar,
  type TextGrammar,
  TRUE_WORDS,
  type ValueGrammar,
} from "./grammar.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The whole schema; the same object content every time. */
export function buildspecSchema(): Schema {
  const writer = new SchemaWriter();
  const [current, old] = [writer.reference(buildspecGrammar, "0.2"), writer.reference(buildspecGrammar, "0.1")];
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "AWS CodeBuild buildspec",
    description: `A buildspec of AWS CodeBuild, versions 0.1 and 0.2. ${buildspecReference}`,
    type: "object",
    if: { properties: { version: { enum: versionValues("0.1") } }, required: ["version"] },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: old,
    else: current,
    definitions: writer.definitions,
  };
}

class SchemaWriter {
  readonly definitions: Record<string, Schema> = {};
  readonly #names = new Map<SectionGrammar, string>();

  /** A `$ref` to the section's definition, which is written on first use. */
  reference(section: SectionGrammar, version: BuildspecVersion, path = "buildspec"): Schema {
    const known = this.#names.get(section) ?? path;
    this.#names.set(section, known);
    const name = differs(section) ? `${known}-${version}` : known;
    if (!(name in this.definitions)) {
      this.definitions[name] = {};
      this.definitions[name] = this.#section(section, version, known);
    }
    return { $ref: `#/definitions/${name}` };
  }

  #section(section: SectionGrammar, version: BuildspecVersion, path: string): Schema {
    const keys = keysOf(section, version);
    const isRoot = path === "buildspec";
    const required = keys.filter((key) => section.keys[key]?.isRequired);
    const each = (names: readonly string[]) => names.map((name) => ({ required: [name] }));
    return {
      type: isRoot ? "object" : ["object", "null"],
      properties: Object.fromEntries(
        keys.flatMap((key) => {
          const grammar = section.keys[key];
          return grammar ? [[key, this.#key(grammar, version, isRoot ? key : `${path}.${key}`)]] : [];
        }),
      ),
      ...(required.length > 0 && { required }),
      ...(section.oneOf && { oneOf: each(section.oneOf) }),
      ...(section.anyOf && { anyOf: each(section.anyOf) }),
      ...(section.notBoth && { not: { required: section.notBoth } }),
      additionalProperties: false,
    };
  }

  #key({ doc, url, value }: KeyGrammar, version: BuildspecVersion, path: string): Schema {
    const schema = this.#value(value, version, path);
    return {
      description: `${doc} ${url}`,
      markdownDescription: `${doc}\n\n[AWS documentation](${url})`,
      // In draft-07 whatever stands beside `$ref` is ignored.
      ...("$ref" in schema ? { allOf: [schema] } : schema),
    };
  }

  #value(value: ValueGrammar, version: BuildspecVersion, path: string): Schema {
    switch (value.kind) {
      case "text":
        return textSchema(value);
      case "scalar":
        return { type: ["string", "number", "boolean", "null"] };
      case "boolean":
        return {
          anyOf: [
            { type: "boolean" },
            { type: "string", enum: ["yes", "no"] },
            { type: "string", pattern: inAnyCase([...TRUE_WORDS, ...FALSE_WORDS]) },
            { type: "null" },
          ],
        };
      case "version":
        return { enum: versionValues(version) };
      case "count":
        return {
          anyOf: [
            { type: "integer", minimum: 1 },
            { type: "string", pattern: "^0*[1-9][0-9]*$" },
          ],
        };
      case "list": {
        const of = textSchema(value.of);
        const list = { type: "array", items: of, ...(value.maxItems !== undefined && { maxItems: value.maxItems }) };
        return { anyOf: [list, of] };
      }
      case "commands": {
        const command = { type: ["string", "number", "boolean", "null"] };
        return { anyOf: [{ type: "array", items: command }, command] };
      }
      case "section":
        return this.reference(value.section, version, path);
      case "items":
        return { type: "array", items: this.reference(value.section, version, path), minItems: 1 };
      case "entries":
        return {
          type: value.minEntries === undefined ? ["object", "null"] : "object",
          additionalProperties: this.#value(value.of, version, `${path}.*`),
          ...(value.minEntries !== undefined && { minProperties: value.minEntries }),
          ...(value.maxEntries !== undefined && { maxProperties: value.maxEntries }),
        };
    }
  }
}

function textSchema({ values, pattern, ignoresCase, takesVariables, examples }: TextGrammar): Schema {
  if (!values && pattern === undefined) {
    return { type: ["string", "number", "boolean", "null"], ...(examples && { examples }) };
  }
  const names = Object.keys(values ?? {});
  const string = (text: string): Schema => ({ type: "string", pattern: text });
  return {
    anyOf: [
      ...(names.length > 0 ? [{ type: "string", enum: names, enumDescriptions: Object.values(values ?? {}) }] : []),
      ...(ignoresCase ? [string(inAnyCase(names))] : []),
      ...(pattern === undefined ? [] : [string(pattern)]),
      ...(takesVariables ? [string("\\$")] : []),
      ...(values || pattern === undefined ? [] : [{ type: "number" }]),
      { type: "null" },
    ],
  };
}

/** As a number and as a text. */
const versionValues = (version: BuildspecVersion): readonly unknown[] =>
  version === "0.1" ? [0.1, "0.1"] : BUILDSPEC_VERSIONS.flatMap((each) => (each === "0.1" ? [] : [Number(each), each]));

/** JSON Schema's patterns have no flag for it. */
const inAnyCase = (words: readonly string[]): string =>
  `^(?:${words.map((word) => word.replace(/[a-z]/gi, (letter) => `[${letter.toUpperCase()}${letter.toLowerCase()}]`)).join("|")})$`;

/** Does the section, or one below it, have other keys in another version? */
function differs(section: SectionGrammar): boolean {
  return Object.values(section.keys).some((key) => key.only !== undefined || inner(key.value).some(differs));
}

function inner(value: ValueGrammar): readonly SectionGrammar[] {
  if (value.kind === "section" || value.kind === "items") return [value.section];
  return value.kind === "entries" ? inner(value.of) : [];
}
