/**
 * What is usually wrong when a statement comes near: for a pattern and the value it missed, the change that would make it
 * match, tested with the engine's own matcher, and one sentence for a person.
 * Sources of the mistakes: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html,
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html,
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html,
 * https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
 */
import { parseArn } from "../core/arn.ts";
import { editDistance } from "../core/nearest.ts";
import { arnPartsOf, compileArnPattern } from "./resource-pattern.ts";

interface Miss {
  readonly pattern: string;
  readonly value: string;
  readonly action: string;
}

type Rule = (miss: Miss) => string | undefined;

/** One sentence about why this resource pattern missed, or undefined for one that is simply about something else. */
export function resourceAdvice(miss: Miss): string | undefined {
  for (const rule of RESOURCE_RULES) {
    const advice = rule(miss);
    if (advice !== undefined) return advice;
  }
  return undefined;
}

/** One sentence about an action that looks like the one called, or undefined. */
export function actionAdvice(pattern: string, action: string): string | undefined {
  const [service, name = ""] = action.toLowerCase().split(":");
  const [otherService, otherName = ""] = pattern.toLowerCase().split(":");
  if (name === "" || otherName === "" || /[*?]/.test(otherName)) return undefined;
  if (service !== otherService) {
    return name === otherName ? `the call needs the action of \`${service}\`, not of \`${otherService}\`` : undefined;
  }
  const isAlike = name.startsWith(otherName) || otherName.startsWith(name) || isFewEdits(name, otherName);
  return isAlike ? `\`${pattern}\` and \`${action}\` are two actions: allow the one that is called` : undefined;
}

const none = () => undefined;

/** Would the changed pattern match? */
const covers = (pattern: string, value: string): boolean =>
  compileArnPattern(pattern, { variables: false, isCondition: false }).matches(value, arnPartsOf(value), none);

/** A rule for a pattern that would match if `change` were made to it. */
const whenChanged =
  (change: (pattern: string) => string | undefined, say: (changed: string, miss: Miss) => string | undefined): Rule =>
  (miss) => {
    const changed = change(miss.pattern);
    return changed !== undefined && covers(changed, miss.value) ? say(changed, miss) : undefined;
  };

const of =
  (service: string, rule: Rule): Rule =>
  (miss) =>
    miss.pattern.split(":", 3)[2] === service ? rule(miss) : undefined;

const withoutEnd =
  (end: string) =>
  (pattern: string): string | undefined =>
    pattern.endsWith(end) ? pattern.slice(0, -end.length) : undefined;

const RESOURCE_RULES: readonly Rule[] = [
  ({ pattern, value, action }) =>
    value === "*" && pattern !== "*"
      ? `\`${action}\` is about no resource in particular: only the Resource \`*\` allows it`
      : undefined,
  whenChanged(
    (pattern) => (pattern.includes(":parameter//") ? pattern.replace(":parameter//", ":parameter/") : undefined),
    (changed) => `a parameter's leading slash is not doubled in its ARN: write \`${changed}\``,
  ),
  otherScope,
  of(
    "kms",
    whenChanged(
      (pattern) => (parseArn(pattern)?.resource.startsWith("alias/") ? withResource(pattern, "key/*") : undefined),
      () =>
        "KMS asks about the key, never about the alias: name the key's ARN, or use the condition `kms:ResourceAliases`",
    ),
  ),
  of(
    "logs",
    whenChanged(
      (pattern) => `${pattern}:*`,
      (changed) => `the call is about the group's streams too: write \`${changed}\``,
    ),
  ),
  of(
    "logs",
    whenChanged(withoutEnd(":*"), (changed) => `the call is about the group itself: add \`${changed}\``),
  ),
  of(
    "s3",
    whenChanged(
      (pattern) => (parseArn(pattern)?.resource.includes("/") ? undefined : `${pattern}/*`),
      (changed, { pattern }) => `\`${pattern}\` is the bucket: its objects are \`${changed}\``,
    ),
  ),
  of(
    "s3",
    whenChanged(
      (pattern) => bucketOf(pattern),
      (changed, { pattern }) => `\`${pattern}\` is about objects: the bucket itself is \`${changed}\``,
    ),
  ),
  of(
    "secretsmanager",
    whenChanged(
      (pattern) => `${pattern}-??????`,
      (changed) => `a secret's ARN ends in six characters that AWS adds: write \`${changed}\``,
    ),
  ),
  whenChanged(
    withoutEnd("/*"),
    (changed, { pattern }) => `\`${pattern}\` is what lies below: \`${changed}\` itself needs its own entry`,
  ),
  whenChanged(
    (pattern) => `${pattern.replace(/\/$/, "")}/*`,
    (changed, { pattern }) => `\`${pattern}\` is that one alone: what lies below is \`${changed}\``,
  ),
  whenChanged(
    (pattern) => (pattern.endsWith("*") ? undefined : `${pattern}*`),
    (changed) => `the resource goes on where the pattern ends: \`${changed}\` would match`,
  ),
  ({ pattern, value }) =>
    covers(pattern.toLowerCase(), value.toLowerCase()) ? "they differ in upper and lower case only" : undefined,
  ({ pattern, value }) => {
    const [meant, asked] = [parseArn(pattern), parseArn(value)];
    if (!meant || !asked || withResource(pattern, "") !== withResource(value, "")) return undefined;
    return isFewEdits(meant.resource, asked.resource) ? "they differ in a letter or two: a typing error?" : undefined;
  },
];

/** Region, account or both are others, all else matches. */
function otherScope({ pattern, value }: Miss): string | undefined {
  const [meant, asked] = [pattern.split(":"), value.split(":")];
  const named = [
    [3, "region"],
    [4, "account"],
  ] as const;
  if (meant.length < 6 || asked.length < 6) return undefined;
  if (!covers([...meant.slice(0, 3), "*", "*", ...meant.slice(5)].join(":"), value)) return undefined;
  const differences = named.flatMap(([part, word]) => {
    const wanted = meant[part] ?? "";
    const covered = [...asked.slice(0, part), wanted, ...asked.slice(part + 1)].join(":");
    return covers(covered, value) ? [] : [`for ${word} \`${wanted}\`, the call is about \`${asked[part]}\``];
  });
  return differences.length === 0 ? undefined : `the statement is ${differences.join(", and ")}`;
}

/** The ARN pattern with another sixth part; undefined for what is no ARN. */
const withResource = (pattern: string, resource: string): string | undefined => {
  const parts = pattern.split(":");
  return parts.length < 6 ? undefined : [...parts.slice(0, 5), resource].join(":");
};

function bucketOf(pattern: string): string | undefined {
  const resource = parseArn(pattern)?.resource;
  return resource?.includes("/") ? withResource(pattern, resource.split("/", 1)[0] as string) : undefined;
}

const MAX_COMPARED = 200;

function isFewEdits(a: string, b: string): boolean {
  if (a.length > MAX_COMPARED || b.length > MAX_COMPARED || Math.abs(a.length - b.length) > 2) return false;
  return a.length > 3 && editDistance(a, b) <= 2;
}
