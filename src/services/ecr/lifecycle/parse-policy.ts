/**
 * Reads a lifecycle policy: its JSON schema first, then the rules about rules. Answers ECR's sentences for what is wrong;
 * the schema's come from the validator that AWS uses, whose words people paste into reports.
 * Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/lifecycle_policy_parameters.html; texts from reports of
 * cloudposse/terraform-aws-ecr#132 and #158, simple-container-com/api#34 and others.
 * Gap: AWS lists every schema failure on a line of its own; here it is the first. The words about rules of the archive are
 * the validator's, their choice is not seen.
 */
import { lifecyclePolicyInvalid } from "../errors.ts";

export type CountType = "imageCountMoreThan" | "sinceImagePushed" | "sinceImagePulled" | "sinceImageTransitioned";
export type StorageClass = "standard" | "archive";

export interface LifecycleRule {
  readonly priority: number;
  readonly tagStatus: "tagged" | "untagged" | "any";
  /** Of `tagged`: wildcards, each of which must match a tag of the image. Prefixes are kept as `prefix*`. */
  readonly tagPatterns: readonly string[];
  readonly storageClass: StorageClass;
  readonly countType: CountType;
  /** Images to keep, or days. */
  readonly countNumber: number;
  readonly action: "expire" | "transition";
}

const COUNT_TYPES: readonly string[] = [
  "imageCountMoreThan",
  "sinceImagePushed",
  "sinceImagePulled",
  "sinceImageTransitioned",
] satisfies CountType[];
const MAX_WILDCARDS = 4;
/** AWS: an image stays in the archive this long at least, unless it is deleted by name. */
const MIN_ARCHIVED_DAYS = 90;
const MAX_RULES = 50;

type Json = Readonly<Record<string, unknown>>;

/** The rules in order of priority. Throws ECR's InvalidParameterException. */
export function parseLifecyclePolicy(text: string): readonly LifecycleRule[] {
  const policy = parseJson(text);
  requireObject(policy);
  requireMembers(policy, ["rules"], ["rules"]);
  const { rules } = policy;
  if (!Array.isArray(rules)) throw wrongType(rules, "array");
  if (rules.length === 0) fail("array is too short: must have at least 1 elements but instance has 0 elements");
  if (rules.length > MAX_RULES) {
    fail(`array is too long: must have at most ${MAX_RULES} elements but instance has ${rules.length} elements`);
  }
  const parsed = rules.map(parseRule);
  checkTogether(parsed);
  return parsed.sort((a, b) => a.priority - b.priority);
}

function parseRule(rule: unknown): LifecycleRule {
  requireObject(rule);
  requireMembers(rule, ["action", "rulePriority", "selection"], ["action", "description", "rulePriority", "selection"]);
  const { rulePriority, selection, action } = rule;
  if (!Number.isInteger(rulePriority)) throw wrongType(rulePriority, "integer");
  if ((rulePriority as number) < 1)
    fail(`numeric instance is lower than the required minimum (minimum: 1, found: ${rulePriority})`);
  if (rule["description"] !== undefined && typeof rule["description"] !== "string") {
    throw wrongType(rule["description"], "string");
  }
  requireObject(action);
  requireMembers(action, ["type"], ["type", "targetStorageClass"]);
  const type = oneOf(action["type"], ["expire", "transition"]) as LifecycleRule["action"];
  if (type === "transition") oneOf(action["targetStorageClass"], ["archive"]);
  else if (action["targetStorageClass"] !== undefined) noSchemaFits();
  const selected = parseSelection(selection);
  // AWS: what nobody pulled is archived, never expired (aws/containers-roadmap#921), and what is in the archive only expires.
  if (type === "expire" ? selected.countType === "sinceImagePulled" : selected.storageClass === "archive")
    noSchemaFits();
  const minimum = selected.countType === "sinceImageTransitioned" ? MIN_ARCHIVED_DAYS : 1;
  if (selected.countNumber < minimum) {
    fail(`numeric instance is lower than the required minimum (minimum: ${minimum}, found: ${selected.countNumber})`);
  }
  return { priority: rulePriority as number, action: type, ...selected };
}

function parseSelection(selection: unknown): Omit<LifecycleRule, "priority" | "action"> {
  requireObject(selection);
  requireMembers(
    selection,
    ["countNumber", "countType", "tagStatus"],
    ["countNumber", "countType", "countUnit", "storageClass", "tagPatternList", "tagPrefixList", "tagStatus"],
  );
  const tagStatus = oneOf(selection["tagStatus"], ["tagged", "untagged", "any"]) as LifecycleRule["tagStatus"];
  const countType = oneOf(selection["countType"], COUNT_TYPES) as CountType;
  const { countNumber, countUnit } = selection;
  if (!Number.isInteger(countNumber)) throw wrongType(countNumber, "integer");
  if (countType === "imageCountMoreThan" ? countUnit !== undefined : countUnit !== "days") noSchemaFits();
  const storageClass = oneOf(selection["storageClass"] ?? "standard", ["standard", "archive"]) as StorageClass;
  if ((countType === "sinceImageTransitioned") !== (storageClass === "archive")) noSchemaFits();
  return {
    tagStatus,
    storageClass,
    countType,
    countNumber: countNumber as number,
    tagPatterns: patternsOf(selection, tagStatus),
  };
}

function patternsOf(selection: Json, tagStatus: LifecycleRule["tagStatus"]): readonly string[] {
  const prefixes = listOfTexts(selection["tagPrefixList"]);
  const patterns = listOfTexts(selection["tagPatternList"]);
  if (tagStatus !== "tagged") {
    if (prefixes.length > 0) fail(`tagPrefixList cannot be specified when tagStatus=${tagStatus.toUpperCase()}`);
    if (patterns.length > 0) fail(`tagPatternList cannot be specified when tagStatus=${tagStatus.toUpperCase()}`);
    return [];
  }
  if (prefixes.length > 0 && patterns.length > 0) fail("tagPrefixList and tagPatternList cannot be specified together");
  if (prefixes.length === 0 && patterns.length === 0) {
    fail("Must specify tagPrefixList or tagPatternList when tagStatus=TAGGED");
  }
  const excessive = patterns.find((pattern) => pattern.split("*").length - 1 > MAX_WILDCARDS);
  if (excessive !== undefined) fail(`tagPatternList must have at most ${MAX_WILDCARDS} wildcards per pattern`);
  return [...patterns, ...prefixes.map((prefix) => `${prefix}*`)];
}

function listOfTexts(value: unknown): readonly string[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrongType(value, "array");
  for (const text of value) if (typeof text !== "string") throw wrongType(text, "string");
  return value as string[];
}

function checkTogether(rules: readonly LifecycleRule[]): void {
  if (new Set(rules.map(({ priority }) => priority)).size < rules.length) {
    fail("Only one rule can have a given rulePriority");
  }
  for (const storageClass of ["standard", "archive"] as const) {
    const own = rules.filter((rule) => rule.storageClass === storageClass);
    const any = own.filter(({ tagStatus }) => tagStatus === "any");
    if (any.length > 1) fail("Only one rule can select ANY images per storage class");
    const last = any[0]?.priority;
    if (last !== undefined && own.some(({ priority }) => priority > last)) {
      fail("Rule for tagStatus=ANY must have the lowest priority per storage class");
    }
    if (own.filter(({ tagStatus }) => tagStatus === "untagged").length > 1) {
      fail("Only one rule can select Untagged images per storage class");
    }
    const selections = own
      .filter(({ tagStatus }) => tagStatus === "tagged")
      .map(({ tagPatterns }) => [...tagPatterns].sort().join(" "));
    if (new Set(selections).size < selections.length)
      fail("Rules must have unique tag prefixes or patterns per storage class");
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return fail("Could not map policyString into LifecyclePolicy.");
  }
}

function requireObject(value: unknown): asserts value is Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrongType(value, "object");
}

function requireMembers(value: Json, required: readonly string[], known: readonly string[]): void {
  const quoted = (names: readonly string[]): string => JSON.stringify(names);
  const missing = required.filter((name) => value[name] === undefined);
  if (missing.length > 0) fail(`object has missing required properties (${quoted(missing)})`);
  const unwanted = Object.keys(value)
    .filter((name) => !known.includes(name))
    .sort();
  if (unwanted.length > 0)
    fail(`object instance has properties which are not allowed by the schema: ${quoted(unwanted)}`);
}

function oneOf(value: unknown, values: readonly string[]): string {
  if (typeof value !== "string") throw wrongType(value, "string");
  if (values.includes(value)) return value;
  return fail(
    `instance value (${JSON.stringify(value)}) not found in enum (possible values: ${JSON.stringify(values)})`,
  );
}

const wrongType = (value: unknown, allowed: string) =>
  lifecyclePolicyInvalid(
    `instance type (${typeName(value)}) does not match any allowed primitive type (allowed: ${JSON.stringify([allowed])})`,
  );

function typeName(value: unknown): string {
  if (value === null || value === undefined) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isInteger(value) ? "integer" : typeof value;
}

/** AWS: `countUnit` belongs to the kinds of rule that count days, which are one of two schemas. */
const noSchemaFits = (): never => fail("instance failed to match exactly one schema (matched 0 out of 2)");

function fail(what: string): never {
  throw lifecyclePolicyInvalid(what);
}
