/** Questions about credentials: GetCallerIdentity, GetAccessKeyInfo, DecodeAuthorizationMessage. */
import { accountOfAccessKeyId, identityCollections } from "../../identity/index.ts";
import { operation } from "../service.ts";
import { invalidAuthorizationMessage, sessionCredentials, unknownAccessKey } from "./errors.ts";
import { requireCallable } from "./session-limits.ts";
import type * as Shapes from "./shapes.gen.ts";

const DOCS = "https://docs.aws.amazon.com/STS/latest/APIReference";

export const getCallerIdentity = operation<Shapes.GetCallerIdentityRequest, Shapes.GetCallerIdentityResponse>({
  name: "GetCallerIdentity",
  support: "supported",
  source: `${DOCS}/API_GetCallerIdentity.html`,
  // AWS: needs no permission, and an explicit deny has no effect.
  authorize: () => [],
  errors: [],
  run: (_input, { principal }) => ({ UserId: principal.userId, Account: principal.accountId, Arn: principal.arn }),
});

export const getAccessKeyInfo = operation<Shapes.GetAccessKeyInfoRequest, Shapes.GetAccessKeyInfoResponse>({
  name: "GetAccessKeyInfo",
  support: "supported",
  source: `${DOCS}/API_GetAccessKeyInfo.html`,
  authorize(_input, { principal }) {
    requireCallable("GetAccessKeyInfo", principal);
    return [{ action: "sts:GetAccessKeyInfo", resource: "*" }];
  },
  errors: [unknownAccessKey, sessionCredentials],
  run(input, { store }) {
    const { accessKeys, sessions } = identityCollections(store);
    const key = [input.AccessKeyId];
    // Keys from before ids carried their account are looked up.
    const known = accessKeys.get(key)?.accountId ?? sessions.get(key)?.principal.accountId;
    const account = known ?? accountOfAccessKeyId(input.AccessKeyId);
    if (account === undefined) throw unknownAccessKey(input.AccessKeyId);
    return { Account: account };
  },
});

export const decodeAuthorizationMessage = operation<
  Shapes.DecodeAuthorizationMessageRequest,
  Shapes.DecodeAuthorizationMessageResponse
>({
  name: "DecodeAuthorizationMessage",
  support: "partial",
  gaps: ["none of Kiln's services encodes authorization messages, so every message is refused"],
  source: `${DOCS}/API_DecodeAuthorizationMessage.html`,
  authorize(_input, { principal }) {
    requireCallable("DecodeAuthorizationMessage", principal);
    return [{ action: "sts:DecodeAuthorizationMessage", resource: "*" }];
  },
  errors: [invalidAuthorizationMessage, sessionCredentials],
  run() {
    throw invalidAuthorizationMessage();
  },
});
