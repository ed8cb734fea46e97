/** Questions about credentials: GetCallerIdentity, GetAccessKeyInfo, DecodeAuthorizationMessage. */
import { identityCollections } from "../../identity/index.ts";
import { operation } from "../service.ts";
import { invalidAuthorizationMessage, unknownAccessKey } from "./errors.ts";
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
  support: "partial",
  gaps: ["answers for keys of this state folder only"],
  source: `${DOCS}/API_GetAccessKeyInfo.html`,
  authorize: () => [{ action: "sts:GetAccessKeyInfo", resource: "*" }],
  errors: [unknownAccessKey],
  run(input, { store }) {
    const { accessKeys, sessions } = identityCollections(store);
    const key = [input.AccessKeyId];
    const account = accessKeys.get(key)?.accountId ?? sessions.get(key)?.principal.accountId;
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
  authorize: () => [{ action: "sts:DecodeAuthorizationMessage", resource: "*" }],
  errors: [invalidAuthorizationMessage],
  run() {
    throw invalidAuthorizationMessage();
  },
});
