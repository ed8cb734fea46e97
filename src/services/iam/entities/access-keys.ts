/**
 * Access keys of users. The secret is shown once, by CreateAccessKey, and kept sealed.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html
 */
import { wholeSecond } from "../../../core/clock.ts";
import {
  type AccessKeyRecord,
  entityKey,
  forgetUses,
  identityCollections,
  newAccessKeyId,
} from "../../../identity/index.ts";
import { type OperationContext, operation } from "../../service.ts";
import {
  invalidMarker,
  invalidStatus,
  noSuchAccessKey,
  noSuchEntity,
  quotaExceeded,
  userNameNeeded,
} from "../errors.ts";
import { pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";
import { requireEntity, USER } from "./entities.ts";
import { entityAccess } from "./entity-access.ts";
import { userNameOf } from "./users.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
/** Keys a user may have. */
export const MAX_KEYS_PER_USER = 2;
const NOT_ROOT = ["keys of users only: the root user's key is a setting of Kiln"];

interface UserInput {
  readonly UserName?: string | undefined;
}

const access = (action: string) => (input: UserInput, context: OperationContext) => [
  entityAccess(USER, action, userNameOf(input, context), context),
];

export const createAccessKey = operation<Shapes.CreateAccessKeyRequest, Shapes.CreateAccessKeyResponse>({
  name: "CreateAccessKey",
  support: "partial",
  gaps: NOT_ROOT,
  source: `${DOCS}/API_CreateAccessKey.html`,
  authorize: access("CreateAccessKey"),
  errors: [noSuchEntity, quotaExceeded, userNameNeeded],
  async run(input, context) {
    const { store, scope, clock, ids } = context;
    const { users, accessKeys } = identityCollections(store);
    const userName = userNameOf(input, context);
    let accessKeyId: string;
    do accessKeyId = newAccessKeyId(ids, "AKIA", scope.accountId);
    while (accessKeys.has([accessKeyId]));
    const secret = ids.alphanumeric(40);
    const sealedSecret = store.seal(Buffer.from(secret), accessKeyId);
    const createdMs = wholeSecond(clock.nowMs());
    const name = await store.write(() => {
      const user = requireEntity(USER, userName, context);
      if (user.accessKeyIds.length >= MAX_KEYS_PER_USER) throw quotaExceeded("AccessKeysPerUser", MAX_KEYS_PER_USER);
      const accessKeyIds = [...user.accessKeyIds, accessKeyId];
      users.put(entityKey(scope.accountId, userName), { ...user, accessKeyIds });
      const owner = { accountId: scope.accountId, userName: user.name };
      accessKeys.put([accessKeyId], { accessKeyId, ...owner, status: "Active", createdMs, sealedSecret });
      return user.name;
    });
    return {
      AccessKey: {
        UserName: name,
        AccessKeyId: accessKeyId,
        Status: "Active",
        SecretAccessKey: secret,
        CreateDate: createdMs,
      },
    };
  },
});

export const listAccessKeys = operation<Shapes.ListAccessKeysRequest, Shapes.ListAccessKeysResponse>({
  name: "ListAccessKeys",
  support: "partial",
  gaps: NOT_ROOT,
  source: `${DOCS}/API_ListAccessKeys.html`,
  authorize: access("ListAccessKeys"),
  errors: [noSuchEntity, userNameNeeded, invalidMarker],
  run(input, context) {
    const user = requireEntity(USER, userNameOf(input, context), context);
    const { accessKeys } = identityCollections(context.store);
    const keys = user.accessKeyIds.map((id) => accessKeys.get([id])).filter((key) => key !== undefined);
    const page = pageOf(keys, input, (key) => [key.createdMs, key.accessKeyId]);
    const members = page.items.map((key) => ({
      UserName: user.name,
      AccessKeyId: key.accessKeyId,
      Status: key.status,
      CreateDate: key.createdMs,
    }));
    return { AccessKeyMetadata: members, ...page.members };
  },
});

export const updateAccessKey = operation<Shapes.UpdateAccessKeyRequest, object>({
  name: "UpdateAccessKey",
  support: "partial",
  gaps: NOT_ROOT,
  source: `${DOCS}/API_UpdateAccessKey.html`,
  authorize: access("UpdateAccessKey"),
  errors: [noSuchEntity, noSuchAccessKey, userNameNeeded, invalidStatus],
  async run(input, context) {
    const status = input.Status;
    // AWS: keys do not expire, though the model of the status knows the word.
    if (status !== "Active" && status !== "Inactive") throw invalidStatus();
    await context.store.write(() => {
      const key = requireKey(input.AccessKeyId, userNameOf(input, context), context);
      identityCollections(context.store).accessKeys.put([key.accessKeyId], { ...key, status });
    });
    return {};
  },
});

export const deleteAccessKey = operation<Shapes.DeleteAccessKeyRequest, object>({
  name: "DeleteAccessKey",
  support: "partial",
  gaps: NOT_ROOT,
  source: `${DOCS}/API_DeleteAccessKey.html`,
  authorize: access("DeleteAccessKey"),
  errors: [noSuchEntity, noSuchAccessKey, userNameNeeded],
  async run(input, context) {
    const { users, accessKeys } = identityCollections(context.store);
    await context.store.write(() => {
      const userName = userNameOf(input, context);
      const key = requireKey(input.AccessKeyId, userName, context);
      const user = requireEntity(USER, userName, context);
      const accessKeyIds = user.accessKeyIds.filter((id) => id !== key.accessKeyId);
      users.put(entityKey(context.scope.accountId, userName), { ...user, accessKeyIds });
      accessKeys.delete([key.accessKeyId]);
      forgetUses(context.store, key.accessKeyId);
    });
    return {};
  },
});

/** The key, if it is the user's. */
function requireKey(accessKeyId: string, userName: string, context: OperationContext): AccessKeyRecord {
  const user = requireEntity(USER, userName, context);
  const key = identityCollections(context.store).accessKeys.get([accessKeyId]);
  if (!key || !user.accessKeyIds.includes(accessKeyId)) throw noSuchAccessKey(accessKeyId);
  return key;
}
