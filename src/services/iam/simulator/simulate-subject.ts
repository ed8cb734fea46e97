/**
 * Whom a simulation is about: the caller that is pretended, what follows from it for condition keys, and the policies that
 * IAM has for a user, group or role. Part of simulate.ts.
 * Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html; names of policies as in
 * answers of AWS quoted in public.
 */
import type { RequestContext } from "../../../authorize/index.ts";
import type { AssumedRolePrincipal, UserPrincipal } from "../../../core/aws.ts";
import {
  type EntityRecord,
  findEntityByArn,
  type HeldPolicy,
  managedPolicyInForce,
  policiesHeldBy,
  roleSession,
} from "../../../identity/index.ts";
import type { OperationContext } from "../../service.ts";
import { invalidInput, noSuchEntity } from "../errors.ts";
import { entityIn, type NamedEntity, type SimulatedPolicy } from "./simulate-input.ts";

/** A policy of an entity, with what PolicyExclusionList can name it by. */
export interface EntityPolicy extends SimulatedPolicy {
  readonly origin: HeldPolicy["origin"] | { readonly kind: "boundary" };
}

/** The entity of a PolicySourceArn. */
interface PolicySource {
  readonly entity: NamedEntity;
  /** Its own policies, and for a user those of its groups. */
  readonly policies: readonly EntityPolicy[];
  readonly boundary: EntityPolicy | undefined;
}

/** The user, group or role of a PolicySourceArn with its policies. */
export function requirePolicySource(arn: string, context: OperationContext): PolicySource {
  const entity = requireOwnEntity(arn, context);
  const found = findEntityByArn(context.store, arn);
  if (!found) throw noSuchEntity(entity.word, entity.name);
  return {
    entity,
    policies: policiesHeldBy(context.store, found).map(simulatedPolicy),
    boundary: attachedBoundary(found.record, context),
  };
}

function attachedBoundary({ boundaryArn }: EntityRecord, { store }: OperationContext): EntityPolicy | undefined {
  if (boundaryArn === undefined) return undefined;
  const policy = simulatedPolicy(managedPolicyInForce(store, boundaryArn));
  return { ...policy, type: "Permissions Boundary Policy", origin: { kind: "boundary" } };
}

/** AWS: the text was seen; it comes before any look at policies. */
export function requireOwnEntity(arn: string, { scope: { accountId } }: OperationContext): NamedEntity {
  const entity = entityIn(arn);
  if (entity.accountId !== accountId) {
    throw invalidInput(
      `Invalid Policy Source Arn: caller's account ${accountId} does not have access to policies in account ${entity.accountId}`,
    );
  }
  return entity;
}

const simulatedPolicy = ({ text, document, origin }: HeldPolicy): EntityPolicy => ({
  // AWS: inline policies go by this name, managed ones by their own.
  id: origin.kind === "managed" ? origin.name : `${origin.word}_${origin.entityName}_${origin.name}`,
  type: "IAM Policy",
  text,
  document,
  origin,
});

/** Who is pretended to call. */
export interface SimulatedCaller {
  /** Undefined when nobody was named: then nothing is known of the caller, and it is of the resource's account. */
  readonly entity: NamedEntity | undefined;
  readonly principal: UserPrincipal | AssumedRolePrincipal;
  /** The condition keys that follow from naming it; keys of a request or a session are not among them. */
  readonly context: RequestContext;
}

/** Who the ARN in CallerArn names. */
export function simulatedCaller(arn: string | undefined, context: OperationContext): SimulatedCaller {
  if (arn === undefined) return { entity: undefined, principal: nobody(context.scope.accountId), context: {} };
  const entity = entityIn(arn);
  const isOwn = entity.accountId === context.scope.accountId;
  const record = isOwn ? findEntityByArn(context.store, arn)?.record : undefined;
  return {
    entity,
    principal: entity.word === "role" ? sessionOf(entity, record) : userOf(entity, record),
    context: impliedContext(entity, record),
  };
}

function impliedContext(entity: NamedEntity, record: EntityRecord | undefined): RequestContext {
  const ofAccount = { "aws:PrincipalAccount": entity.accountId, "aws:PrincipalIsAWSService": "false" };
  if (entity.word === "group") return ofAccount;
  const tags = record?.tags.map(({ Key, Value }) => [`aws:PrincipalTag/${Key}`, Value]) ?? [];
  const common = { ...ofAccount, "aws:PrincipalArn": entity.arn, ...Object.fromEntries(tags) };
  // A session's own keys (`aws:userid`, `aws:TokenIssueTime`) do not follow from the role.
  if (entity.word === "role") return { ...common, "aws:PrincipalType": "AssumedRole" };
  return {
    ...common,
    "aws:PrincipalType": "User",
    "aws:username": entity.name,
    ...(record && { "aws:userid": record.id }),
  };
}

/** No policy can name a principal without an ARN. */
export const nobody = (accountId: string): UserPrincipal => ({
  type: "User",
  arn: "",
  accountId,
  userId: "",
  userName: "",
});

/** A group's ARN stands for no principal either: no policy may name it. */
const userOf = ({ arn, accountId, name }: NamedEntity, record: EntityRecord | undefined): UserPrincipal => ({
  type: "User",
  arn,
  accountId,
  userId: record?.id ?? "",
  userName: name,
});

/** A session of the role without a name of its own: policies can name the role, not the session. */
const sessionOf = ({ arn, name }: NamedEntity, record: EntityRecord | undefined): AssumedRolePrincipal =>
  roleSession({ arn, name, id: record?.id ?? "" }, "", 0);
