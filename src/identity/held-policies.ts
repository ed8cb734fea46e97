/**
 * Which policies a role, user or group has: the one list for what decides requests (identity.ts), for the policy simulator
 * and for questions about access. Asked on every request, so what a record gives is kept by the record: the store gives the
 * same object until it changes.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-vs-inline.html
 */
import type { NamedPolicy } from "../authorize/decision.ts";
import { parseArn } from "../core/arn.ts";
import type { Store } from "../store/store.ts";
import { defaultDocumentText, findManagedPolicy } from "./managed-policies.ts";
import { parsedDocument } from "./parsed-document.ts";
import {
  type Entity,
  type EntityRecord,
  type EntityWord,
  entityKey,
  identityCollections,
  type PolicyRecord,
  type UserRecord,
} from "./records.ts";

/** A policy that an entity has. */
export interface HeldPolicy extends NamedPolicy {
  /** The document as it was given. */
  readonly text: string;
  readonly origin:
    | { readonly kind: "managed"; readonly name: string; readonly arn: string }
    /** With the entity whose it is: for a user perhaps one of its groups. */
    | { readonly kind: "inline"; readonly name: string; readonly word: EntityWord; readonly entityName: string };
}

/** The entity's own policies, managed ones first, and behind a user's own those of its groups. */
export function policiesHeldBy(store: Store, { word, record }: Entity): readonly HeldPolicy[] {
  const own = ownPolicies(store, word, record);
  return word === "user" && record.groupNames.length > 0 ? [...own, ...policiesOfGroups(store, record)] : own;
}

/** A managed policy as it counts now; one that cannot be found allows nothing. */
export function managedPolicyInForce(store: Store, arn: string): HeldPolicy {
  const policy = findManagedPolicy(store, arn);
  if (!policy) return managedPolicy(arn, arn, "{}");
  let held = managedPolicies.get(policy);
  if (!held) {
    held = managedPolicy(arn, policy.name, defaultDocumentText(policy));
    managedPolicies.set(policy, held);
  }
  return held;
}

const managedPolicies = new WeakMap<PolicyRecord, HeldPolicy>();
const inlinePolicies = new WeakMap<EntityRecord, readonly HeldPolicy[]>();

const managedPolicy = (arn: string, name: string, text: string): HeldPolicy => ({
  name: arn,
  arn,
  document: parsedDocument(text),
  text,
  origin: { kind: "managed", name, arn },
});

function ownPolicies(store: Store, word: EntityWord, entity: EntityRecord): readonly HeldPolicy[] {
  let inline = inlinePolicies.get(entity);
  if (!inline) {
    inline = Object.entries(entity.inlinePolicies).map(([name, text]) => ({
      name: `inline policy ${name} of ${word} ${entity.name}`,
      document: parsedDocument(text),
      text,
      origin: { kind: "inline", name, word, entityName: entity.name },
    }));
    inlinePolicies.set(entity, inline);
  }
  if (entity.attachedPolicyArns.length === 0) return inline;
  return [...entity.attachedPolicyArns.map((arn) => managedPolicyInForce(store, arn)), ...inline];
}

function policiesOfGroups(store: Store, { arn, groupNames }: UserRecord): HeldPolicy[] {
  const { groups } = identityCollections(store);
  const accountId = parseArn(arn)?.accountId ?? "";
  return groupNames.flatMap((name) => {
    const group = groups.get(entityKey(accountId, name));
    return group ? ownPolicies(store, "group", group) : [];
  });
}
