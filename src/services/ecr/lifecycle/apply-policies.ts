/**
 * Carries lifecycle policies out: evaluates every repository that has one and deletes or archives what it takes.
 * Imported when the first evaluation is due (expiry-timer.ts).
 */
import { debug } from "../../../core/log.ts";
import { keyIn, parseRepositoryAddress, type Registry, type RepositoryAddress } from "../../../registry/index.ts";
import type { Store } from "../../../store/store.ts";
import { setStorageClass } from "../images/storage-class.ts";
import { evaluateLifecycle } from "./evaluate-policy.ts";
import { parseLifecyclePolicy } from "./parse-policy.ts";
import { lifecycleImages } from "./repository-images.ts";

/** Evaluates each policy once, as of `nowMs`. */
export async function applyLifecyclePolicies(registry: Registry, store: Store, nowMs: number): Promise<void> {
  const withPolicy = registry.records.repositories.list([]).filter(({ value }) => value.ecr?.lifecycle !== undefined);
  for (const { key, value } of withPolicy) {
    const address = parseRepositoryAddress(key.join("/"));
    const text = value.ecr?.lifecycle?.text;
    if (!address || text === undefined) continue;
    try {
      await applyPolicy(registry, store, address, text, nowMs);
    } catch (error) {
      // One repository's trouble (a policy of an older Kiln that is none any more) is not the others'.
      debug("registry", () => `the lifecycle policy of ${address.fullName} was not carried out: ${String(error)}`);
    }
  }
}

async function applyPolicy(
  registry: Registry,
  store: Store,
  address: RepositoryAddress,
  text: string,
  nowMs: number,
): Promise<void> {
  const { images, records } = registry;
  const verdicts = evaluateLifecycle(parseLifecyclePolicy(text), lifecycleImages(images, address), nowMs);
  const expiring = new Set(verdicts.filter(({ rule }) => rule.action === "expire").map(({ image }) => image.digest));
  for (const { image, rule } of verdicts) {
    debug("registry", () => `lifecycle rule ${rule.priority} of ${address.fullName}: ${rule.action} ${image.digest}`);
    // What was pushed since the evaluation counts: a tag that was set, an index that lists the image.
    const isAsEvaluated = (): boolean =>
      images.tagsOf(address, image.digest).join() === image.tags.join() &&
      images.listedBy(address, image.digest).every((index) => expiring.has(index));
    if (rule.action === "expire") await images.deleteManifest(address, image.digest, isAsEvaluated);
    else await setStorageClass({ registry }, address, image.digest, "ARCHIVE", { store, nowMs });
  }
  await store.write(() => {
    const record = records.repositories.get(keyIn(address));
    if (record?.ecr?.lifecycle?.text !== text) return;
    const lifecycle = { ...record.ecr.lifecycle, evaluatedAtMs: nowMs };
    records.repositories.put(keyIn(address), { ...record, ecr: { ...record.ecr, lifecycle } });
  });
}
