/** The `Credentials` member of every operation that opens a session. */
import type { Principal } from "../../core/aws.ts";
import { issueSession } from "../../identity/index.ts";
import type { OperationContext } from "../service.ts";
import type { Credentials } from "./shapes.gen.ts";

/** Opens a session of `principal`; its credentials are durable when the promise resolves. */
export async function issueCredentials(
  context: OperationContext,
  principal: Principal,
  seconds: number,
): Promise<Credentials> {
  const issued = await issueSession(context, principal, seconds * 1000);
  return {
    AccessKeyId: issued.accessKeyId,
    SecretAccessKey: issued.secretAccessKey,
    SessionToken: issued.sessionToken,
    Expiration: issued.expiresAtMs,
  };
}
