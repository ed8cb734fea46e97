/**
 * What the registry keeps in the store, and under which keys. Bytes of layers and manifests live in the blob store by
 * digest; a repository "has" a blob only through its link, so nobody reads another repository's layer by guessing.
 * Links, uses, counts and sums are changed together, by holdings.ts alone; gc.ts frees what nothing holds any more.
 */
import type { Collection, Key, Store } from "../store/store.ts";
import { type EcrRecords, ecrRecords } from "./ecr/records.ts";
import type { RepositoryAddress } from "./repository-address.ts";

/** A repository. Local and Docker Hub ones appear on first push; ECR ones are made by ecr:CreateRepository. */
export interface RepositoryRecord {
  readonly createdAtMs: number;
  /** Present for ECR repositories. */
  readonly ecr?: EcrSettings;
}

export type TagMutability = "MUTABLE" | "IMMUTABLE" | "IMMUTABLE_WITH_EXCLUSION" | "MUTABLE_WITH_EXCLUSION";

/** What ECR keeps about a repository beside its images. */
export interface EcrSettings {
  readonly tagMutability: TagMutability;
  /** Wildcard patterns of tags the rule does not hold for. */
  readonly exclusionFilters: readonly string[];
  readonly scanOnPush: boolean;
  readonly encryption: { readonly type: "AES256" | "KMS" | "KMS_DSSE"; readonly kmsKey?: string };
  /** Policy text as given to SetRepositoryPolicy. */
  readonly policyText?: string;
  /** As given to PutLifecyclePolicy, and when it last decided what goes. */
  readonly lifecycle?: { readonly text: string; readonly evaluatedAtMs?: number };
  readonly tags: Readonly<Record<string, string>>;
}

/** Proof that a blob was pushed to, or mounted into, a repository. */
export interface BlobLink {
  readonly sizeBytes: number;
  /** When it was linked, was last asked for by a pusher, or lost the last manifest that used it. Absent in old states. */
  readonly sinceMs?: number;
}

/** Bytes the registry has in the blob store: a layer, a config or a manifest. */
export interface StoredBlob {
  readonly sizeBytes: number;
  /** Links and manifests, of all repositories, that stand on it. */
  readonly owners: number;
  /** When the last of them went. */
  readonly unownedSinceMs?: number;
}

/** What a repository's links and manifests weigh together, or all distinct blobs of the registry. */
export interface UsageRecord {
  readonly bytes: number;
}

export interface ManifestRecord {
  readonly mediaType: string;
  /** Size of the manifest itself. */
  readonly sizeBytes: number;
  /** Config and layers together; 0 for an index. */
  readonly contentBytes: number;
  readonly pushedAtMs: number;
  readonly lastPulledAtMs?: number;
  readonly artifactType?: string;
  readonly configMediaType?: string;
  /** Digest of the manifest this one refers to. */
  readonly subject?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** ECR: set while the image is in the archive storage class. */
  readonly archivedAtMs?: number;
  /** ECR: when the image last came back from the archive. */
  readonly activatedAtMs?: number;
  /** Manifests an index lists. */
  readonly manifests?: readonly string[];
}

export interface TagRecord {
  readonly digest: string;
}

export interface UploadRecord {
  readonly host: string;
  readonly name: string;
  readonly startedAtMs: number;
  /** When bytes last came, to within some minutes. */
  readonly activeAtMs?: number;
}

/** An account of a registry Kiln stands in for; the password is a salted scrypt hash. */
export interface AccountRecord {
  readonly user: string;
  readonly salt: string;
  readonly hash: string;
  readonly declaredAtMs: number;
  /** Further namespaces the account may push to, e.g. its organisations. */
  readonly namespaces: readonly string[];
}

export interface RegistryRecords {
  /** [host, name] */
  readonly repositories: Collection<RepositoryRecord>;
  /** [host, name, digest] */
  readonly blobLinks: Collection<BlobLink>;
  /** [host, name, digest] */
  readonly manifests: Collection<ManifestRecord>;
  /** [host, name, tag] */
  readonly tags: Collection<TagRecord>;
  /** [host, name, subject digest, digest]; the value is empty, the manifest's record says the rest. */
  readonly referrers: Collection<Record<string, never>>;
  /** [host, name, digest of a blob or child manifest, digest of the manifest that lists it] */
  readonly uses: Collection<Record<string, never>>;
  /** [digest] */
  readonly blobs: Collection<StoredBlob>;
  /** [host, name], and [] for the whole registry, each blob once. */
  readonly usage: Collection<UsageRecord>;
  /** ["accounting"]: uses, blobs and usage were made for what an older Kiln had stored. */
  readonly meta: Collection<{ readonly version: number }>;
  /** [upload id] */
  readonly uploads: Collection<UploadRecord>;
  /** [host, user] */
  readonly accounts: Collection<AccountRecord>;
  /** What ECR keeps beside these. */
  readonly ecr: EcrRecords;
}

export const registryRecords = (store: Store): RegistryRecords => ({
  repositories: store.collection("registry.repositories"),
  blobLinks: store.collection("registry.blob-links"),
  manifests: store.collection("registry.manifests"),
  tags: store.collection("registry.tags"),
  referrers: store.collection("registry.referrers"),
  uses: store.collection("registry.uses"),
  blobs: store.collection("registry.blobs"),
  usage: store.collection("registry.usage"),
  meta: store.collection("registry.meta"),
  uploads: store.collection("registry.uploads"),
  accounts: store.collection("registry.accounts"),
  ecr: ecrRecords(store),
});

/** Key of a repository, or of something in it. */
export const keyIn = (address: RepositoryAddress, ...rest: string[]): Key => [address.host, address.name, ...rest];
