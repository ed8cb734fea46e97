/**
 * What ECR does beside the distribution specification when an image is pushed or pulled: repositories made on push, the
 * pull-through cache, manifests in the form a client takes, mounting by account setting, replication, times of pulls.
 * registry.ts calls it for ECR repositories; services/ecr uses the same parts for the JSON API.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/Repositories.html
 */
import type { Principal } from "../../core/aws.ts";
import { RegistryError } from "../errors.ts";
import { type FoundManifest, repositoryMissingText } from "../images.ts";
import { keyIn } from "../records.ts";
import type { RepositoryAddress } from "../repository-address.ts";
import { accountSetting } from "./account-settings.ts";
import { acceptedTypes, type ConvertedManifest, convertManifest } from "./convert-manifest.ts";
import { createLayerLinks, type LayerLinks } from "./layer-links.ts";
import { createLayerUploads, type LayerUploads } from "./layer-uploads.ts";
import { type AskCaller, createPullThrough, type PullThrough, type PullThroughDeps } from "./pull-through.ts";
import { registryKey } from "./records.ts";
import { createReplication, type Replicate } from "./replication.ts";
import { templateFor } from "./templates.ts";
import { UpstreamError } from "./upstream.ts";

export interface EcrDataPlane {
  /** Before a push into a repository: makes it if a template says so and the caller may. */
  beforePush(address: RepositoryAddress, ask: AskCaller): Promise<void>;
  /** Before a manifest is read: brings it through the cache if a rule says so. */
  beforePull(address: RepositoryAddress, reference: string, ask: AskCaller): Promise<void>;
  /** The manifest in another form when the client does not take the stored one; undefined: as it is. */
  converted(
    found: FoundManifest,
    reference: string,
    accept: string | undefined,
  ): Promise<ConvertedManifest | undefined>;
  /** Notes a pull, unless the puller is excluded from that. */
  notePull(address: RepositoryAddress, found: FoundManifest, puller: Principal | undefined): Promise<void>;
  /** True when a layer may be mounted from one repository into another. */
  mayMount(address: RepositoryAddress, source: RepositoryAddress): boolean;
  readonly replicate: Replicate;
  readonly pullThrough: PullThrough;
  readonly layerUploads: LayerUploads;
  readonly layerLinks: LayerLinks;
}

export interface EcrDataPlaneDeps extends PullThroughDeps {
  readonly endpointUrl: () => string;
}

export function createEcrDataPlane(deps: EcrDataPlaneDeps): EcrDataPlane {
  const { store, records, images, clock } = deps;
  const pullThrough = createPullThrough(deps);

  return {
    pullThrough,
    replicate: createReplication(deps),
    layerUploads: createLayerUploads(deps),
    layerLinks: createLayerLinks(deps),

    async beforePush(address, ask) {
      if (!address.ecr || records.repositories.has(keyIn(address))) return;
      const template = templateFor(records.ecr, address.ecr, address.name, "CREATE_ON_PUSH");
      if (!template) return;
      ask(["CreateRepository"]);
      await store.write(() => {
        if (records.repositories.has(keyIn(address))) return;
        records.repositories.put(keyIn(address), { createdAtMs: clock.nowMs(), ecr: template.settings });
      });
    },

    async beforePull(address, reference, ask) {
      try {
        await pullThrough.bring(address, reference, ask);
      } catch (error) {
        throw error instanceof UpstreamError ? refusalOf(error, address) : error;
      }
      if (images.find(address, reference)?.record.archivedAtMs !== undefined) {
        // AWS: pulling an archived image answers 404.
        throw new RegistryError("manifestUnknown", { message: imageArchivedText(reference) });
      }
    },

    async converted(found, reference, accept) {
      // AWS: by digest a manifest is never converted: it would not have that digest.
      if (reference.includes(":")) return undefined;
      const accepted = acceptedTypes(accept);
      if (accepted.length === 0 || accepted.includes(found.record.mediaType)) return undefined;
      return convertManifest(await images.content(found.digest), found.record.mediaType, accepted);
    },

    async notePull(address, found, puller) {
      const arn = puller?.type === "AssumedRole" ? puller.roleArn : puller?.arn;
      const isExcluded =
        address.ecr !== undefined &&
        arn !== undefined &&
        records.ecr.pullTimeExclusions.has(registryKey(address.ecr, arn));
      if (!isExcluded) await images.recordPull(address, found);
    },

    mayMount(address, source) {
      const { ecr } = address;
      if (!ecr || source.ecr?.accountId !== ecr.accountId || source.ecr.region !== ecr.region) return false;
      if (accountSetting(records.ecr, ecr, "BLOB_MOUNTING") !== "ENABLED") return false;
      const [own, theirs] = [address, source].map((one) => records.repositories.get(keyIn(one))?.ecr?.encryption);
      const isAlike = own?.type === theirs?.type && own?.kmsKey === theirs?.kmsKey;
      return isAlike && !pullThrough.ruleFor(address) && !pullThrough.ruleFor(source);
    },
  };
}

/** Not AWS's words, which are not known: an archived image cannot be pulled until it is restored. */
export const imageArchivedText = (reference: string): string =>
  `The image '${reference}' is archived and must be restored before it can be pulled`;

/** Clients print the text of a 4xx only. */
function refusalOf({ failure, message }: UpstreamError, address: RepositoryAddress): RegistryError {
  switch (failure) {
    case "UpstreamAccessDenied":
      return new RegistryError("denied", { message });
    case "UpstreamTooManyRequests":
      return new RegistryError("denied", { status: 429, message });
    case "UpstreamUnavailable":
      return new RegistryError("nameUnknown", {
        message: `${repositoryMissingText(address.name, address.ecr?.accountId ?? "")}: ${message}`,
      });
  }
}
