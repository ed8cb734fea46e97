/** UpdateImageStorageClass: into the archive, from which nothing is pulled, and back, which takes no time here. */
import { keyIn, type Registry, type RepositoryAddress, restored } from "../../../registry/index.ts";
import type { Store } from "../../../store/store.ts";
import { operation } from "../../service.ts";
import { imageNotFound, invalidParameter, reference, repositoryNotFound } from "../errors.ts";
import { type EcrDeps, onRepository, requireRepository } from "../find-repository.ts";
import { placed } from "../lifecycle/lifecycle-policy.ts";
import type { UpdateImageStorageClassRequest, UpdateImageStorageClassResponse } from "../shapes.gen.ts";
import { requireImage } from "./find-image.ts";

export const updateImageStorageClass = (deps: EcrDeps) =>
  operation<UpdateImageStorageClassRequest, UpdateImageStorageClassResponse>({
    name: "UpdateImageStorageClass",
    support: "partial",
    gaps: ["an archived image takes the same room, and comes back at once"],
    source: reference("UpdateImageStorageClass"),
    authorize: onRepository(deps, "UpdateImageStorageClass"),
    errors: [repositoryNotFound, imageNotFound, invalidParameter],
    async run(input, context) {
      const found = requireRepository(deps, input, context);
      const { digest } = requireImage(deps, found, input.imageId);
      const when = { store: context.store, nowMs: context.clock.nowMs() };
      await setStorageClass(deps, found.address, digest, input.targetStorageClass, when);
      return placed(found, {
        imageId: {
          imageDigest: digest,
          ...(input.imageId.imageTag !== undefined && { imageTag: input.imageId.imageTag }),
        },
        imageStatus: input.targetStorageClass === "ARCHIVE" ? ("ARCHIVED" as const) : ("ACTIVE" as const),
      });
    },
  });

/** Durable when resolved. An image that is there already keeps its time. */
export const setStorageClass = (
  { registry }: { readonly registry: Pick<Registry, "records"> },
  address: RepositoryAddress,
  digest: string,
  to: "ARCHIVE" | "STANDARD",
  { store, nowMs }: { readonly store: Store; readonly nowMs: number },
): Promise<void> =>
  store.write(() => {
    const { manifests } = registry.records;
    const record = manifests.get(keyIn(address, digest));
    if (!record || (record.archivedAtMs !== undefined) === (to === "ARCHIVE")) return;
    manifests.put(
      keyIn(address, digest),
      to === "ARCHIVE" ? { ...record, archivedAtMs: nowMs } : restored(record, nowMs),
    );
  });
