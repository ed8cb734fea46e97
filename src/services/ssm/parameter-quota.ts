/**
 * How many parameters of a tier an account may have in a region. A creation counts nothing as long as the last count
 * leaves room for it: counting 10,000 records would cost more than the write.
 * Source: https://docs.aws.amazon.com/general/latest/gr/ssm.html
 * Gap: processes that share a state folder each have their own room, and a restore of a snapshot leaves what was there
 * before, so that an account may go a little too far.
 */
import type { Store } from "../../store/store.ts";
import type { OperationContext } from "../service.ts";
import { isLive } from "./expiration.ts";
import { type ParameterTier, parametersIn } from "./records.ts";

export const MAX_PARAMETERS: Readonly<Record<ParameterTier, number>> = { Standard: 10_000, Advanced: 100_000 };

/** After so many creations the count is made anew, whatever it was. */
const MAX_ROOM = 1_000;
const READ_AT_ONCE = 1_000;

/** Creations that surely fit, by account, region and tier. */
const roomIn = new WeakMap<Store, Map<string, number>>();

/** True when the account may have one more parameter of the tier; takes that place. */
export function takeRoom(context: OperationContext, tier: ParameterTier): boolean {
  const { store, scope } = context;
  let rooms = roomIn.get(store);
  if (!rooms) {
    rooms = new Map();
    roomIn.set(store, rooms);
  }
  const id = `${scope.accountId} ${scope.region} ${tier}`;
  let room = rooms.get(id) ?? 0;
  if (room <= 0) room = Math.min(MAX_ROOM, MAX_PARAMETERS[tier] - count(context, tier));
  rooms.set(id, room - 1);
  return room > 0;
}

/** At most the number of parameters of the tier; exact where that matters. */
function count(context: OperationContext, tier: ParameterTier): number {
  const prefix = [context.scope.accountId, context.scope.region];
  const parameters = parametersIn(context.store);
  const ofAllTiers = parameters.count(prefix);
  if (ofAllTiers < MAX_PARAMETERS[tier]) return ofAllTiers;
  let ofTier = 0;
  let after = prefix;
  for (;;) {
    const entries = parameters.list(prefix, { limit: READ_AT_ONCE, after });
    for (const { key, value } of entries) {
      if (value.latest.tier === tier && isLive(context, value)) ofTier += 1;
      after = [...key];
    }
    if (entries.length < READ_AT_ONCE) return ofTier;
  }
}
