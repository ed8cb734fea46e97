/**
 * Replication: an image that is pushed goes to the registries that the replication rules name, which all are on this
 * machine. Another account's registry policy must let the image in, as on AWS.
 * Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/replication.html,
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry-permissions-create-replication.html
 */
import type { AwsScope } from "../../core/arn.ts";
import type { Clock } from "../../core/clock.ts";
import { AwsError } from "../../core/errors.ts";
import type { Ids } from "../../core/ids.ts";
import { debug } from "../../core/log.ts";
import type { Store } from "../../store/store.ts";
import type { Authorize } from "../access.ts";
import type { Images } from "../images.ts";
import { parseManifest } from "../manifest-content.ts";
import { keyIn, type RegistryRecords } from "../records.ts";
import { ecrAddress, type RepositoryAddress } from "../repository-address.ts";
import { ecrAuthorizationRequest } from "./authorization.ts";
import { registryOf } from "./records.ts";
import { linkedRoleArn, sessionOf } from "./service-role.ts";
import { DEFAULT_ECR_SETTINGS, templateFor } from "./templates.ts";

export interface ReplicationDeps {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly images: Images;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly authorize: Authorize;
}

/** Replicates what was just pushed. Never rejects: what fails is on record for DescribeImageReplicationStatus. */
export type Replicate = (
  address: RepositoryAddress,
  pushed: { readonly digest: string; readonly tag?: string | undefined },
) => Promise<void>;

export function createReplication(deps: ReplicationDeps): Replicate {
  const { store, records, images, clock, ids } = deps;

  /** What ECR's role is not allowed is a denial of the destination's registry. */
  function requirePermission(source: AwsScope, target: AwsScope, name: string): void {
    const session = sessionOf(deps, linkedRoleArn(source, "replication"), "ecr-replication");
    if (!session) throw new Error("the service-linked role of replication does not exist");
    if (source.accountId === target.accountId) return;
    const isNew = !records.repositories.has(keyIn(requiredAddress(target, name)));
    const actions = isNew ? ["ReplicateImage", "CreateRepository"] : ["ReplicateImage"];
    const requests = actions.map((action) => ecrAuthorizationRequest(records, target, action, name));
    deps.authorize(session, target, requests, { service: "ecr", operation: "ReplicateImage", requestId: ids.uuid() });
  }

  async function copy(from: RepositoryAddress, to: RepositoryAddress, digest: string, tag?: string): Promise<void> {
    const found = images.find(from, digest);
    if (!found) return;
    const content = await images.content(digest);
    const { mediaType } = found.record;
    const { blobs, manifests } = parseManifest(content, mediaType);
    for (const child of manifests) await copy(from, to, child.digest);
    for (const blob of blobs) await images.linkBlob(to, blob.digest, blob.size);
    await images.put(to, { content, mediaType, digest, tag });
  }

  return async (address, { digest, tag }) => {
    const { ecr: source } = address;
    if (!source) return;
    const rules = registryOf(records.ecr, source).replication ?? [];
    const matching = rules.filter(
      ({ prefixes }) => prefixes.length === 0 || prefixes.some((prefix) => address.name.startsWith(prefix)),
    );
    for (const { region, registryId } of matching.flatMap(({ destinations }) => destinations)) {
      const target: AwsScope = { ...source, region, accountId: registryId };
      const to = requiredAddress(target, address.name);
      const key = keyIn(address, digest, registryId, region);
      try {
        requirePermission(source, target, address.name);
        await store.write(() => {
          if (records.repositories.has(keyIn(to))) return;
          const settings = templateFor(records.ecr, target, to.name, "REPLICATION")?.settings ?? DEFAULT_ECR_SETTINGS;
          records.repositories.put(keyIn(to), { createdAtMs: clock.nowMs(), ecr: settings });
        });
        await copy(address, to, digest, tag);
        await store.write(() => records.ecr.replicas.put(key, { status: "COMPLETE" }));
      } catch (error) {
        const failureCode = error instanceof AwsError ? "AccessDenied" : "ReplicationFailed";
        debug("registry", () => `${address.fullName}@${digest} did not go to ${to.fullName}: ${String(error)}`);
        await store.write(() => records.ecr.replicas.put(key, { status: "FAILED", failureCode }));
      }
    }
  };
}

function requiredAddress(scope: AwsScope, name: string): RepositoryAddress {
  const address = ecrAddress(scope, name);
  if (address) return address;
  // invariant: the name is one of an existing repository.
  throw new Error(`\`${name}\` is no repository name`);
}
