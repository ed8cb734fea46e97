/**
 * RotateSecret and CancelRotateSecret. A function that is registered (rotation-functions.ts) really rotates; another
 * one's rules are kept when nothing is to be rotated now, else it is a function that cannot be invoked.
 */
import { parseArn } from "../../../core/arn.ts";
import { type OperationContext, operation } from "../../service.ts";
import { watch } from "../due.ts";
import {
  functionNotInvokable,
  invalidFunctionArn,
  invalidParameter,
  markedForDeletion,
  noRotationFunction,
  reference,
  rotationTokenMissing,
  rotationUnfinished,
  rulesConflict,
  unsupported,
} from "../errors.ts";
import { changeSecret, lookupErrors, requireLiveSecret } from "../find-secret.ts";
import { type Rotation, type RotationRules, type SecretRecord, secretArn } from "../records.ts";
import { conditionsOf, secretAccess } from "../secret-access.ts";
import type {
  CancelRotateSecretRequest,
  CancelRotateSecretResponse,
  RotateSecretRequest,
  RotateSecretResponse,
  RotationRulesType,
} from "../shapes.gen.ts";
import { CURRENT, versionAt } from "../version-stages.ts";
import { functionUrl } from "./rotation-functions.ts";
import { nextWindow, requireValidRules } from "./rotation-schedule.ts";
import { runRotation, testRotation, unfinishedVersion, withRotationBegun } from "./run-rotation.ts";

export const rotateSecret = operation<RotateSecretRequest, RotateSecretResponse>({
  name: "RotateSecret",
  support: "partial",
  gaps: [
    "the function is one that was registered with Kiln; another one's rules are kept with `RotateImmediately` false, and it cannot be invoked otherwise",
    "a rotation that failed is tried again in the next window or with the next RotateSecret",
    "`lambda:InvokeFunction` is not asked for",
    "managed external secrets (`ExternalSecretRotationMetadata`, `ExternalSecretRotationRoleArn`) are refused",
  ],
  source: reference("RotateSecret"),
  authorize: (input, context) => [
    secretAccess(
      context,
      "secretsmanager:RotateSecret",
      input.SecretId,
      conditionsOf({
        RotationLambdaARN: input.RotationLambdaARN,
        RotateImmediately: input.RotateImmediately ?? true,
        ModifyRotationRules: input.RotationRules !== undefined,
        ExternalSecretRotationRoleArn: input.ExternalSecretRotationRoleArn,
      }),
    ),
  ],
  errors: [
    ...lookupErrors,
    markedForDeletion,
    invalidParameter,
    unsupported,
    rotationTokenMissing,
    rulesConflict,
    noRotationFunction,
    invalidFunctionArn,
    functionNotInvokable,
    rotationUnfinished,
  ],
  async run(input, context) {
    const id = input.ClientRequestToken;
    if (id === undefined) throw rotationTokenMissing();
    if (input.ExternalSecretRotationMetadata ?? input.ExternalSecretRotationRoleArn) {
      throw unsupported("managed external secrets");
    }
    const rules = input.RotationRules && rulesIn(input.RotationRules);
    if (rules) requireValidRules(rules);
    const found = requireLiveSecret(context, input.SecretId);
    const functionArn = input.RotationLambdaARN || found.rotation?.functionArn;
    if (!functionArn) throw noRotationFunction();
    requireFunctionArn(found, functionArn);

    const background = watch(context);
    const unfinished = unfinishedVersion(found);
    if (unfinished !== undefined && unfinished !== id) {
      await tryAgain(context, found, unfinished);
      throw rotationUnfinished();
    }
    const isNow = input.RotateImmediately ?? true;
    const isInvokable = functionUrl(context.store, functionArn) !== undefined;
    if (isNow && !isInvokable) throw functionNotInvokable();
    const record = await changeSecret(context, found, (current) => {
      if ((unfinishedVersion(current) ?? id) !== id) throw rotationUnfinished();
      const rotation = rotationWith(current, functionArn, rules, context.clock.nowMs());
      if (!isInvokable) return { ...current, rotation, lastChangedMs: context.clock.nowMs() };
      return isRepeated(current, id) ? { ...current, rotation } : withRotationBegun(context, current, rotation, id);
    });
    if (isNow) runRotation(context, background, record);
    else testRotation(context, background, record);
    return { ARN: secretArn(record), Name: record.name, ...(isInvokable && { VersionId: id }) };
  },
});

/** AWS: who asks for a rotation while another one is unfinished is refused, and has that one tried again. */
async function tryAgain(context: OperationContext, secret: SecretRecord, versionId: string): Promise<void> {
  const { rotation } = secret;
  if (!rotation?.isEnabled || functionUrl(context.store, rotation.functionArn) === undefined) return;
  const begun = await changeSecret(context, secret, (current) =>
    current.rotation?.pending ? current : withRotationBegun(context, current, rotation, versionId),
  );
  runRotation(context, watch(context), begun);
}

export const cancelRotateSecret = operation<CancelRotateSecretRequest, CancelRotateSecretResponse>({
  name: "CancelRotateSecret",
  support: "supported",
  source: reference("CancelRotateSecret"),
  authorize: (input, context) => [secretAccess(context, "secretsmanager:CancelRotateSecret", input.SecretId)],
  errors: [...lookupErrors, markedForDeletion, noRotationFunction],
  async run(input, context) {
    const found = requireLiveSecret(context, input.SecretId);
    if (!found.rotation) throw noRotationFunction();
    const record = await changeSecret(context, found, (current) => {
      const { window: _, pending: __, ...rotation } = current.rotation as Rotation;
      return { ...current, rotation: { ...rotation, isEnabled: false }, lastChangedMs: context.clock.nowMs() };
    });
    // AWS: the labels stay as they are; whoever cancels takes AWSPENDING from the version that is named.
    const unfinished = unfinishedVersion(record);
    return { ARN: secretArn(record), Name: record.name, ...(unfinished !== undefined && { VersionId: unfinished }) };
  },
});

/** AWS: the function is one of the secret's region. */
function requireFunctionArn(secret: SecretRecord, functionArn: string): void {
  const arn = parseArn(functionArn);
  const isFunction = arn?.service === "lambda" && arn.resource.startsWith("function:");
  if (!isFunction || arn.region !== secret.region) throw invalidFunctionArn(secret);
}

const rulesIn = (rules: RotationRulesType): RotationRules => ({
  ...(rules.AutomaticallyAfterDays !== undefined && { automaticallyAfterDays: rules.AutomaticallyAfterDays }),
  ...(rules.ScheduleExpression !== undefined && { scheduleExpression: rules.ScheduleExpression }),
  ...(rules.Duration !== undefined && { duration: rules.Duration }),
});

function rotationWith(
  { rotation }: SecretRecord,
  functionArn: string,
  newRules: RotationRules | undefined,
  nowMs: number,
): Rotation {
  const rules = newRules ?? rotation?.rules ?? {};
  const window = nextWindow(rules, nowMs);
  return {
    isEnabled: true,
    functionArn,
    rules,
    ...(window && { window }),
    ...(rotation?.lastRotatedMs !== undefined && { lastRotatedMs: rotation.lastRotatedMs }),
    ...(rotation?.pending && { pending: rotation.pending }),
  };
}

/** The call was here before: its version is being rotated to, or has become the current one. */
const isRepeated = (record: SecretRecord, id: string): boolean =>
  record.rotation?.pending?.versionId === id || versionAt(record.versions, CURRENT)?.id === id;
