/**
 * Grant tokens: which grant CreateGrant made, sealed, so that no other text is one. A grant counts here from the moment it
 * is made, so a token in a request adds nothing; one that is none is refused all the same.
 * Source: https://docs.aws.amazon.com/kms/latest/developerguide/using-grant-token.html
 */
import type { OperationContext } from "../../service.ts";
import { invalidGrantToken } from "./errors.ts";
import type { GrantRecord } from "./grant-records.ts";

const SEALED_FOR = "kms/grant-token";

/** What a token says of its grant, which may be gone since. */
export interface GrantReference {
  readonly accountId: string;
  readonly region: string;
  readonly keyId: string;
  readonly grantId: string;
}

/** AWS: another text each time, all of them for the same grant. */
export function grantTokenOf(context: OperationContext, grant: GrantRecord): string {
  const parts = [grant.accountId, grant.region, grant.keyId, grant.id];
  return context.store.seal(Buffer.from(parts.join(" ")), SEALED_FOR);
}

/** The grant a token is for, or an InvalidGrantTokenException. */
export function readGrantToken(context: OperationContext, token: string): GrantReference {
  let text: string;
  try {
    text = context.store.unseal(token, SEALED_FOR).toString();
  } catch {
    // Cut, changed, made up, or sealed by another installation: all the same to the caller.
    throw invalidGrantToken();
  }
  const [accountId = "", region = "", keyId = "", grantId = ""] = text.split(" ");
  return { accountId, region, keyId, grantId };
}

/** Refuses what is no token among the `GrantTokens` of a request. */
export function requireGrantTokens(context: OperationContext, tokens: readonly string[] = []): void {
  for (const token of tokens) readGrantToken(context, token);
}
