/**
 * RetireGrant and RevokeGrant: both delete a grant. Revoking is for whom policies allow it, retiring for whom the grant
 * itself names.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/grant-delete.html
 */
import type { AuthorizationRequest, ResourceGrant } from "../../../authorize/decision.ts";
import { type AwsScope, arnIn, globalArnIn } from "../../../core/arn.ts";
import { grantName } from "../../key-grant.ts";
import { type OperationContext, operation } from "../../service.ts";
import { foreignRegion, keyNotFound, lookupErrors } from "../errors.ts";
import { type AbsentKey, findKeyById, requireKey } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import type { KeyRecord } from "../records.ts";
import type { RetireGrantRequest, RevokeGrantRequest } from "../shapes.gen.ts";
import { refuseSpecialModes, usabilityErrors } from "../usable-key.ts";
import { grantNotFound, grantNotNamed, invalidGrantId, invalidGrantToken } from "./errors.ts";
import { constraintConditions, directGrant, soughtGrantKey } from "./grant-access.ts";
import { deleteGrant, findGrant, type GrantRecord } from "./grant-records.ts";
import { readGrantToken } from "./grant-token.ts";

const errors = [...lookupErrors, grantNotFound, invalidGrantId, ...usabilityErrors];

export const revokeGrant = operation<RevokeGrantRequest, object>({
  name: "RevokeGrant",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:RevokeGrant", await soughtGrantKey(context, input.KeyId), directGrant),
  ],
  errors,
  async run(input, context) {
    const { key } = await requireKey(context, input.KeyId);
    return end(context, requireGrant(context, key, input.GrantId), input);
  },
});

export const retireGrant = operation<RetireGrantRequest, object>({
  name: "RetireGrant",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html",
  authorize: async (input, context) => [retireAccess(context, await soughtGrant(context, input))],
  errors: [...errors, invalidGrantToken, grantNotNamed],
  async run(input, context) {
    const sought = await soughtGrant(context, input);
    // Found when permission was asked; in between it has gone.
    if ("absentArn" in sought) throw keyNotFound(sought.absentArn);
    return end(context, sought.grant, input);
  },
});

async function end(context: OperationContext, grant: GrantRecord, input: { DryRun?: boolean | undefined }) {
  refuseSpecialModes(input);
  await context.store.write(() => deleteGrant(context.store, grant));
  return {};
}

/** Throws for what no grant has as its id. */
export function requireGrantId(grantId: string): void {
  if (!/^[0-9a-f]{64}$/.test(grantId)) throw invalidGrantId();
}

function requireGrant(context: OperationContext, key: KeyRecord, grantId: string): GrantRecord {
  requireGrantId(grantId);
  const grant = findGrant(context.store, key, grantId);
  if (!grant) throw grantNotFound(grantId);
  return grant;
}

interface FoundGrant {
  readonly key: KeyRecord;
  readonly grant: GrantRecord;
}

/** The grant that a token, or a key and an id, is about; strangers do not learn which grants a key has. */
async function soughtGrant(context: OperationContext, input: RetireGrantRequest): Promise<FoundGrant | AbsentKey> {
  const { GrantToken, KeyId, GrantId } = input;
  const isByToken = GrantToken !== undefined;
  if (isByToken ? KeyId !== undefined || GrantId !== undefined : KeyId === undefined || GrantId === undefined) {
    throw grantNotNamed();
  }
  if (isByToken) return grantOfToken(context, GrantToken);
  const sought = await soughtGrantKey(context, KeyId as string);
  if ("absentArn" in sought) return sought;
  const { key } = sought;
  const isForeign = key.accountId !== context.scope.accountId;
  const grant = findGrant(context.store, key, GrantId as string);
  if (!grant && isForeign) return { absentArn: arnIn(key, "kms", `key/${key.id}`), accountId: key.accountId };
  return { key, grant: grant ?? requireGrant(context, key, GrantId as string) };
}

/** AWS: a token itself says which key and grant it is for. */
function grantOfToken(context: OperationContext, token: string): FoundGrant {
  const { accountId, region, keyId, grantId } = readGrantToken(context, token);
  const scope: AwsScope = { ...context.scope, accountId };
  if (region !== scope.region) throw foreignRegion(region);
  const key = findKeyById(context, scope, keyId);
  if (!key) throw keyNotFound(arnIn(scope, "kms", `key/${keyId}`));
  return { key, grant: requireGrant(context, key, grantId) };
}

/** AWS: the key's policy has no say: the grant names who may retire it, and identity policies may only deny. */
function retireAccess(context: OperationContext, sought: FoundGrant | AbsentKey): AuthorizationRequest {
  if ("absentArn" in sought) return keyAccess(context, "kms:RetireGrant", sought);
  const { key, grant } = sought;
  const name = grantName(grant.id);
  return {
    ...keyAccess(context, "kms:RetireGrant", { key }, constraintConditions(grant.constraint)),
    resourcePolicy: { name, document: NOBODY, accountId: key.accountId, mandatory: true },
    grants: [{ name, document: retirersOf(grant) }],
  };
}

const NOBODY = { Version: "2012-10-17", Statement: [] };

/**
 * The retiring principal, the grantee when the grant permits it, and, as a backup that an account may hand on to its users
 * and roles, the accounts that made the grant and that own the key.
 */
function retirersOf(grant: GrantRecord): ResourceGrant["document"] {
  const account = (accountId: string): string => globalArnIn({ ...grant, accountId }, "iam", "root");
  const named: readonly (readonly [Sid: string, AWS: string | undefined])[] = [
    ["RetiringPrincipal", grant.retiringPrincipal],
    ["GranteePrincipal", grant.operations.includes("RetireGrant") ? grant.granteePrincipal : undefined],
    ["IssuingAccount", account(grant.issuingAccountId)],
    ["KeyAccount", account(grant.accountId)],
  ];
  return {
    Version: "2012-10-17",
    Statement: named.flatMap(([Sid, AWS]) =>
      AWS === undefined ? [] : [{ Sid, Effect: "Allow", Principal: { AWS }, Action: "kms:RetireGrant", Resource: "*" }],
    ),
  };
}
