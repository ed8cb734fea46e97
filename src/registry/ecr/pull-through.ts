/**
 * The pull-through cache: brings an image from another registry into an ECR repository when it is pulled the first time,
 * and asks again for a tag once a day. An upstream that is a registry Kiln stands in for is read from Kiln's own images.
 * Secrets and other accounts' images are asked for as ECR's service-linked role or the rule's own role, so IAM decides.
 * Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html,
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache-iam.html
 * Differences: any registry in reach may be an upstream (docs/differences.md).
 */
import { type AwsScope, parseArn } from "../../core/arn.ts";
import type { AwsCaller, Principal } from "../../core/aws.ts";
import { type Clock, DAY_MS } from "../../core/clock.ts";
import { AwsError } from "../../core/errors.ts";
import type { Ids } from "../../core/ids.ts";
import { debug } from "../../core/log.ts";
import type { Store } from "../../store/store.ts";
import { type Authorize, isPublic } from "../access.ts";
import { RegistryError } from "../errors.ts";
import type { Images } from "../images.ts";
import { KeyedQueue } from "../keyed-queue.ts";
import { parseManifest } from "../manifest-content.ts";
import { keyIn, type RegistryRecords } from "../records.ts";
import { addressOf, canonicalHost, type RepositoryAddress } from "../repository-address.ts";
import { ecrAuthorizationRequest } from "./authorization.ts";
import { type CacheRuleRecord, registryKey } from "./records.ts";
import { linkedRoleArn, sessionOf } from "./service-role.ts";
import { DEFAULT_ECR_SETTINGS, longestMatch, ROOT_PREFIX, templateFor } from "./templates.ts";
import { remoteUpstream, type Upstream, type UpstreamCredentials, UpstreamError, upstreamBaseUrl } from "./upstream.ts";

/** Throws unless the caller of the pull may do these actions (without `ecr:`) on the repository. */
export type AskCaller = (actions: readonly string[]) => void;

export interface PullThroughDeps {
  readonly store: Store;
  readonly records: RegistryRecords;
  readonly images: Images;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly authorize: Authorize;
  /** Calls AWS operations as a role of ECR's; absent where there are no services to call. */
  readonly callerFor?: ((principal: Principal, scope: AwsScope) => AwsCaller) | undefined;
}

export interface FoundRule {
  readonly prefix: string;
  readonly rule: CacheRuleRecord;
}

export interface PullThrough {
  /** The rule that a repository's name falls under. */
  ruleFor(address: RepositoryAddress): FoundRule | undefined;
  /** Brings an image here if a rule says so and it is not here, or its tag is a day old. Rejects with {@link UpstreamError}. */
  bring(address: RepositoryAddress, reference: string, ask: AskCaller): Promise<void>;
  /** Whether the upstream answers with the rule's credentials: undefined when it does, else why not. */
  probe(scope: AwsScope, rule: CacheRuleRecord): Promise<string | undefined>;
}

const CHECK_AGAIN_MS = DAY_MS;
const SESSION_NAME = "ecr-pull-through-cache";

export function createPullThrough(deps: PullThroughDeps): PullThrough {
  const { store, records, images, clock, ids } = deps;
  const queue = new KeyedQueue();

  const ruleFor = ({ ecr, name }: RepositoryAddress): FoundRule | undefined => {
    if (!ecr) return undefined;
    const entries = records.ecr.cacheRules
      .list(registryKey(ecr))
      .map(({ key, value }) => ({ prefix: key.at(-1) ?? "", value }));
    const found = longestMatch(entries, name);
    return found && { prefix: found.prefix, rule: found.value };
  };

  const isFresh = (address: RepositoryAddress, reference: string): boolean => {
    if (!images.find(address, reference)) return false;
    if (reference.includes(":")) return true;
    const checkedAtMs = records.ecr.upstreamChecks.get(keyIn(address, reference))?.checkedAtMs;
    // A tag that was pushed here, not brought, is nobody else's.
    return checkedAtMs === undefined || clock.nowMs() - checkedAtMs < CHECK_AGAIN_MS;
  };

  async function bring(address: RepositoryAddress, reference: string, ask: AskCaller): Promise<void> {
    const found = ruleFor(address);
    if (!found || !address.ecr || isFresh(address, reference)) return;
    const scope = address.ecr;
    const isCached = images.find(address, reference) !== undefined;
    try {
      const isNew = !records.repositories.has(keyIn(address));
      ask(isNew ? ["BatchImportUpstreamImage", "CreateRepository"] : ["BatchImportUpstreamImage"]);
      await queue.run(keyIn(address, reference).join(" "), async () => {
        if (!isFresh(address, reference)) await fetchImage(address, scope, found, reference);
      });
    } catch (error) {
      // AWS: what is cached is served while the upstream is away.
      if (!isCached) throw error;
      debug("registry", () => `${address.fullName}:${reference} stays as it is: ${String(error)}`);
    }
  }

  async function fetchImage(
    address: RepositoryAddress,
    scope: AwsScope,
    found: FoundRule,
    reference: string,
  ): Promise<void> {
    const repository = upstreamName(address.name, found);
    const upstream = await open(scope, found.rule, repository);
    const manifest = await upstream.manifest(repository, reference);
    if (!manifest) return;
    await ensureRepository(address, scope);
    const tag = reference.includes(":") ? undefined : reference;
    await take({ upstream, repository, address }, manifest, tag === undefined ? { digest: reference } : { tag });
    if (tag === undefined) return;
    await store.write(() => records.ecr.upstreamChecks.put(keyIn(address, tag), { checkedAtMs: clock.nowMs() }));
  }

  const ensureRepository = (address: RepositoryAddress, scope: AwsScope): Promise<void> =>
    store.write(() => {
      if (records.repositories.has(keyIn(address))) return;
      const template = templateFor(records.ecr, scope, address.name, "PULL_THROUGH_CACHE");
      const ecr = template?.settings ?? DEFAULT_ECR_SETTINGS;
      records.repositories.put(keyIn(address), { createdAtMs: clock.nowMs(), ecr });
    });

  /** A manifest with all that it refers to, the last thing first. AWS: an index comes with each of its images. */
  async function take(
    place: { readonly upstream: Upstream; readonly repository: string; readonly address: RepositoryAddress },
    { content, mediaType }: { readonly content: Buffer; readonly mediaType: string },
    as: { readonly tag?: string; readonly digest?: string },
  ): Promise<void> {
    const { upstream, repository, address } = place;
    const parsed = parseManifest(content, mediaType || undefined);
    for (const { digest } of parsed.manifests) {
      if (images.find(address, digest)) continue;
      const child = await upstream.manifest(repository, digest);
      if (!child) throw notThere(repository, digest);
      await take(place, child, { digest });
    }
    for (const { digest } of parsed.blobs) {
      if (records.blobLinks.has(keyIn(address, digest))) continue;
      await images.storeBlob(address, digest, () => blobOf(upstream, repository, digest));
    }
    await images.put(address, { content, mediaType: parsed.mediaType, ...as });
  }

  async function open(scope: AwsScope, rule: CacheRuleRecord, repository: string): Promise<Upstream> {
    const { host } = upstreamBaseUrl(rule.upstreamRegistryUrl);
    const local = addressOf(canonicalHost(host), repository);
    if (local?.ecr) {
      askAsEcr(scope, rule, local);
      return localUpstream(deps, local.host);
    }
    if (local && isPublic(local) && records.repositories.has(keyIn(local))) return localUpstream(deps, local.host);
    return remoteUpstream(clock, rule.upstreamRegistryUrl, await credentialsOf(scope, rule));
  }

  const sessionFor = (scope: AwsScope, customRoleArn?: string): Principal => {
    const roleArn = customRoleArn ?? linkedRoleArn(scope, "pullThroughCache");
    const session = sessionOf(deps, roleArn, SESSION_NAME);
    if (session) return session;
    throw new UpstreamError(
      "UpstreamAccessDenied",
      `the role ${roleArn} that ECR reads the upstream with does not exist`,
    );
  };

  /** Another ECR registry must let ECR's role in as it would any caller. */
  function askAsEcr(scope: AwsScope, rule: CacheRuleRecord, upstream: RepositoryAddress): void {
    if (!upstream.ecr) return;
    const requests = ["BatchGetImage", "GetDownloadUrlForLayer"].map((action) =>
      ecrAuthorizationRequest(records, upstream.ecr as AwsScope, action, upstream.name),
    );
    const about = { service: "ecr", operation: "BatchImportUpstreamImage", requestId: ids.uuid() };
    try {
      deps.authorize(sessionFor(scope, rule.customRoleArn), upstream.ecr, requests, about);
    } catch (error) {
      throw error instanceof AwsError ? new UpstreamError("UpstreamAccessDenied", error.message) : error;
    }
  }

  /** AWS: the secret holds `username` and `accessToken`. */
  async function credentialsOf(scope: AwsScope, rule: CacheRuleRecord): Promise<UpstreamCredentials | undefined> {
    const { credentialArn } = rule;
    if (credentialArn === undefined || !deps.callerFor) return undefined;
    const region = parseArn(credentialArn)?.region ?? scope.region;
    const caller = deps.callerFor(sessionFor(scope), { ...scope, region });
    try {
      const { SecretString = "" } = await caller.call<{ SecretString?: string }>("secretsmanager", "GetSecretValue", {
        SecretId: credentialArn,
      });
      const { username, accessToken } = JSON.parse(SecretString) as { username?: unknown; accessToken?: unknown };
      if (typeof username === "string" && typeof accessToken === "string") return { username, password: accessToken };
    } catch (error) {
      if (error instanceof UpstreamError) throw error;
      if (error instanceof AwsError) throw new UpstreamError("UpstreamAccessDenied", error.message);
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new UpstreamError(
      "UpstreamAccessDenied",
      `the secret ${credentialArn} is not JSON with \`username\` and \`accessToken\``,
    );
  }

  return {
    ruleFor,
    bring,
    async probe(scope, rule) {
      try {
        const { host } = upstreamBaseUrl(rule.upstreamRegistryUrl);
        if (addressOf(canonicalHost(host), "kiln-probe")?.ecr) {
          sessionFor(scope, rule.customRoleArn);
          return undefined;
        }
        const repository = upstreamName("probe/kiln-probe", { prefix: "probe", rule });
        await remoteUpstream(clock, rule.upstreamRegistryUrl, await credentialsOf(scope, rule)).ping(repository);
        return undefined;
      } catch (error) {
        if (error instanceof UpstreamError) return error.message;
        throw error;
      }
    },
  };
}

async function* blobOf(upstream: Upstream, repository: string, digest: string): AsyncGenerator<Uint8Array> {
  const bytes = await upstream.blob(repository, digest);
  if (!bytes) throw notThere(repository, digest);
  yield* bytes;
}

const notThere = (repository: string, digest: string): UpstreamError =>
  new UpstreamError("UpstreamUnavailable", `the upstream registry has no ${repository}@${digest}`);

/** The repository's name behind the rule: its own prefix off, the upstream's on. */
function upstreamName(name: string, { prefix, rule }: FoundRule): string {
  const rest = prefix === ROOT_PREFIX ? name : name.slice(prefix.replace(/\/$/, "").length + 1);
  const upstreamPrefix = rule.upstreamRepositoryPrefix;
  const isWhole = upstreamPrefix === undefined || upstreamPrefix === ROOT_PREFIX;
  return isWhole ? rest : `${upstreamPrefix.replace(/\/$/, "")}/${rest}`;
}

/** A registry Kiln stands in for, as an upstream: its images are here already. */
function localUpstream({ store, images, records }: PullThroughDeps, host: string): Upstream {
  const at = (repository: string): RepositoryAddress => {
    const address = addressOf(host, repository);
    if (address) return address;
    throw new RegistryError("nameInvalid", { detail: { name: repository } });
  };
  return {
    ping: () => Promise.resolve(),
    async manifest(repository, reference) {
      const found = images.find(at(repository), reference);
      return found && { content: await images.content(found.digest), mediaType: found.record.mediaType };
    },
    async blob(repository, digest) {
      const isHere = records.blobLinks.has(keyIn(at(repository), digest));
      return isHere ? (store.blobs.read(digest) as unknown as AsyncIterable<Uint8Array>) : undefined;
    },
  };
}
