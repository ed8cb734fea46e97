/** What may be written as the value at a path: the grammar's values, and names from the file, the source and the stores. */
import { buildspecGrammar, grammarAt, type ValueGrammar } from "../build/buildspec/index.ts";
import { curatedNames } from "../build/plan/index.ts";
import { isBuildspecLike, type KnownParameter, type KnownSecret } from "../check/index.ts";
import { isoSeconds } from "../core/clock.ts";
import type { Analysis } from "./buildspecs.ts";
import { markdownText } from "./markdown-text.ts";
import { runtimesFor } from "./runtimes.ts";
import { variablesOf } from "./variables.ts";

export interface Suggestion {
  readonly text: string;
  readonly detail?: string;
  readonly markdown?: string;
  /** Other readers of YAML take it for a number. */
  readonly isNumber?: true;
}

/** `path` ends with the key, with `[]`, or with the user's own key. */
export function suggestionsFor(
  analysis: Analysis,
  path: readonly string[],
  value: ValueGrammar | undefined = grammarAt(buildspecGrammar, path)?.value,
): Suggestion[] {
  return [...(value ? ofGrammar(value) : []), ...ofPlace(analysis, path)];
}

function ofGrammar(value: ValueGrammar): Suggestion[] {
  switch (value.kind) {
    case "boolean":
      return [{ text: "yes" }, { text: "no" }];
    case "version":
      return [
        { text: "0.2", detail: "commands share one shell" },
        { text: "0.1", detail: "each command has a shell of its own" },
      ];
    case "text":
      return [
        ...Object.entries(value.values ?? {}).map(([text, detail]) => ({ text, detail })),
        ...(value.examples ?? []).map((text) => ({ text })),
      ];
    default:
      return [];
  }
}

function ofPlace(analysis: Analysis, path: readonly string[]): Suggestion[] {
  const { knowledge, workspace, file, context } = analysis;
  const last = path.at(-1) === "[]" ? path.at(-2) : path.at(-1);
  const parent = path.at(-2);
  if (parent === "parameter-store") return (knowledge.parameters?.list() ?? []).map(parameterSuggestion);
  if (parent === "secrets-manager") return (knowledge.secrets ?? []).flatMap(secretSuggestions);
  if (parent === "runtime-versions") return runtimeVersions(analysis, path.at(-1) ?? "");
  if (last === "exported-variables") {
    return [...variablesOf(analysis).values()]
      .filter(({ span }) => span !== undefined)
      .map(({ name, says }) => ({ text: name, markdown: markdownText(says) }));
  }
  if (path[0] === "batch") {
    if (last === "depend-on") {
      return (context.buildspec.batch?.graph ?? []).flatMap(({ identifier }) =>
        identifier ? { text: identifier.value } : [],
      );
    }
    if (last === "image") return curatedNames.map((text) => ({ text }));
    if (last === "buildspec") {
      return workspace
        .files()
        .filter(
          (path) => path !== file && /\.ya?ml$/i.test(path) && isBuildspecLike(path, workspace.readText(path) ?? ""),
        )
        .slice(0, 100)
        .map((text) => ({ text }));
    }
  }
  if (last === "base-directory") return foldersOf(workspace.files()).map((text) => ({ text }));
  return [];
}

function runtimeVersions(analysis: Analysis, runtime: string): Suggestion[] {
  const versions = runtimesFor(analysis)[runtime] ?? [];
  const majors = [
    ...new Set(versions.map((version) => /^(\d+)\.\d/.exec(version)?.[1]).filter((one) => one !== undefined)),
  ];
  return [
    ...versions.map((text) => ({ text, isNumber: true as const })),
    ...majors.map((major) => ({ text: `${major}.x`, detail: "the newest of that major version" })),
    ...(versions.length > 0 ? [{ text: "latest", detail: "the newest that the image lists" }] : []),
  ];
}

/** Name, type, version and date; never the value. */
export function parameterMarkdown({ name, type, version, lastModifiedMs, description, keyId }: KnownParameter): string {
  const facts = [
    type,
    version === undefined ? undefined : `version ${version}`,
    lastModifiedMs === undefined ? undefined : `last modified ${isoSeconds(lastModifiedMs)}`,
    keyId === undefined ? undefined : `key \`${keyId}\``,
  ].filter((fact) => fact !== undefined);
  return [`Parameter \`${name}\`: ${facts.join(", ")}`, ...(description === undefined ? [] : [description])]
    .map(markdownText)
    .join("\n\n");
}

const parameterSuggestion = (parameter: KnownParameter): Suggestion => ({
  text: parameter.name,
  detail: parameter.type,
  markdown: parameterMarkdown(parameter),
});

/** The id, and `id:key` for each member of a JSON secret that the buildspec names already. */
function secretSuggestions({ name, jsonKeys, isDeleted }: KnownSecret): Suggestion[] {
  if (isDeleted) return [];
  return [
    { text: name, detail: "secret" },
    ...(jsonKeys ?? []).map((key) => ({ text: `${name}:${key}`, detail: "member of the secret" })),
  ];
}

const MAX_FOLDERS = 200;

function foldersOf(files: readonly string[]): string[] {
  const folders = new Set<string>();
  for (const file of files) {
    for (let at = file.lastIndexOf("/"); at > 0; at = file.lastIndexOf("/", at - 1)) folders.add(file.slice(0, at));
    if (folders.size > MAX_FOLDERS) break;
  }
  return [...folders].sort();
}
