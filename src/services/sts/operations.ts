/** The operations of STS, imported when the service is first called (index.ts). */
import type { Operations } from "../service.ts";
import { assumeRole } from "./assume-role.ts";
import { decodeAuthorizationMessage, getAccessKeyInfo, getCallerIdentity } from "./caller.ts";
import { getFederationToken, getSessionToken } from "./session-token.ts";

export const operations: Operations = [
  getCallerIdentity,
  assumeRole,
  getSessionToken,
  getFederationToken,
  getAccessKeyInfo,
  decodeAuthorizationMessage,
];
