/** CreateGrant: lets a principal use a key, whatever the policies of its account say. */
import { isAccountId, parseArn } from "../../../core/arn.ts";
import type { GrantConstraint } from "../../key-grant.ts";
import { type OperationContext, operation } from "../../service.ts";
import { lookupErrors, unsupported, validationFailure } from "../errors.ts";
import { requireKey } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import { isSymmetricEncryption, specOf } from "../key-specs.ts";
import { type KeyRecord, keyArn } from "../records.ts";
import type { CreateGrantRequest, CreateGrantResponse, GrantConstraints } from "../shapes.gen.ts";
import { refuseSpecialModes, requireUsable, usabilityErrors } from "../usable-key.ts";
import {
  constraintRefused,
  grantOnlyGrants,
  grantOperationRefused,
  invalidGrantToken,
  invalidPrincipal,
  noGrantOperation,
  tooManyGrants,
} from "./errors.ts";
import { constraintConditions, directGrant, soughtGrantKey } from "./grant-access.ts";
import { requireGrantable } from "./grant-operations.ts";
import { type GrantRecord, grantCount, grantsOfKey, putGrant } from "./grant-records.ts";
import { grantTokenOf, requireGrantTokens } from "./grant-token.ts";

const MAX_GRANTS_OF_KEY = 50_000;
const MAX_PAIRS = 8;
const MAX_VALUE_LENGTH = 384;

export const createGrant = operation<CreateGrantRequest, CreateGrantResponse>({
  name: "CreateGrant",
  support: "partial",
  gaps: [
    "`GranteeServicePrincipal`, `RetiringServicePrincipal` and the `SourceArn` constraint are refused: no service here uses grants",
    "whether a principal exists is not checked",
  ],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html",
  authorize: async (input, context) => {
    requireGrantTokens(context, input.GrantTokens);
    const { GranteePrincipal, RetiringPrincipal, Operations } = input;
    const sought = await soughtGrantKey(context, input.KeyId);
    return [
      keyAccess(context, "kms:CreateGrant", sought, {
        ...directGrant,
        ...constraintConditions(constraintOf(input.Constraints)),
        "kms:GrantOperations": Operations,
        ...(GranteePrincipal !== undefined && { "kms:GranteePrincipal": GranteePrincipal }),
        ...(RetiringPrincipal !== undefined && { "kms:RetiringPrincipal": RetiringPrincipal }),
      }),
    ];
  },
  errors: [
    ...lookupErrors,
    invalidGrantToken,
    validationFailure,
    invalidPrincipal,
    grantOperationRefused,
    grantOnlyGrants,
    noGrantOperation,
    constraintRefused,
    tooManyGrants,
    ...usabilityErrors,
  ],
  async run(input, context) {
    const { key } = await requireKey(context, input.KeyId);
    const asked = askedGrant(key, input);
    requireUsable(key);
    refuseSpecialModes(input);
    const made = newGrant(context, key, asked);
    const grant = await context.store.write(() => {
      const existing = asked.name === "" ? [] : grantsOfKey(context.store, key);
      const same = existing.find((one) => isRetry(one, made));
      if (same) return same;
      if (grantCount(context.store, key) >= MAX_GRANTS_OF_KEY) throw tooManyGrants(keyArn(key));
      putGrant(context.store, made);
      return made;
    });
    return { GrantId: grant.id, GrantToken: grantTokenOf(context, grant) };
  },
});

type AskedGrant = Pick<GrantRecord, "granteePrincipal" | "retiringPrincipal" | "operations" | "constraint" | "name">;

function askedGrant(key: KeyRecord, input: CreateGrantRequest): AskedGrant {
  const { GranteePrincipal, RetiringPrincipal, Operations, Constraints, Name = "" } = input;
  if (input.GranteeServicePrincipal !== undefined || input.RetiringServicePrincipal !== undefined) {
    throw unsupported("grants to AWS services (`GranteeServicePrincipal`, `RetiringServicePrincipal`)");
  }
  if (Constraints?.SourceArn !== undefined) throw unsupported("the grant constraint `SourceArn`");
  if (GranteePrincipal === undefined) throw validationFailure(missing("granteePrincipal"));
  for (const principal of [GranteePrincipal, RetiringPrincipal]) {
    if (principal !== undefined && !isPrincipalArn(principal)) throw invalidPrincipal(principal);
  }
  if (Operations.length === 0) throw noGrantOperation();
  requireGrantable(key, Operations);
  const constraint = constraintOf(Constraints);
  if (constraint) requireWithinLimits(Constraints ?? {}, constraint);
  if (constraint && !isSymmetricEncryption(key)) {
    throw constraintRefused(`Encryption context constraints are not supported for key spec ${specOf(key)}.`);
  }
  return {
    granteePrincipal: GranteePrincipal,
    ...(RetiringPrincipal !== undefined && { retiringPrincipal: RetiringPrincipal }),
    operations: [...new Set(Operations)],
    ...(constraint && { constraint }),
    name: Name,
  };
}

/** The texts of the model's constraints, for a member that is required only without its newer sibling. */
const missing = (member: string): string =>
  `1 validation error detected: Value null at '${member}' failed to satisfy constraint: Member must not be null`;

// AWS: accounts, users, roles and their sessions; neither groups nor services.
function isPrincipalArn(text: string): boolean {
  const arn = parseArn(text);
  if (arn?.region !== "" || !isAccountId(arn.accountId)) return false;
  if (arn.service === "iam") return /^(?:root$|(?:user|role)\/.)/.test(arn.resource);
  return arn.service === "sts" && /^(?:assumed-role\/[^/]+\/[^/]+|federated-user\/[^/]+)$/.test(arn.resource);
}

/** AWS: a constraint without pairs counts as none. */
function constraintOf({
  EncryptionContextEquals,
  EncryptionContextSubset,
}: GrantConstraints = {}): GrantConstraint | undefined {
  if (hasPairs(EncryptionContextEquals)) return { type: "EncryptionContextEquals", pairs: EncryptionContextEquals };
  if (hasPairs(EncryptionContextSubset)) return { type: "EncryptionContextSubset", pairs: EncryptionContextSubset };
  return undefined;
}

const hasPairs = (pairs: Readonly<Record<string, string>> | undefined): pairs is Readonly<Record<string, string>> =>
  pairs !== undefined && Object.keys(pairs).length > 0;

function requireWithinLimits(given: GrantConstraints, { pairs }: GrantConstraint): void {
  if (hasPairs(given.EncryptionContextEquals) && hasPairs(given.EncryptionContextSubset)) {
    throw constraintRefused("Only one of EncryptionContextEquals and EncryptionContextSubset can be specified.");
  }
  if (Object.keys(pairs).length > MAX_PAIRS) {
    throw constraintRefused(`A grant constraint can include up to ${MAX_PAIRS} encryption context pairs.`);
  }
  if (Object.values(pairs).some((value) => value.length > MAX_VALUE_LENGTH)) {
    throw constraintRefused(
      `An encryption context value in a grant constraint cannot exceed ${MAX_VALUE_LENGTH} characters.`,
    );
  }
}

function newGrant(context: OperationContext, key: KeyRecord, asked: AskedGrant): GrantRecord {
  const { accountId, partition, region } = key;
  return {
    ...asked,
    id: context.ids.bytes(32).toString("hex"),
    accountId,
    partition,
    region,
    keyId: key.id,
    createdAtMs: context.clock.nowMs(),
    issuingAccountId: context.principal.accountId,
  };
}

/** AWS: a named grant with the same properties is the one that an earlier try made. */
const isRetry = (existing: GrantRecord, made: GrantRecord): boolean => propertiesOf(existing) === propertiesOf(made);

const propertiesOf = (grant: GrantRecord): string =>
  JSON.stringify([
    grant.name,
    grant.granteePrincipal,
    grant.retiringPrincipal ?? null,
    grant.issuingAccountId,
    [...grant.operations].sort(),
    grant.constraint?.type ?? null,
    Object.entries(grant.constraint?.pairs ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
