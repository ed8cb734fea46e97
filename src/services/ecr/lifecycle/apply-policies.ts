/**
 * Carries lifecycle policies out: evaluates every repository that has one and deletes or archives what it takes.
 * Imported when the first evaluation is due (expiry-timer.ts).
 */
import { debug } from "../../../core/log.ts";
import { keyIn, parseRepositoryAddress, type Registry } from "../../../registry/index.ts";
import type { Store } from "../../../store/store.ts";
import { setStorageClass } from "../images/storage-class.ts";
import { evaluateLifecycle } from "./evaluate-policy.ts";
import { parseLifecyclePolicy } from "./parse-policy.ts";
import { lifecycleImages } from "./repository-images.ts";

/** Evaluates each policy once, as of `nowMs`. */
export async function applyLifecyclePolicies(registry: Registry, store: Store, nowMs: number): Promise<void> {
  const { repositories } = registry.records;
  const withPolicy = repositories.list([]).filter(({ value }) => value.ecr?.lifecycle !== undefined);
  for (const { key, value } of withPolicy) {
    const address = parseRepositoryAddress(key.join("/"));
    const text = value.ecr?.lifecycle?.text;
    if (!address || text === undefined) continue;
    const verdicts = evaluateLifecycle(parseLifecyclePolicy(text), lifecycleImages(registry.images, address), nowMs);
    for (const { image, rule } of verdicts) {
      debug("registry", () => `lifecycle rule ${rule.priority} of ${address.fullName}: ${rule.action} ${image.digest}`);
      if (rule.action === "expire") await registry.images.deleteManifest(address, image.digest);
      else await setStorageClass({ registry }, address, image.digest, "ARCHIVE", { store, nowMs });
    }
    await store.write(() => {
      const record = repositories.get(keyIn(address));
      if (record?.ecr?.lifecycle?.text !== text) return;
      const lifecycle = { ...record.ecr.lifecycle, evaluatedAtMs: nowMs };
      repositories.put(keyIn(address), { ...record, ecr: { ...record.ecr, lifecycle } });
    });
  }
}
