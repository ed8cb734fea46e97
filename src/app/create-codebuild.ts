/**
 * CodeBuild with what it needs from outside: who its builds call as, where their commands run, and what of Kiln's registry
 * and Docker they see. What runs Docker is loaded with the first build that has it: most starts need neither.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AdjustableClock } from "../core/adjustable-clock.ts";
import type { AwsScope } from "../core/arn.ts";
import type { Principal } from "../core/aws.ts";
import type { Ids } from "../core/ids.ts";
import type { Secret } from "../core/secret.ts";
import type { Engine } from "../engines/index.ts";
import { type Identity, servicePrincipal } from "../identity/index.ts";
import { findMappedImage } from "../images/image-map.ts";
import { DEFAULT_ROOT_KEY, type KilnOptions } from "../kiln-options.ts";
import { type CodeBuildService, codebuildService, createReaderCheck } from "../services/codebuild/index.ts";
import type { Dispatcher } from "../services/index.ts";
import type { Store } from "../store/index.ts";

export interface CodeBuildParts {
  readonly options: KilnOptions;
  readonly rootKey: NonNullable<KilnOptions["rootKey"]>;
  readonly scope: AwsScope;
  readonly stateDir: string | undefined;
  readonly store: Store;
  readonly clock: AdjustableClock;
  readonly ids: Ids;
  readonly identity: Identity;
  readonly engines: readonly Engine[];
  readonly mappedImage: (image: string) => string | undefined;
  /** Made after CodeBuild, of which it is told the operations. */
  readonly dispatcher: () => Dispatcher;
  /** Known when the endpoint listens. */
  readonly endpointUrl: () => string;
}

export function createCodeBuild(parts: CodeBuildParts): CodeBuildService {
  const { options, rootKey, stateDir, store, clock, ids, identity, engines, mappedImage, dispatcher, endpointUrl } =
    parts;
  const imageStoreDir = join(stateDir ?? tmpdir(), stateDir ? "images" : "kiln-images");
  return codebuildService({
    store,
    // A build takes as long as it takes, whatever the date is.
    clock: clock.work,
    ids,
    stateDir,
    callerForService: (serviceName, sourceArn, at, sessionKeys) =>
      dispatcher().callerFor(servicePrincipal(serviceName, sourceArn, at, sessionKeys), at),
    callerForAccessKey: (accessKeyId, at) => dispatcher().callerFor(principalOf(identity, accessKeyId), at),
    authorizeAccessKey: (accessKeyId, ...question) =>
      dispatcher().authorize(principalOf(identity, accessKeyId), ...question),
    endpointUrl,
    ...(isDefaultRootKey(rootKey) ? {} : { mayReadEvents: readerCheck(parts) }),
    engines,
    images: {
      mapped: mappedImage,
      async find(image, credentials) {
        const { findBuildImage } = await import("../images/build-images.ts");
        return findBuildImage({ registryUrl: endpointUrl, rootKey }, image, credentials);
      },
    },
    async reclaimDocker() {
      const { reclaimDocker } = await import("../docker-api/index.ts");
      await reclaimDocker(imageStoreDir, process.env);
    },
    async openDocker(request) {
      const { openDockerSocket } = await import("../docker-api/index.ts");
      return openDockerSocket({
        ...request,
        registryUrl: endpointUrl(),
        rootKey,
        imageStoreDir,
        pushForReal: options.pushForReal ?? false,
        pullForReal: options.pullForReal ?? false,
        mappedImage: (reference) => findMappedImage(store, reference),
      });
    },
    ...(options.engine !== undefined && { engine: options.engine }),
    ...(options.strict !== undefined && { strict: options.strict }),
    ...(options.parallelBuilds !== undefined && {
      maxConcurrentBuilds: options.parallelBuilds,
      batchParallelism: options.parallelBuilds,
    }),
    ...(options.concurrentBuilds !== undefined && { concurrentBuilds: options.concurrentBuilds }),
  });
}

/** Who may read the stream of events: whose key may call BatchGetBuilds. */
function readerCheck({ identity, dispatcher, scope, ids }: CodeBuildParts): ReturnType<typeof createReaderCheck> {
  return createReaderCheck({
    secretOf: (accessKeyId) => longTermSecret(identity, accessKeyId),
    authorize: (accessKeyId) => {
      const principal = principalOf(identity, accessKeyId);
      const { accountId } = principal;
      dispatcher().authorize(
        principal,
        { ...scope, accountId },
        [{ action: "codebuild:BatchGetBuilds", resource: "*" }],
        { service: "codebuild", operation: "BatchGetBuilds", requestId: ids.uuid() },
      );
      return accountId;
    },
  });
}

const isDefaultRootKey = (key: NonNullable<KilnOptions["rootKey"]>): boolean =>
  key.accessKeyId === DEFAULT_ROOT_KEY.accessKeyId && key.secretAccessKey === DEFAULT_ROOT_KEY.secretAccessKey;

function longTermSecret(identity: Identity, accessKeyId: string): Secret | undefined {
  const key = identity.findAccessKey(accessKeyId);
  return key?.status === "Active" && key.sessionToken === undefined ? key.secret : undefined;
}

/** invariant: only keys that are there are asked for: STS has just issued it, or its secret was right. */
function principalOf(identity: Identity, accessKeyId: string): Principal {
  const key = identity.findAccessKey(accessKeyId);
  if (!key) throw new Error(`no access key ${accessKeyId}`);
  return key.principal;
}
