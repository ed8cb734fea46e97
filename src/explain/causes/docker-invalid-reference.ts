/** docker refuses an image name: a scheme in it, an empty variable, upper case (P01, P06). */

import type { BuildFacts } from "../build-facts.ts";
import { findParameterUse, locateCommand, parameterUses, placeOfCommand, variablesIn } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import type { FailedCommand } from "../failures.ts";
import { at, findLine, quotedList } from "./finding-parts.ts";

const SOURCES = [
  "https://docs.docker.com/reference/cli/docker/image/tag/",
  "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html",
];

export const dockerInvalidReference: Cause = {
  id: "docker/invalid-reference",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, /invalid reference format/);
    if (line === undefined || !failure.command) return undefined;
    const place = placeOfCommand(facts, failure.command);
    const base = {
      ...place,
      evidence: [line, `the command: ${oneLine(failure.command.text)}`],
      confidence: "likely" as const,
    };
    if (line.includes("must be lowercase")) {
      return {
        ...base,
        cause: "the image name has an upper-case letter",
        next: "write the image name in lower case",
        confidence: "certain",
      };
    }
    const written = /"([^"]*)"/.exec(line)?.[1];
    const unread = notReadByCodeBuild(failure.command, written, base, facts);
    if (unread) return unread;
    const unset = unsetVariables(failure.command, facts);
    const scheme = hasScheme(line, failure.command);
    if (!scheme && (unset.length > 0 || (written !== undefined && hasEmptyPart(written))))
      return emptyVariable(unset, base);
    const host = leadingVariable(failure.command);
    // The value is masked in the log: `***/user/app`. The most common one is a registry URL with its scheme.
    if (!scheme && host === undefined) {
      return {
        ...base,
        cause: "the image name is not one docker accepts",
        next: "print the name with `echo` before the command",
        confidence: "possible",
      };
    }
    return schemeInName(host, scheme, base, facts);
  },
};

type Base = Pick<Finding, "evidence" | "confidence"> & { file?: string; line?: number };

const oneLine = (text: string): string => text.split("\n", 1)[0] ?? "";

const hasScheme = (line: string, command: FailedCommand): boolean =>
  /https?:\/\//.test(line) || /docker\s+(?:build|push|tag)[^|;&]*\shttps?:\/\//.test(command.text);

/** The variable an image name in the command starts with: `-t $REGISTRY/…`, `docker push ${REGISTRY}/…`. */
const leadingVariable = (command: FailedCommand): string | undefined =>
  /(?:^|\s)["']?\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?\//.exec(command.text)?.[1];

/** `ssm:/name` texts and `environment` blocks under a phase, which AWS (and Kiln with --strict) does not read. */
function notReadByCodeBuild(
  command: FailedCommand,
  written: string | undefined,
  base: Base,
  { buildspec }: BuildFacts,
): Finding | undefined {
  const used = new Set(variablesIn(command.text));
  const fix = {
    kind: "command" as const,
    title: "let `kiln check` move them to `env.parameter-store`",
    commands: ["kiln check --fix"],
  };
  const literal = buildspec?.env.variables.filter(
    ({ name, value }) => used.has(name.value) && isReference(value.value),
  );
  if (buildspec && literal?.length && written?.includes("ssm:")) {
    const [first] = literal;
    return {
      ...base,
      ...at(buildspec.file, first?.value.span.line),
      cause: `${quotedList(literal.map(({ name }) => name.value))} ${literal.length === 1 ? "is" : "are"} the literal text \`${first?.value.value}\`${literal.length === 1 ? "" : " and the like"}, not the value of a parameter`,
      why: "CodeBuild takes the values of parameters only under `env.parameter-store`; under `env.variables` a text stays a text",
      fix,
      confidence: "certain",
    };
  }
  for (const phase of buildspec?.phases ?? []) {
    const ignored = phase.environmentVariables.filter(({ name }) => used.has(name.value));
    if (!buildspec || ignored.length === 0 || written === undefined || !hasEmptyPart(written)) continue;
    return {
      ...base,
      ...at(buildspec.file, ignored[0]?.name.span.line),
      cause: `the image name has an empty part: nothing sets ${quotedList(ignored.map(({ name }) => name.value))}, because CodeBuild ignores \`environment\` under \`phases.${phase.name}\``,
      why: "a phase has no `environment`; variables stand under `env`",
      fix,
      confidence: "certain",
    };
  }
  return undefined;
}

const isReference = (value: string): boolean => /^ssm:/.test(value);
const hasEmptyPart = (name: string): boolean => /^[./:]|\/\/|[/:]$/.test(name);

function unsetVariables(command: FailedCommand, { plan, buildspec }: BuildFacts): string[] {
  if (!plan) return [];
  const known = new Set([...plan.variables, ...plan.phaseVariables].map((variable) => variable.name));
  for (const located of buildspec?.phases.flatMap((phase) => [...phase.commands]) ?? []) {
    for (const match of located.value.matchAll(/(?:^|[\s;&])(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=/g))
      known.add(match[1] ?? "");
  }
  return variablesIn(command.text).filter(
    (name) => !known.has(name) && !/^(?:CODEBUILD_|AWS_(?!ACCOUNT_ID$)|HOME$|PWD$|PATH$|USER$|HOSTNAME$)/.test(name),
  );
}

function emptyVariable(unset: readonly string[], base: Base): Finding {
  const names = unset.map((name) => `\`${name}\``).join(", ");
  return {
    ...base,
    cause:
      unset.length > 0
        ? `the image name has an empty part: nothing sets ${names}`
        : "the image name has an empty part: a variable in it is empty",
    next:
      unset.length > 0
        ? `set ${names} under \`env.variables\` or \`env.parameter-store\` of the buildspec`
        : "print the variables with `echo` before the command",
  };
}

function schemeInName(host: string | undefined, isSeen: boolean, base: Base, facts: BuildFacts): Finding {
  const use = host === undefined ? undefined : parameterUses(facts).find((u) => u.variableName === host);
  const parameter =
    use && facts.parameters.find((p) => findParameterUse(facts, p.name)?.variableName === use.variableName);
  const name = parameter?.name ?? use?.parameterName;
  const from =
    name === undefined
      ? ""
      : `, which comes from the parameter \`${name}\`${parameter ? ` (version ${parameter.version})` : ""}`;
  const comma = from === "" ? "" : ",";
  const cause = isSeen
    ? host === undefined
      ? "the image name starts with `https://`: an image name has a host, no scheme"
      : `\`${host}\`${from}${comma} starts with a scheme such as \`https://\`: an image name has a host, no scheme`
    : `\`${host}\`${from}${comma} is not a registry host: most often it starts with \`https://\`, or ends in \`/\`, or holds a blank`;
  const strip = host === undefined ? [] : stripFix(host, facts);
  const overwrite =
    name === undefined
      ? undefined
      : {
          kind: "command" as const,
          title: "store the host without the scheme",
          commands: [
            `aws ssm put-parameter --name "${name}" --value "docker.io" --type "${parameter?.type ?? "String"}" --overwrite`,
          ],
        };
  const fixes = [...(overwrite ? [overwrite] : []), ...strip];
  return {
    ...base,
    cause,
    confidence: isSeen ? "certain" : "likely",
    why: "docker reads the text before the first `/` as `host[:port]`; `:` and `//` of a URL are not allowed there",
    ...(fixes[0] ? { fix: fixes[0] } : {}),
    ...(fixes.length > 1 ? { alternatives: fixes.slice(1) } : {}),
    ...(fixes.length === 0 ? { next: "write the registry as a host, e.g. `docker.io`" } : {}),
  };
}

/** Strips the scheme in the first command of the phase that uses the variable. */
function stripFix(host: string, { buildspec }: BuildFacts) {
  const first = buildspec?.phases
    .flatMap((phase) => phase.commands)
    .find((command) => variablesIn(command.value).includes(host));
  if (!buildspec || !first || !locateCommand(buildspec, asCommand(first))) return [];
  const lineStart = buildspec.text.lastIndexOf("\n", first.span.startOffset - 1) + 1;
  const indent = /^\s*- /.exec(buildspec.text.slice(lineStart, first.span.startOffset))?.[0];
  if (indent === undefined) return [];
  const edit = {
    file: buildspec.file,
    startOffset: lineStart,
    endOffset: lineStart,
    newText: `${indent}${host}="\${${host}#*://}"\n`,
  };
  return [
    { kind: "edit" as const, title: `or strip the scheme in the buildspec, before \`${host}\` is used`, edits: [edit] },
  ];
}

const asCommand = (located: { value: string; span: { line: number } }): FailedCommand => ({
  text: located.value,
  line: located.span.line,
  exitStatus: 0,
  workingDirectory: "",
});
