/**
 * Tokens of clients: for five minutes the same token with the same input gives what the first call made.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html. AWS's text is not known.
 */
import type { OperationContext } from "../../service.ts";
import { invalidInput } from "../errors.ts";
import { recordsIn, type StartToken } from "../records.ts";

const TOKEN_LIFE_MS = 5 * 60_000;

/** A client's token with what it stands for. */
export interface Token {
  readonly text: string;
  /** Operation and input, to tell a repetition from another request under the same token. */
  readonly request: string;
}

export const tokenOf = (text: string | undefined, operation: string, input: object): Token | undefined =>
  text === undefined ? undefined : { text, request: `${operation} ${JSON.stringify(input)}` };

/** What an earlier call with the token made. Throws when it was another request. */
export function madeBefore(
  token: Token | undefined,
  { store, scope, clock }: OperationContext,
): Pick<StartToken, "projectName" | "uuid"> | undefined {
  if (token === undefined) return undefined;
  const known = recordsIn(store).tokens.get([scope.accountId, scope.region, token.text]);
  if (!known || clock.nowMs() - known.atMs > TOKEN_LIFE_MS) return undefined;
  if (known.input === token.request) return known;
  throw invalidInput("The idempotency token was used with other parameters within the last five minutes");
}

/** Inside `Store.write`. */
export function keepToken(
  token: Token | undefined,
  made: Pick<StartToken, "projectName" | "uuid">,
  { store, scope, clock }: OperationContext,
): void {
  if (token === undefined) return;
  recordsIn(store).tokens.put([scope.accountId, scope.region, token.text], {
    ...made,
    input: token.request,
    atMs: clock.nowMs(),
  });
}
