/** GetAccountSetting and PutAccountSetting. */
import type { RequestContext } from "../../../authorize/decision.ts";
import { ACCOUNT_SETTINGS, accountSetting, isAccountSetting } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { invalidParameter, reference, validationException } from "../errors.ts";
import { changeRegistry, onRegistry } from "../find-registry.ts";
import type { EcrDeps } from "../find-repository.ts";
import type {
  GetAccountSettingRequest,
  GetAccountSettingResponse,
  PutAccountSettingRequest,
  PutAccountSettingResponse,
} from "../shapes.gen.ts";

const keysOf = ({ name }: { readonly name: string }): RequestContext => ({ "ecr:AccountSetting": name });

export const getAccountSetting = (deps: EcrDeps) =>
  operation<GetAccountSettingRequest, GetAccountSettingResponse>({
    name: "GetAccountSetting",
    support: "supported",
    source: reference("GetAccountSetting"),
    authorize: onRegistry("GetAccountSetting", keysOf),
    errors: [invalidParameter, validationException],
    run: ({ name }, { scope }) => ({
      name,
      value: accountSetting(deps.registry.records.ecr, scope, requireSetting(name)),
    }),
  });

export const putAccountSetting = (deps: EcrDeps) =>
  operation<PutAccountSettingRequest, PutAccountSettingResponse>({
    name: "PutAccountSetting",
    support: "partial",
    gaps: ["BASIC_SCAN_TYPE_VERSION is kept, but nothing is scanned"],
    source: reference("PutAccountSetting"),
    authorize: onRegistry("PutAccountSetting", keysOf),
    errors: [invalidParameter, validationException],
    async run({ name, value }, context) {
      const allowed: readonly string[] = ACCOUNT_SETTINGS[requireSetting(name)];
      if (!allowed.includes(value)) {
        throw validationException(
          `Invalid value '${value}' for account setting '${name}'. Valid values: ${list(allowed)}`,
        );
      }
      await changeRegistry(deps, context, (record) => ({ ...record, settings: { ...record.settings, [name]: value } }));
      return { name, value };
    },
  });

function requireSetting(name: string) {
  if (isAccountSetting(name)) return name;
  throw validationException(
    `Invalid account setting name '${name}'. Valid values: ${list(Object.keys(ACCOUNT_SETTINGS))}`,
  );
}

const list = (values: readonly string[]): string => values.join(", ");
