/**
 * The `phases` section: commands, finally, runtime versions, and Kiln's `environment.variables` under a phase.
 * Sources: build-spec-ref.html#build-spec.phases; the text for a command that is a mapping is from public reports of
 * CodeBuild's answer (`Expected Commands[0] to be of string type: found subkeys instead at line 6, …`).
 * Gaps: what CodeBuild answers to a list in place of a command is not recorded; ours follows the same pattern.
 */
import { isMap, isScalar, isSeq, type Node } from "yaml";
import { type Located, PHASE_NAMES, type Phase, type PhaseName, type Variable } from "./buildspec.ts";
import { type Entry, nameOf, type SectionReader } from "./section-reader.ts";

const phaseKeys = ["run-as", "on-failure", "runtime-versions", "commands", "finally", "environment"] as const;

export function readPhases(reader: SectionReader, entry: Entry | undefined): Phase[] {
  if (!entry) return [];
  const unknown: Located<string>[] = [];
  const phases: Phase[] = [];
  const sections = reader.unknownKeys.length;
  for (const item of reader.entries(entry.node, "phases", entry.key.span)) {
    if ((PHASE_NAMES as readonly string[]).includes(item.key.value)) phases.push(readPhase(reader, item));
    else unknown.push(item.key);
  }
  if (unknown.length > 0) reader.unknownKeys.splice(sections, 0, { section: "phases", keys: unknown });
  return phases;
}

function readPhase(reader: SectionReader, entry: Entry): Phase {
  const name = entry.key.value as PhaseName;
  const section = `phases.${name}`;
  const at = entry.key.span;
  const known = name === "install" ? phaseKeys : phaseKeys.filter((key) => key !== "runtime-versions");
  const found = reader.section(entry.node, section, at, known);
  const unknown: Located<string>[] = [];
  let environmentVariables: Variable[] = [];
  if (found.environment) {
    // AWS: a phase has no `environment`; it stays an unknown key for the log's warning block.
    unknown.push(found.environment.key);
    const environment = reader.resolve(found.environment.node);
    if (isMap(environment)) {
      const variables = reader
        .entries(environment, `${section}.environment`, found.environment.key.span)
        .find((item) => item.key.value === "variables");
      environmentVariables = reader.variables(variables, `${section}.environment.variables`);
    }
  }
  if (unknown.length > 0) {
    const existing = reader.unknownKeys.find((block) => block.section === section);
    if (existing) existing.keys.push(...unknown);
    else reader.unknownKeys.push({ section, keys: unknown });
  }
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
    environmentVariables,
  };
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
