/**
 * The `AWS::CodeBuild::Project` of a CloudFormation template, as CreateProject's members. Literal properties only: what a
 * function computes (`!Ref`, `!Sub`, `Fn::GetAtt`, …) is unknown and left out, so that nothing is concluded from it.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-codebuild-project.html
 * Gaps: no parameters' defaults, mappings, conditions and transforms; of several projects the first, or the one named.
 */
import { parseDocument } from "yaml";
import { usageError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import { ownValue } from "../../core/own-value.ts";

/** Stands for what is only known once the stack exists. */
const UNKNOWN = Symbol("unknown");

/** CloudFormation's names that are not CreateProject's with a small letter. */
const NAMES: Readonly<Record<string, string>> = {
  BuildSpec: "buildspec",
  BatchConfig: "buildBatchConfig",
  Triggers: "webhook",
};

/** True for the text of a CloudFormation (or SAM) template, as JSON or YAML. */
export function isCloudFormation(text: string): boolean {
  return /^\s*["']?AWSTemplateFormatVersion["']?\s*:|^Resources\s*:|"Resources"\s*:\s*\{/m.test(text);
}

/** CreateProject's input as far as the template says it; `name` chooses among several projects, by name or logical id. */
export function cloudFormationProject(text: string, file: string, name?: string): Record<string, unknown> {
  const document = parseDocument(text, { customTags: functionTags, logLevel: "silent" });
  const [problem] = document.errors;
  if (problem) throw usageError(`\`${file}\` cannot be read: ${problem.message.split("\n", 1)[0]}`);
  const resources = (document.toJS() as { Resources?: Record<string, Resource> } | null)?.Resources ?? {};
  const projects = Object.entries(resources).flatMap(([id, resource]) =>
    resource?.Type === "AWS::CodeBuild::Project"
      ? [{ id, project: projectOf((resource.Properties ?? {}) as Record<string, unknown>) }]
      : [],
  );
  const [first] = projects;
  if (!first) throw usageError(`the template \`${file}\` has no resource of type \`AWS::CodeBuild::Project\``);
  if (name === undefined) return first.project;
  const found = projects.find(({ id, project }) => id === name || project["name"] === name);
  if (found) return found.project;
  // A name that is computed may be the one that was asked for.
  if (projects.length === 1 && first.project["name"] === undefined) return { ...first.project, name };
  const ids = projects.map(({ id }) => id);
  const guess = nearest(name, ids);
  throw usageError(`the template \`${file}\` has no project \`${name}\``, [
    guess === undefined ? `its projects are ${ids.join(", ")}` : `did you mean \`${guess}\`?`,
  ]);
}

interface Resource {
  readonly Type?: string;
  readonly Properties?: unknown;
}

const FUNCTIONS = [
  ...["Ref", "Sub", "GetAtt", "Join", "Select", "Split", "ImportValue", "FindInMap", "If", "Base64", "Cidr"],
  ...["GetAZs", "Transform", "And", "Equals", "Not", "Or", "Condition", "Length", "ToJsonString"],
];

/** The short forms, on scalars and on collections. */
const functionTags = FUNCTIONS.flatMap((name) =>
  [undefined, "map" as const, "seq" as const].map((collection) => ({
    tag: `!${name}`,
    ...(collection && { collection }),
    resolve: () => ({ [`Fn::${name}`]: true }),
  })),
) as never;

/** Computed members are there with the value undefined, so that nobody takes the default in their place. */
const projectOf = (properties: Record<string, unknown>): Record<string, unknown> =>
  (readLiteral(properties) ?? {}) as Record<string, unknown>;

/** The value with CreateProject's names. A list with a computed item is computed. */
function readLiteral(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(readLiteral);
    return items.includes(UNKNOWN) ? UNKNOWN : items;
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only && /^(?:Fn::|Ref$|Condition$)/.test(only[0])) return UNKNOWN;
  return Object.fromEntries(
    entries.flatMap(([key, member]) => {
      const read = readLiteral(member);
      const name = ownValue(NAMES, key) ?? `${key.charAt(0).toLowerCase()}${key.slice(1)}`;
      return [[name, read === UNKNOWN ? undefined : scalar(key, read)]];
    }),
  );
}

/** CloudFormation takes `"true"` and `"60"` where CreateProject wants a boolean and a number. */
function scalar(key: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (/InMinutes$|InMins$|Limit$|Depth$|MaximumBuildsAllowed$/.test(key) && /^-?\d+$/.test(value)) return Number(value);
  return (value === "true" || value === "false") && key !== "Value" ? value === "true" : value;
}
