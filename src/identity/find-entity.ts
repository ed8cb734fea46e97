/**
 * Roles, users and groups by ARN. AWS: the ARN counts to the letter, path and case included, though no two names of an
 * account differ in case only.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
 */
import { parseArn } from "../core/arn.ts";
import type { Store } from "../store/store.ts";
import { type Entity, type EntityWord, entityKey, identityCollections } from "./records.ts";

const WORDS: readonly string[] = ["role", "user", "group"] satisfies EntityWord[];

/** The role, user or group with this ARN, of whatever account. */
export function findEntityByArn(store: Store, arn: string): Entity | undefined {
  const { service, accountId = "", resource = "" } = parseArn(arn) ?? {};
  const word = resource.slice(0, resource.indexOf("/"));
  if (service !== "iam" || !WORDS.includes(word)) return undefined;
  const { roles, users, groups } = identityCollections(store);
  const collection = { role: roles, user: users, group: groups }[word as EntityWord];
  const record = collection.get(entityKey(accountId, resource.slice(resource.lastIndexOf("/") + 1)));
  return record?.arn === arn ? ({ word, record } as Entity) : undefined;
}
