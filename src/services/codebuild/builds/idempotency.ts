/**
 * Tokens of clients: for five minutes the same token with the same input gives what the first call made.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html. AWS's text is not known.
 */
import { MINUTE_MS } from "../../../core/clock.ts";
import type { Collection } from "../../../store/store.ts";
import { invalidInput } from "../errors.ts";
import type { RunId, StartToken } from "../records.ts";
import type { BuildContext } from "./build-context.ts";

const TOKEN_LIFE_MS = 5 * MINUTE_MS;

/** A client's token with what it stands for. */
export interface Token {
  readonly text: string;
  /** Operation and input, to tell a repetition from another request under the same token. */
  readonly request: string;
}

export const tokenOf = (text: string | undefined, operation: string, input: object): Token | undefined =>
  text === undefined ? undefined : { text, request: `${operation} ${JSON.stringify(input)}` };

/** What an earlier call with the token made. Throws when it was another request. `tokens`: those of builds, or of batches. */
export function madeBefore(
  token: Token | undefined,
  tokens: Collection<StartToken>,
  { scope, clock }: BuildContext,
): RunId | undefined {
  if (token === undefined) return undefined;
  const known = tokens.get([scope.accountId, scope.region, token.text]);
  if (!known || clock.nowMs() - known.atMs > TOKEN_LIFE_MS) return undefined;
  if (known.input === token.request) return known;
  throw invalidInput("The idempotency token was used with other parameters within the last five minutes");
}

/** Inside `Store.write`. */
export function keepToken(
  token: Token | undefined,
  tokens: Collection<StartToken>,
  { projectName, uuid }: RunId,
  { scope, clock }: BuildContext,
): void {
  if (token === undefined) return;
  tokens.put([scope.accountId, scope.region, token.text], {
    projectName,
    uuid,
    input: token.request,
    atMs: clock.nowMs(),
  });
}
