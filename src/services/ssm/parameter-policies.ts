/**
 * Parameter policies of the advanced tier: Expiration, ExpirationNotification, NoChangeNotification.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html and texts of
 * real refusals.
 * Gap: AWS sends what is due to EventBridge; there is none here, so that only the status tells.
 */
import { DAY_MS, HOUR_MS } from "../../core/clock.ts";
import {
  incompatiblePolicy,
  invalidPolicyAttribute,
  invalidPolicyType,
  policiesLimitExceeded,
  validationFailure,
} from "./errors.ts";
import type { ParameterPolicy, ParameterVersion } from "./records.ts";
import type { ParameterInlinePolicy } from "./shapes.gen.ts";

const MAX_POLICIES = 10;
const VERSION = "1.0";
const UNITS_MS: Readonly<Record<string, number>> = { DAYS: DAY_MS, HOURS: HOUR_MS };
/** Java's ISO_INSTANT and ISO_OFFSET_DATE_TIME. AWS: an offset may have seconds, as in the guide's own example. */
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)(T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?:Z|([+-])(\d\d):(\d\d)(?::(\d\d))?)$/;

export const policyErrors = [invalidPolicyType, invalidPolicyAttribute, incompatiblePolicy, policiesLimitExceeded];

/** The policies in the request's JSON array; `[{}]` and `[]` mean none. */
export function parsePolicies(text: string): ParameterPolicy[] {
  const items = jsonOf(text);
  if (!Array.isArray(items) || !items.every(isObject)) throw validationFailure(`Invalid policies input: ${text}.`);
  if (items.length > MAX_POLICIES) throw policiesLimitExceeded(MAX_POLICIES);
  const policies = items.filter((item) => Object.keys(item).length > 0).map(parsePolicy);
  const expirations = policies.filter((policy) => policy.type === "Expiration").length;
  if (expirations > 1) throw incompatiblePolicy("There can be only one expiration policy");
  if (expirations === 0 && policies.some((policy) => policy.type === "ExpirationNotification")) {
    throw incompatiblePolicy("Expiration notification policies are missing expiration policy");
  }
  return policies;
}

/** Moment of the Expiration policy, if there is one. */
export function expirationOf(policies: readonly ParameterPolicy[] = []): number | undefined {
  const expiration = policies.find((policy) => policy.type === "Expiration");
  return expiration && momentOf(attributesOf(expiration)["Timestamp"]);
}

/** As DescribeParameters and GetParameterHistory answer them: those that were due at `atMs` are `Finished`. */
export function policiesAnswer(version: ParameterVersion, atMs: number): ParameterInlinePolicy[] {
  const { policies = [] } = version;
  return policies.map((policy) => ({
    PolicyText: policy.text,
    PolicyType: policy.type,
    PolicyStatus: dueMs(policy, version) <= atMs ? "Finished" : "Pending",
  }));
}

/** When the policy does what it says. */
function dueMs(policy: ParameterPolicy, { policies, lastModifiedMs }: ParameterVersion): number {
  const expiresAtMs = expirationOf(policies) ?? Number.POSITIVE_INFINITY;
  if (policy.type === "Expiration") return expiresAtMs;
  const attributes = attributesOf(policy);
  const unitMs = UNITS_MS[String(attributes["Unit"]).toUpperCase()] ?? 0;
  return policy.type === "ExpirationNotification"
    ? expiresAtMs - Number(attributes["Before"]) * unitMs
    : lastModifiedMs + Number(attributes["After"]) * unitMs;
}

type Attributes = Readonly<Record<string, unknown>>;

/** Of a policy that was checked when it was put. */
const attributesOf = (policy: ParameterPolicy): Attributes =>
  (JSON.parse(policy.text) as { readonly Attributes: Attributes }).Attributes;

function parsePolicy(raw: Attributes): ParameterPolicy {
  const { Type: type, Version: version, Attributes: attributes } = raw;
  if (type !== "Expiration" && type !== "ExpirationNotification" && type !== "NoChangeNotification") {
    throw invalidPolicyType(`Policy type ${typeof type === "string" ? type : JSON.stringify(type)} is not supported.`);
  }
  if (version !== VERSION) throw invalidPolicyAttribute("Unsupported policy version.");
  if (!isObject(attributes)) throw missing("Attributes");
  if (type === "Expiration") requireTimestamp(attributes);
  else requireDuration(attributes, type === "ExpirationNotification" ? "Before" : "After");
  return { text: JSON.stringify(raw), type };
}

function requireTimestamp({ Timestamp: timestamp }: Attributes): void {
  if (timestamp === undefined) {
    throw invalidPolicyAttribute("A valid Expiration policy must have an attribute of Timestamp.");
  }
  if (momentOf(timestamp) === undefined) throw invalidPolicyAttribute("Invalid timestamp format");
}

/** What a timestamp stands for; undefined for what is none, like the 30th of February. */
function momentOf(timestamp: unknown): number | undefined {
  const [, day, time, sign, hours, minutes, seconds = 0] = TIMESTAMP.exec(String(timestamp)) ?? [];
  const localMs = Date.parse(`${day}${time}Z`);
  if (Number.isNaN(localMs) || new Date(localMs).toISOString().slice(0, 10) !== day) return undefined;
  if (sign === undefined) return localMs;
  const offsetMs = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
  return sign === "+" ? localMs - offsetMs : localMs + offsetMs;
}

function requireDuration(attributes: Attributes, name: "Before" | "After"): void {
  const { [name]: amount, Unit: unit } = attributes;
  if (amount === undefined) throw missing(name);
  if (unit === undefined) throw missing("Unit");
  if (!/^[1-9]\d{0,8}$/.test(String(amount))) {
    throw invalidPolicyAttribute(`Attribute ${name} must be a positive integer.`);
  }
  const isUnit = typeof unit === "string" && Object.hasOwn(UNITS_MS, unit.toUpperCase());
  if (!isUnit) throw invalidPolicyAttribute("Supported time units: DAYS HOURS");
}

const missing = (name: string) => invalidPolicyAttribute(`Mandatory policy attribute ${name} is missing.`);

const isObject = (value: unknown): value is Attributes =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
