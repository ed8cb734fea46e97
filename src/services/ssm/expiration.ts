/**
 * What an Expiration policy ends. From its moment on the parameter is not there for anybody; the request that next looks
 * at it takes it out of the store, so that it stays away when the clock goes back or the process starts anew.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html
 */
import type { AwsScope } from "../../core/arn.ts";
import type { Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";
import { type Page, type PageRequest, pageOf } from "./pages.ts";
import { type ParameterRecord, parameterKey, parametersIn, versionsIn, versionsKey } from "./records.ts";

type Times = Pick<OperationContext, "clock">;

export const isLive = ({ clock }: Times, record: ParameterRecord): boolean =>
  record.expiresAtMs === undefined || record.expiresAtMs > clock.nowMs();

/** The parameter with its versions, labels and tags. Only inside `Store.write`. */
export function removeParameter(store: Store, scope: AwsScope, name: string): void {
  parametersIn(store).delete(parameterKey(scope, name));
  removeVersions(store, scope, name);
}

/** Only inside `Store.write`. */
export function removeVersions(store: Store, scope: AwsScope, name: string): void {
  const versions = versionsIn(store);
  for (const { key } of versions.list(versionsKey(scope, name))) versions.delete(key);
}

/** Takes away those of the parameters that have expired. */
export async function removeExpired(
  context: OperationContext,
  scope: AwsScope,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  await context.store.write(() => {
    for (const name of names) {
      // Looked up again: somebody may have put it anew since.
      const record = parametersIn(context.store).get(parameterKey(scope, name));
      if (record && !isLive(context, record)) removeParameter(context.store, scope, name);
    }
  });
}

/** A page without what has expired, which goes. */
export async function livePageOf(
  context: OperationContext,
  scope: AwsScope,
  request: PageRequest<ParameterRecord>,
): Promise<Page<ParameterRecord>> {
  const expired: string[] = [];
  const page = pageOf<ParameterRecord>({
    ...request,
    pick(entry) {
      const picked = request.pick(entry);
      if (picked !== true || isLive(context, entry.value)) return picked;
      expired.push(entry.value.name);
      return false;
    },
  });
  await removeExpired(context, scope, expired);
  return page;
}
