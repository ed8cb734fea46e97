/**
 * Standard and advanced tier: which one a version gets, and what each may hold.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
 */
import { parameterLimitExceeded, validationFailure } from "./errors.ts";
import { MAX_PARAMETERS } from "./parameter-quota.ts";
import type { ParameterTier } from "./records.ts";

const MAX_BYTES = { Standard: 4096, Advanced: 8192 } as const;
const MAX_REQUEST_CHARACTERS = 32_768;

const TIER_DOCUMENTATION =
  "https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html";

export interface TierFacts {
  /** Of the request, or else the account's default. */
  readonly requested: ParameterTier | "Intelligent-Tiering" | undefined;
  /** Of the version that is overwritten. */
  readonly current: ParameterTier | undefined;
  readonly accountDefault: ParameterTier | "Intelligent-Tiering";
  readonly value: string;
  readonly hasPolicies: boolean;
  /** Whether the account may have one more parameter of the tier; asked only where it would have. */
  readonly hasRoomFor: (tier: ParameterTier) => boolean;
}

/** The tier of the new version, or a refusal when the request or the account does not fit it. */
export function requireTier(facts: TierFacts): ParameterTier {
  const tier = fittingTier(facts);
  if (tier === facts.current || facts.hasRoomFor(tier)) return tier;
  const wanted = facts.requested ?? facts.accountDefault;
  // AWS: intelligent tiering goes on in the advanced tier when the standard one is full.
  if (tier === "Standard" && wanted === "Intelligent-Tiering" && facts.hasRoomFor("Advanced")) return "Advanced";
  throw parameterLimitExceeded(tier, MAX_PARAMETERS[tier]);
}

function fittingTier(facts: TierFacts): ParameterTier {
  const { requested, current, value, hasPolicies } = facts;
  const bytes = Buffer.byteLength(value);
  const wanted = requested ?? (current === "Advanced" ? "Advanced" : facts.accountDefault);
  if (wanted === "Standard") {
    if (current === "Advanced") {
      throw validationFailure(
        "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter " +
          "tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as " +
          `a standard parameter. Be aware that standard parameters have a value limit of ${MAX_BYTES.Standard} characters.`,
      );
    }
    if (bytes > MAX_BYTES.Standard) {
      throw validationFailure(
        `Standard tier parameters support a maximum parameter value of ${MAX_BYTES.Standard} characters. To create a ` +
          "larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see " +
          TIER_DOCUMENTATION,
      );
    }
    if (hasPolicies) {
      throw validationFailure(
        "You can't assign parameter policies to a standard-parameter tier. For more information, see " +
          TIER_DOCUMENTATION,
      );
    }
    return "Standard";
  }
  if (bytes > MAX_BYTES.Advanced) {
    throw validationFailure(
      "The specified parameter value is too large. Advanced-tier parameters support a maximum parameter value of " +
        `${MAX_BYTES.Advanced} characters.`,
    );
  }
  if (wanted === "Advanced" || current === "Advanced") return "Advanced";
  return bytes > MAX_BYTES.Standard || hasPolicies ? "Advanced" : "Standard";
}

/** The limits that hold before any tier. */
export function requireValueLength(value: string): void {
  if (value.length === 0) {
    throw validationFailure(
      "1 validation error detected: Value at 'value' failed to satisfy constraint: " +
        "Member must have length greater than or equal to 1",
    );
  }
  if (value.length > MAX_REQUEST_CHARACTERS) {
    throw validationFailure(
      "1 validation error detected: Value at 'value' failed to satisfy constraint: " +
        `Member must have length less than or equal to ${MAX_REQUEST_CHARACTERS}`,
    );
  }
}
