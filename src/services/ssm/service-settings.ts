/**
 * GetServiceSetting, UpdateServiceSetting, ResetServiceSetting for Parameter Store's settings. The default tier counts
 * for every PutParameter without Tier; throughput is stored and shown, there is no throttling here.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/ps-default-tier.html
 */
import type { AuthorizationRequest } from "../../authorize/decision.ts";
import { arnIn, parseArn } from "../../core/arn.ts";
import { type OperationContext, operation } from "../service.ts";
import { serviceSettingNotFound, validationFailure } from "./errors.ts";
import type { ParameterTier } from "./records.ts";
import type {
  GetServiceSettingRequest,
  GetServiceSettingResult,
  ResetServiceSettingRequest,
  ResetServiceSettingResult,
  ServiceSetting,
  UpdateServiceSettingRequest,
} from "./shapes.gen.ts";

const DEFAULT_TIER = "/ssm/parameter-store/default-parameter-tier";
const THROUGHPUT = "/ssm/parameter-store/high-throughput-enabled";

/** First value is AWS's default. */
const VALUES: Readonly<Record<string, readonly [string, ...string[]]>> = {
  [DEFAULT_TIER]: ["Standard", "Advanced", "Intelligent-Tiering"],
  [THROUGHPUT]: ["false", "true"],
};

// AWS: a default has a date too, from before any account chose; this one is of AWS's own examples.
const DEFAULT_SINCE_MS = 1_555_532_818_578;

interface SettingRecord {
  readonly value: string;
  readonly lastModifiedMs: number;
  readonly lastModifiedUser: string;
}

const settingsIn = (context: OperationContext) => context.store.collection<SettingRecord>("ssm/service-settings");
const keyOf = (context: OperationContext, id: string) => [context.scope.accountId, context.scope.region, id];

/** The tier of a PutParameter that names none. */
export function defaultTier(context: OperationContext): ParameterTier | "Intelligent-Tiering" {
  const stored = settingsIn(context).get(keyOf(context, DEFAULT_TIER))?.value;
  return (stored ?? "Standard") as ParameterTier | "Intelligent-Tiering";
}

export const getServiceSetting = operation<GetServiceSettingRequest, GetServiceSettingResult>({
  name: "GetServiceSetting",
  support: "partial",
  gaps: ["only Parameter Store's settings"],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetServiceSetting.html",
  authorize: (input, context) => [settingAccess(context, "ssm:GetServiceSetting", input.SettingId)],
  errors: [serviceSettingNotFound],
  run: (input, context) => ({ ServiceSetting: answerOf(context, requireSetting(input.SettingId)) }),
});

export const updateServiceSetting = operation<UpdateServiceSettingRequest, object>({
  name: "UpdateServiceSetting",
  support: "partial",
  gaps: ["only Parameter Store's settings"],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_UpdateServiceSetting.html",
  authorize: (input, context) => [settingAccess(context, "ssm:UpdateServiceSetting", input.SettingId)],
  errors: [serviceSettingNotFound, validationFailure],
  async run(input, context) {
    const id = requireSetting(input.SettingId);
    const values: readonly string[] = VALUES[id] ?? [];
    if (!values.includes(input.SettingValue)) {
      throw validationFailure(`Invalid setting value ${input.SettingValue}. Valid values: [${values.join(", ")}].`);
    }
    const record: SettingRecord = {
      value: input.SettingValue,
      lastModifiedMs: context.clock.nowMs(),
      lastModifiedUser: context.principal.arn,
    };
    await context.store.write(() => settingsIn(context).put(keyOf(context, id), record));
    return {};
  },
});

export const resetServiceSetting = operation<ResetServiceSettingRequest, ResetServiceSettingResult>({
  name: "ResetServiceSetting",
  support: "partial",
  gaps: ["only Parameter Store's settings"],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ResetServiceSetting.html",
  authorize: (input, context) => [settingAccess(context, "ssm:ResetServiceSetting", input.SettingId)],
  errors: [serviceSettingNotFound],
  async run(input, context) {
    const id = requireSetting(input.SettingId);
    await context.store.write(() => settingsIn(context).delete(keyOf(context, id)));
    return { ServiceSetting: answerOf(context, id) };
  },
});

const settingArn = (context: OperationContext, id: string): string =>
  arnIn(context.scope, "ssm", `servicesetting${id}`);

const settingAccess = (context: OperationContext, action: string, settingId: string): AuthorizationRequest => ({
  action,
  resource: settingArn(context, idOf(settingId)),
});

/** From an id or an ARN to `/ssm/…`. */
function idOf(settingId: string): string {
  const resource = settingId.startsWith("arn:")
    ? parseArn(settingId)?.resource.replace(/^servicesetting/, "")
    : settingId;
  return resource?.startsWith("/") ? resource : `/${resource ?? ""}`;
}

function requireSetting(settingId: string): string {
  const id = idOf(settingId);
  if (!VALUES[id]) throw serviceSettingNotFound(settingId);
  return id;
}

function answerOf(context: OperationContext, id: string): ServiceSetting {
  const stored = settingsIn(context).get(keyOf(context, id));
  return {
    SettingId: id,
    SettingValue: stored?.value ?? VALUES[id]?.[0] ?? "",
    LastModifiedDate: stored?.lastModifiedMs ?? DEFAULT_SINCE_MS,
    LastModifiedUser: stored?.lastModifiedUser ?? "System",
    ARN: settingArn(context, id),
    Status: stored ? "Customized" : "Default",
  };
}
