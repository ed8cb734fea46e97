/**
 * Parameter policies of the advanced tier: Expiration, ExpirationNotification, NoChangeNotification.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
 * Gap: notifications are stored and shown, no event is sent.
 */
import { incompatiblePolicy, invalidPolicyAttribute, invalidPolicyType, policiesLimitExceeded } from "./errors.ts";
import type { ParameterPolicy, ParameterVersion } from "./records.ts";
import type { ParameterInlinePolicy } from "./shapes.gen.ts";

const MAX_POLICIES = 10;

export const policyErrors = [invalidPolicyType, invalidPolicyAttribute, incompatiblePolicy, policiesLimitExceeded];

/** The policies in the request's JSON array; `[{}]` and `[]` mean none. */
export function parsePolicies(text: string): ParameterPolicy[] {
  let items: unknown;
  try {
    items = JSON.parse(text);
  } catch {
    throw invalidPolicyAttribute();
  }
  if (!Array.isArray(items)) throw invalidPolicyAttribute();
  if (items.length > MAX_POLICIES) throw policiesLimitExceeded();
  const policies = items.filter((item) => !isEmptyObject(item)).map(parsePolicy);
  if (policies.filter((policy) => policy.type === "Expiration").length > 1) throw incompatiblePolicy();
  return policies;
}

/** Moment of the Expiration policy, if there is one. */
export function expirationOf(policies: readonly ParameterPolicy[] = []): number | undefined {
  const expiration = policies.find((policy) => policy.type === "Expiration");
  return expiration && timestampOf(JSON.parse(expiration.text) as RawPolicy);
}

/** As DescribeParameters and GetParameterHistory answer them; members left out when there are none. */
export function policiesAnswer({ policies }: ParameterVersion): { Policies?: ParameterInlinePolicy[] } {
  if (!policies) return {};
  return {
    Policies: policies.map(({ text, type }) => ({ PolicyText: text, PolicyType: type, PolicyStatus: "Pending" })),
  };
}

interface RawPolicy {
  readonly Type?: unknown;
  readonly Version?: unknown;
  readonly Attributes?: Readonly<Record<string, unknown>>;
}

function parsePolicy(item: unknown): ParameterPolicy {
  if (typeof item !== "object" || item === null) throw invalidPolicyAttribute();
  const raw = item as RawPolicy;
  const text = JSON.stringify(item);
  switch (raw.Type) {
    case "Expiration":
      if (timestampOf(raw) === undefined) throw invalidPolicyAttribute();
      return { text, type: raw.Type };
    case "ExpirationNotification":
      requireDuration(raw, "Before");
      return { text, type: raw.Type };
    case "NoChangeNotification":
      requireDuration(raw, "After");
      return { text, type: raw.Type };
    default:
      throw invalidPolicyType();
  }
}

function timestampOf(raw: RawPolicy): number | undefined {
  const timestamp = raw.Attributes?.["Timestamp"];
  const ms = typeof timestamp === "string" ? Date.parse(timestamp) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function requireDuration(raw: RawPolicy, attribute: "Before" | "After"): void {
  const amount = raw.Attributes?.[attribute];
  const unit = raw.Attributes?.["Unit"];
  const isAmount = typeof amount === "string" && /^[1-9]\d*$/.test(amount);
  if (!isAmount || (unit !== "Days" && unit !== "Hours")) throw invalidPolicyAttribute();
}

const isEmptyObject = (item: unknown): boolean =>
  typeof item === "object" && item !== null && Object.keys(item).length === 0;
