/** Changes one key record under the write lock, starting from what is stored then. */
import type { OperationContext } from "../service.ts";
import { keyNotFound } from "./errors.ts";
import { findKeyById } from "./find-key.ts";
import { type KeyRecord, keyArn, keysIn, recordKeyOf } from "./records.ts";

export function changeKey(
  context: OperationContext,
  key: KeyRecord,
  change: (current: KeyRecord) => KeyRecord,
): Promise<KeyRecord> {
  const keys = keysIn(context.store);
  return context.store.write(() => {
    const current = findKeyById(context, key, key.id);
    if (!current) throw keyNotFound(keyArn(key));
    const changed = change(current);
    keys.put(recordKeyOf(changed), changed);
    return changed;
  });
}
