/**
 * What the operations that use one named key have in common: permission on it, also by the grants whose tokens come along,
 * and the errors of finding it and of its state.
 */
import type { AuthorizationRequest, RequestContext } from "../../../authorize/decision.ts";
import type { OperationContext } from "../../service.ts";
import { lookupByAnyNameErrors, validationFailure } from "../errors.ts";
import { soughtKey } from "../find-key.ts";
import { invalidGrantToken } from "../grants/errors.ts";
import { requireGrantTokens } from "../grants/grant-token.ts";
import { keyAccess } from "../key-access.ts";
import { usabilityErrors } from "../usable-key.ts";
import { encryptionContextTooLarge } from "./errors.ts";

export const keyUseErrors = [
  ...lookupByAnyNameErrors,
  invalidGrantToken,
  validationFailure,
  encryptionContextTooLarge,
  ...usabilityErrors,
];

interface KeyUseInput {
  readonly KeyId: string;
  readonly GrantTokens?: readonly string[] | undefined;
}

/** The `authorize` of such an operation; `conditions` are its own condition keys. */
export const mayUseKey =
  <I extends KeyUseInput>(action: string, conditions: (input: I) => RequestContext = () => ({})) =>
  async (input: I, context: OperationContext): Promise<AuthorizationRequest[]> => {
    requireGrantTokens(context, input.GrantTokens);
    return [keyAccess(context, action, await soughtKey(context, input.KeyId), conditions(input))];
  };
