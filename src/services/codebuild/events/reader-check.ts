/**
 * Who may read the stream of events where the root key is not the default one: the owner of an access key, given as
 * Basic credentials, who may call `codebuild:BatchGetBuilds`. Keys of sessions do not do: Basic has no place for a token.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { AwsError } from "../../../core/errors.ts";
import type { Secret } from "../../../core/secret.ts";
import type { ReaderCheck } from "./events-route.ts";

export interface ReaderCheckDependencies {
  /** Secret of a long-term access key. */
  secretOf(accessKeyId: string): Secret | undefined;
  /** The account of the key's owner. Throws AccessDeniedException. */
  authorize(accessKeyId: string): string;
}

export function createReaderCheck({ secretOf, authorize }: ReaderCheckDependencies): ReaderCheck {
  return (authorization) => {
    const encoded = /^Basic ([A-Za-z0-9+/=]{1,1000})$/i.exec(authorization ?? "")?.[1];
    if (encoded === undefined) return { status: 401, why: "give an access key id and its secret as Basic credentials" };
    const credentials = Buffer.from(encoded, "base64").toString("utf8");
    const colon = credentials.indexOf(":");
    const accessKeyId = credentials.slice(0, Math.max(0, colon));
    const secret = secretOf(accessKeyId);
    // Compared also where there is no such key, so that both take the same time.
    const isRight = isSame(credentials.slice(colon + 1), secret?.reveal() ?? "");
    if (!secret || !isRight) return { status: 401, why: "there is no such access key, or the secret is another one" };
    try {
      return { accountId: authorize(accessKeyId) };
    } catch (error) {
      if (error instanceof AwsError) return { status: 403, why: error.message };
      throw error;
    }
  };
}

function isSame(given: string, expected: string): boolean {
  const digest = (value: string): Buffer => createHash("sha256").update(value).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
