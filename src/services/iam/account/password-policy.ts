/**
 * The password policy of the account: kept and answered, and applied to nothing, because there are no passwords here.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html
 */
import type { Collection, Store } from "../../../store/store.ts";
import { operation } from "../../service.ts";
import { listAccess } from "../entities/entity-access.ts";
import { noPasswordPolicy, noPasswordPolicyToDelete } from "../errors.ts";
import type * as Shapes from "../shapes.gen.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
/** AWS: what is left out of an update gets these, whatever it was before. */
const DEFAULTS = {
  MinimumPasswordLength: 6,
  RequireSymbols: false,
  RequireNumbers: false,
  RequireUppercaseCharacters: false,
  RequireLowercaseCharacters: false,
  AllowUsersToChangePassword: false,
};

/** By account id. */
const policiesIn = (store: Store): Collection<Shapes.PasswordPolicy> => store.collection("iam-password-policies");

export const getAccountPasswordPolicy = operation<object, Shapes.GetAccountPasswordPolicyResponse>({
  name: "GetAccountPasswordPolicy",
  support: "supported",
  source: `${DOCS}/API_GetAccountPasswordPolicy.html`,
  authorize: () => listAccess("GetAccountPasswordPolicy", "*"),
  errors: [noPasswordPolicy],
  run(_input, { store, scope }) {
    const policy = policiesIn(store).get([scope.accountId]);
    if (!policy) throw noPasswordPolicy(scope.accountId);
    return { PasswordPolicy: policy };
  },
});

export const updateAccountPasswordPolicy = operation<Shapes.UpdateAccountPasswordPolicyRequest, object>({
  name: "UpdateAccountPasswordPolicy",
  support: "supported",
  source: `${DOCS}/API_UpdateAccountPasswordPolicy.html`,
  authorize: () => listAccess("UpdateAccountPasswordPolicy", "*"),
  errors: [],
  async run(input, { store, scope }) {
    const policy = { ...DEFAULTS, ...input, ExpirePasswords: input.MaxPasswordAge !== undefined };
    await store.write(() => policiesIn(store).put([scope.accountId], policy));
    return {};
  },
});

export const deleteAccountPasswordPolicy = operation<object, object>({
  name: "DeleteAccountPasswordPolicy",
  support: "supported",
  source: `${DOCS}/API_DeleteAccountPasswordPolicy.html`,
  authorize: () => listAccess("DeleteAccountPasswordPolicy", "*"),
  errors: [noPasswordPolicyToDelete],
  async run(_input, { store, scope }) {
    const policies = policiesIn(store);
    await store.write(() => {
      if (!policies.has([scope.accountId])) throw noPasswordPolicyToDelete();
      policies.delete([scope.accountId]);
    });
    return {};
  },
});
