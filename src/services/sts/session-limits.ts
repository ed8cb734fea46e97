/**
 * What temporary credentials may not ask STS for, whatever their policies say.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_sts-comparison.html
 * IAM takes none of users and federated users at all: services/iam/operations.ts.
 */
import type { Principal } from "../../core/aws.ts";
import { sessionCredentials } from "./errors.ts";

type Limited =
  | "AssumeRole"
  | "GetSessionToken"
  | "GetFederationToken"
  | "GetAccessKeyInfo"
  | "DecodeAuthorizationMessage";

/** Throws AccessDenied where AWS refuses the kind of credentials, before any policy is asked. */
export function requireCallable(operation: Limited, principal: Principal): void {
  if (!mayCall(operation, principal)) throw sessionCredentials(operation);
}

function mayCall(operation: Limited, principal: Principal): boolean {
  const makesSessionOfUser = operation === "GetSessionToken" || operation === "GetFederationToken";
  switch (principal.type) {
    case "FederatedUser":
      return false;
    case "User":
    case "Root":
      return !principal.hasSessionToken || operation === "AssumeRole";
    case "AssumedRole":
    case "AWSService":
      return !makesSessionOfUser;
  }
}
