/**
 * The `phases` section: commands, finally, runtime versions, and Kiln's `environment.variables` under a phase.
 * Sources: build-spec-ref.html#build-spec.phases; the text for a command that is a mapping is from public reports of
 * CodeBuild's answer (`Expected Commands[0] to be of string type: found subkeys instead at line 6, …`).
 * Gaps: what CodeBuild answers to a list in place of a command is not recorded; ours follows the same pattern.
 */
import { isMap, isScalar, isSeq, type Node } from "yaml";
import type { Located, Phase, PhaseName, Variable } from "./buildspec.ts";
import { installGrammar, phaseGrammar, phasesGrammar } from "./buildspec-grammar.ts";
import { keysOf } from "./grammar.ts";
import { type Entry, nameOf, type SectionReader } from "./section-reader.ts";

export function readPhases(reader: SectionReader, entry: Entry | undefined): Phase[] {
  if (!entry) return [];
  const unknown: Located<string>[] = [];
  const phases: Phase[] = [];
  const known = keysOf(phasesGrammar, reader.version);
  const sections = reader.unknownKeys.length;
  for (const item of reader.entries(entry.node, "phases", entry.key.span)) {
    if ((known as readonly string[]).includes(item.key.value)) phases.push(readPhase(reader, item));
    else unknown.push(item.key);
  }
  if (unknown.length > 0) reader.unknownKeys.splice(sections, 0, { section: "phases", known, keys: unknown });
  return phases;
}

function readPhase(reader: SectionReader, entry: Entry): Phase {
  const name = entry.key.value as PhaseName;
  const section = `phases.${name}`;
  const at = entry.key.span;
  const found: Partial<Record<keyof typeof installGrammar.keys, Entry>> =
    name === "install"
      ? reader.section(entry.node, section, at, installGrammar)
      : reader.section(entry.node, section, at, phaseGrammar);
  const runAs = reader.text(found["run-as"], `${section}.run-as`);
  const onFailure = reader.text(found["on-failure"], `${section}.on-failure`);
  return {
    name,
    span: reader.spanning(at, reader.spanOf(entry.node, at)),
    ...(runAs && { runAs }),
    ...(onFailure && { onFailure }),
    runtimeVersions: reader
      .variables(found["runtime-versions"], `${section}.runtime-versions`)
      .map(({ name: runtime, value: version }) => ({ runtime, version })),
    commands: readCommands(reader, found.commands, "Commands", section),
    finally: readCommands(reader, found.finally, "Finally", section),
    environmentVariables: readEnvironment(reader, entry, section),
  };
}

/** AWS: a phase has no `environment`; it stays an unknown key for the log's warning block, and Kiln reads what it means. */
function readEnvironment(reader: SectionReader, entry: Entry, section: string): Variable[] {
  const phase = reader.resolve(entry.node);
  if (!isMap(phase)) return [];
  const pair = phase.items.find(({ key }) => isScalar(key) && key.value === "environment");
  const environment = reader.resolve(pair?.value as Node | undefined);
  if (!isMap(environment)) return [];
  const at = reader.spanOf(pair?.key as Node, entry.key.span);
  const variables = reader
    .entries(environment, `${section}.environment`, at)
    .find((item) => item.key.value === "variables");
  return reader.variables(variables, `${section}.environment.variables`);
}

function readCommands(
  reader: SectionReader,
  entry: Entry | undefined,
  label: string,
  section: string,
): Located<string>[] {
  if (!entry || reader.isEmpty(entry.node)) return [];
  const node = reader.resolve(entry.node);
  const span = reader.spanOf(entry.node, entry.key.span);
  if (isScalar(node)) {
    reader.warn(
      `\`${section}.${entry.key.value}\` is a text, expected a list`,
      span,
      "it is run as one command here; whether CodeBuild accepts a text is not documented",
      "phases/commands-not-a-list",
    );
    return [{ value: String(node.value), span }];
  }
  if (!isSeq(node)) {
    reader.fail(`Expected ${label} to be a list: found ${nameOf(node)} instead at line ${span.line}`, span);
    return [];
  }
  const commands: Located<string>[] = [];
  (node.items as Node[]).forEach((item, index) => {
    if (reader.isEmpty(item)) return; // a list item that is only a comment: accepted in practice
    const itemSpan = reader.spanOf(item, entry.key.span);
    const resolved = reader.resolve(item);
    if (isScalar(resolved)) {
      commands.push({ value: String(resolved.value), span: itemSpan });
      return;
    }
    const line = itemSpan.line;
    const found = isMap(resolved) ? "subkeys" : "a list";
    reader.fail(
      `Expected ${label}[${index}] to be of string type: found ${found} instead at line ${line}, value of the key tag on line ${line - 1} might be empty`,
      itemSpan,
      isMap(resolved)
        ? {
            code: "phases/command-is-mapping",
            message: `command ${index + 1} of \`${section}\` holds \`: \`, which makes it a mapping instead of text`,
          }
        : { message: `command ${index + 1} of \`${section}\` is a list, expected text` },
    );
  });
  return commands;
}
