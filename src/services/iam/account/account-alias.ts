/**
 * The alias of the account: at most one, and no two accounts have the same.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html
 */
import type { Collection, Store } from "../../../store/store.ts";
import { operation } from "../../service.ts";
import { listAccess } from "../entities/entity-access.ts";
import { aliasTaken, invalidMarker, noSuchAlias } from "../errors.ts";
import { pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";

/** Alias by account id. */
const aliasesIn = (store: Store): Collection<string> => store.collection("iam-account-aliases");

export const createAccountAlias = operation<Shapes.CreateAccountAliasRequest, object>({
  name: "CreateAccountAlias",
  support: "supported",
  source: `${DOCS}/API_CreateAccountAlias.html`,
  authorize: () => listAccess("CreateAccountAlias", "*"),
  errors: [aliasTaken],
  async run(input, { store, scope }) {
    const aliases = aliasesIn(store);
    await store.write(() => {
      const isTaken = aliases.list([]).some(({ value }) => value === input.AccountAlias);
      if (isTaken) throw aliasTaken(input.AccountAlias);
      // AWS: a second alias takes the place of the first.
      aliases.put([scope.accountId], input.AccountAlias);
    });
    return {};
  },
});

export const deleteAccountAlias = operation<Shapes.DeleteAccountAliasRequest, object>({
  name: "DeleteAccountAlias",
  support: "supported",
  source: `${DOCS}/API_DeleteAccountAlias.html`,
  authorize: () => listAccess("DeleteAccountAlias", "*"),
  errors: [noSuchAlias],
  async run(input, { store, scope }) {
    const aliases = aliasesIn(store);
    await store.write(() => {
      if (aliases.get([scope.accountId]) !== input.AccountAlias) throw noSuchAlias(input.AccountAlias);
      aliases.delete([scope.accountId]);
    });
    return {};
  },
});

export const listAccountAliases = operation<Shapes.ListAccountAliasesRequest, Shapes.ListAccountAliasesResponse>({
  name: "ListAccountAliases",
  support: "supported",
  source: `${DOCS}/API_ListAccountAliases.html`,
  authorize: () => listAccess("ListAccountAliases", "*"),
  errors: [invalidMarker],
  run(input, { store, scope }) {
    const alias = aliasesIn(store).get([scope.accountId]);
    const page = pageOf(alias === undefined ? [] : [alias], input, (one) => [one]);
    return { AccountAliases: page.items, ...page.members };
  },
});
