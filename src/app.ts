/**
 * The composition root: the only file that constructs adapters and wires ports to them.
 * One `Kiln` is one state folder (or memory), one set of services and one endpoint on one port.
 */
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AccessCheck, AccessCheckDependencies } from "./access/index.ts";
import type { DecisionRecord } from "./authorize/decision.ts";
import type { EngineWish, NoEngine } from "./build/run/choose-engine.ts";
import type { BuildEvent } from "./build/run/events.ts";
import type { Control, ControlDependencies } from "./control/index.ts";
import { type Testing, testingOf } from "./control/library.ts";
import { AdjustableClock } from "./core/adjustable-clock.ts";
import type { AwsScope } from "./core/arn.ts";
import type { AwsCaller, Principal } from "./core/aws.ts";
import { systemClock } from "./core/clock.ts";
import { KilnError } from "./core/errors.ts";
import { systemIds } from "./core/ids.ts";
import { kilnVersion } from "./core/kiln-version.ts";
import { ok, type Result } from "./core/result.ts";
import type { RotationFunctions } from "./core/rotation-functions.ts";
import { Secret } from "./core/secret.ts";
import { startEndpoint } from "./endpoint/index.ts";
import {
  createContainerEngine,
  createHostEngine,
  createSandboxEngine,
  type Engine,
  type EngineName,
} from "./engines/index.ts";
import { createIdentity, extendSessions, type Identity, rootPrincipal, servicePrincipal } from "./identity/index.ts";
import { findMappedImage } from "./images/image-map.ts";
import {
  DEFAULT_HOST,
  DEFAULT_PORT,
  DEFAULT_ROOT_KEY,
  type KilnOptions,
  requireLoopback,
  requireOptionKinds,
  scopeOf,
} from "./kiln-options.ts";
import { createRegistry, type Registry, registryRefusal } from "./registry/index.ts";
import {
  codebuildService,
  createReaderCheck,
  credentialsRoute,
  eventTargetUrl,
  type FeedRequest,
  type LocalWebhooks,
  type LoggedEvent,
  startEventTarget,
} from "./services/codebuild/index.ts";
import { ecrService, startLifecycleTimer } from "./services/ecr/index.ts";
import { iam } from "./services/iam/index.ts";
import { createDispatcher, type DecisionFilter, type Dispatcher, type FaultSlot } from "./services/index.ts";
import { kms } from "./services/kms/index.ts";
import { logs } from "./services/logs/index.ts";
import { s3 } from "./services/s3/index.ts";
import { closeSecrets, noteDue, rotationFunctions, secretsmanager } from "./services/secretsmanager/index.ts";
import { ssm } from "./services/ssm/index.ts";
import { sts } from "./services/sts/index.ts";
import { openStore, type Store } from "./store/index.ts";

export interface Kiln extends Testing {
  /** e.g. `http://127.0.0.1:4566` */
  readonly url: string;
  readonly scope: AwsScope;
  /** Undefined in memory. */
  readonly stateDir: string | undefined;
  /** Calls operations as the account's root user. */
  readonly root: AwsCaller;
  readonly store: Store;
  readonly dispatcher: Dispatcher;
  readonly identity: Identity;
  readonly registry: Registry;
  /** A build's events from its start, live until it ends; with `joined`, several lines of output an event: much faster. */
  events(buildId: string, options?: { readonly joined?: boolean }): AsyncIterable<BuildEvent>;
  /** Changes of builds as EventBridge events: from a place in their log, of one build, or from now on. */
  buildEvents(request: FeedRequest): AsyncIterable<LoggedEvent>;
  /** Webhooks of projects: past deliveries, what would be decided, deliveries without a signature. */
  readonly webhooks: LocalWebhooks;
  /** Addresses of this machine that stand for the Lambda functions that rotate secrets. */
  readonly rotationFunctions: RotationFunctions;
  /** Whether a role or user may do something, and why. */
  readonly access: AccessCheck;
  /** Calls that policies decided, oldest first; a build's session is named `AWSCodeBuild-<uuid>`. */
  decisions(filter: DecisionFilter): DecisionRecord[];
  /** The engine that builds in an image take, or why there is none. */
  engineFor(image: string): Promise<Result<EngineName, NoEngine>>;
  /** Ends running builds, the endpoint and the store. May be called again. */
  close(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export type { AccessAnswer, AccessQuestion } from "./access/index.ts";
export { DEFAULT_PORT, type KilnOptions } from "./kiln-options.ts";
export type { DeliveryOutcome, DeliveryRecord } from "./services/codebuild/index.ts";
export type { DecisionFilter } from "./services/index.ts";

/** Opens the state and starts the endpoint. Rejects with a `KilnError` that says what to do. */
export async function startKiln(options: KilnOptions = {}): Promise<Kiln> {
  requireOptionKinds(options);
  const [realClock, ids] = [options.clock ?? systemClock, systemIds];
  const clock = new AdjustableClock(realClock);
  if (options.eventTarget !== undefined) eventTargetUrl(options.eventTarget);
  const scope = scopeOf(options);
  requireLoopback(options);
  const rootKey = options.rootKey ?? DEFAULT_ROOT_KEY;
  const stateDir = options.memory ? undefined : (options.stateDir ?? join(process.cwd(), ".kiln"));
  const store = await openStore({ ...(stateDir !== undefined && { stateDir }), ids });
  let endpointUrl = "";
  const urlOfEndpoint = () => endpointUrl;

  const identity = createIdentity({ store, clock, ids, scope, rootKey });
  identity.keySettings.isLenient = options.lenientKeys ?? false;
  const registry = createRegistry({
    store,
    clock,
    ids,
    scope,
    identity,
    authorize: (...question) => dispatcher.authorize(...question),
    callerFor: (...who) => dispatcher.callerFor(...who),
    endpointUrl: urlOfEndpoint,
    ...(options.registryQuota && { quota: options.registryQuota }),
  });
  const engines = createEngines(options);
  const imageStoreDir = join(stateDir ?? tmpdir(), stateDir ? "images" : "kiln-images");
  const mappedImage = (image: string): string | undefined => options.imageMap?.[image] ?? findMappedImage(store, image);
  const codebuild = codebuildService({
    store,
    // A build takes as long as it takes, whatever the date is.
    clock: clock.work,
    ids,
    stateDir,
    callerForService: (serviceName, sourceArn, at, sessionKeys) =>
      dispatcher.callerFor(servicePrincipal(serviceName, sourceArn, at, sessionKeys), at),
    callerForAccessKey: (accessKeyId, at) => dispatcher.callerFor(principalOf(identity, accessKeyId), at),
    authorizeAccessKey: (accessKeyId, ...question) =>
      dispatcher.authorize(principalOf(identity, accessKeyId), ...question),
    endpointUrl: urlOfEndpoint,
    ...(isDefaultRootKey(rootKey)
      ? {}
      : {
          mayReadEvents: createReaderCheck({
            secretOf: (accessKeyId) => longTermSecret(identity, accessKeyId),
            authorize: (accessKeyId) => {
              const principal = principalOf(identity, accessKeyId);
              const { accountId } = principal;
              dispatcher.authorize(
                principal,
                { ...scope, accountId },
                [{ action: "codebuild:BatchGetBuilds", resource: "*" }],
                { service: "codebuild", operation: "BatchGetBuilds", requestId: ids.uuid() },
              );
              return accountId;
            },
          }),
        }),
    engines,
    images: {
      mapped: mappedImage,
      async find(image, credentials) {
        const { findBuildImage } = await import("./images/build-images.ts");
        return findBuildImage({ registryUrl: urlOfEndpoint, rootKey }, image, credentials);
      },
    },
    async reclaimDocker() {
      const { reclaimDocker } = await import("./docker-api/index.ts");
      await reclaimDocker(imageStoreDir, process.env);
    },
    async openDocker(request) {
      // Loaded for the first build that has docker: most starts need neither.
      const { openDockerSocket } = await import("./docker-api/index.ts");
      return openDockerSocket({
        ...request,
        registryUrl: endpointUrl,
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
  const faults: FaultSlot = { inject: undefined };
  const dispatcher = createDispatcher({
    services: [ssm, kms, secretsmanager, iam, sts, logs, codebuild, ecrService({ registry }), s3],
    identity,
    store,
    clock,
    ids,
    onAnswer: (call, output) => codebuild.runner.noteAnswer(call, output),
    ...(options.notice && { onTrouble: troubleTeller(options.notice) }),
    faults,
  });
  const functions = rotationFunctions(store);
  const control = lateControl({
    ...{ store, clock, realClock, scope, keySettings: identity.keySettings, faults, services: dispatcher.services },
    isLenientAtStart: options.lenientKeys ?? false,
    rotationFunctions: functions,
    requireLoopback: () => requireLoopback({ ...options, lenientKeys: true }),
    async stopWork() {
      await codebuild.batches.stopAll();
      await codebuild.runner.stopAll();
    },
    forget: () => dispatcher.forget(),
    flush: () => dispatcher.flush(),
    async recover() {
      await codebuild.runner.recover(true);
      await codebuild.batches.recover(true);
      noteDue(store, clock.nowMs());
    },
    lengthenSessions: (byMs) => extendSessions(store, codebuild.runner.lengthenSessions(byMs), byMs),
  });

  try {
    const endpoint = await startEndpoint({
      dispatcher,
      identity,
      scope,
      clock: realClock,
      sessionClock: clock,
      ids,
      host: options.host ?? DEFAULT_HOST,
      port: options.port ?? (options.memory ? 0 : DEFAULT_PORT),
      routes: [
        { prefix: "/v2/", handle: (...exchange) => registry.handle(...exchange), refusal: registryRefusal },
        credentialsRoute(codebuild.runner, (ms) => ms - clock.offsetMs),
        ...codebuild.routes,
        {
          prefix: "/_kiln/control",
          async handle(request, response) {
            const { handleControl } = await import("./control/index.ts");
            await handleControl(options.control ? await control() : undefined, request, response);
          },
        },
      ],
      ...(options.notice && { notice: options.notice }),
      version: kilnVersion(),
    });
    endpointUrl = endpoint.url;
    await codebuild.runner.recover();
    await codebuild.batches.recover();
    const lifecycleTimer = startLifecycleTimer({ registry, store, clock });
    const eventTarget =
      options.eventTarget === undefined
        ? undefined
        : startEventTarget({
            url: options.eventTarget,
            ...(options.eventTargetSecret ? { secret: new Secret(options.eventTargetSecret) } : {}),
            store,
            clock: clock.work,
            feed: codebuild.feed,
          });
    let closing: Promise<void> | undefined;
    const openControl = (): Promise<Control> => (closing === undefined ? control() : Promise.reject(isClosed()));
    const root = dispatcher.callerFor(rootPrincipal(scope), scope);
    const close = (): Promise<void> => {
      closing ??= (async () => {
        await codebuild.batches.close();
        await codebuild.runner.close();
        await eventTarget?.close();
        codebuild.feed.close();
        await lifecycleTimer.close();
        await closeSecrets(store);
        await endpoint.close();
        await dispatcher.flush();
        await store.close();
      })();
      return closing;
    };
    return {
      ...testingOf({ url: endpointUrl, scope, credentials: rootKey }, openControl),
      url: endpointUrl,
      scope,
      stateDir,
      root: { call: (...asked) => (closing === undefined ? root.call(...asked) : Promise.reject(isClosed())) },
      store,
      dispatcher,
      identity,
      registry,
      events: (buildId, how) => codebuild.runner.events(buildId, how),
      buildEvents: (request) => codebuild.feed.read(request),
      webhooks: codebuild.webhooks,
      rotationFunctions: functions,
      access: lateAccessCheck({ dispatcher, scope, clock }),
      decisions: (filter) => dispatcher.decisions(filter),
      engineFor: (image) =>
        engineFor(engines, { requested: options.engine ?? "auto", image, isMapped: mappedImage(image) !== undefined }),
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}

const TELL_TROUBLE_EVERY_MS = 10_000;

/** Says what keeps Kiln from working, and the cure: once in a while, not once a request. */
function troubleTeller(notice: (line: string) => void): (trouble: KilnError) => void {
  let last = { message: "", atMs: 0 };
  return ({ message, why, fix }) => {
    const atMs = systemClock.nowMs();
    if (message === last.message && atMs - last.atMs < TELL_TROUBLE_EVERY_MS) return;
    last = { message, atMs };
    notice(
      [`requests are refused: ${message}`, ...(why ? [why] : []), ...fix.map((text) => `fix: ${text}`)].join("\n  "),
    );
  };
}

/** Where builds can run, in the order `auto` takes them: with this machine's tools, then in the project's image. */
export function createEngines(options: Pick<KilnOptions, "stateDir" | "memory"> = {}): readonly Engine[] {
  const [clock, ids] = [systemClock, systemIds];
  const stateDir = options.memory ? undefined : (options.stateDir ?? join(process.cwd(), ".kiln"));
  // Kiln's own programs may lie where a build has a folder of its own, such as /tmp.
  // Folders of other builds lie in the system's temporary folder, which need not be /tmp.
  const hidden = [...(stateDir === undefined ? [] : [stateDir]), tmpdir()];
  const visible = [fileURLToPath(new URL("..", import.meta.url)), dirname(process.execPath)];
  return [
    createSandboxEngine({ clock, ids, hidden, visible }),
    createHostEngine({ clock, ids }),
    createContainerEngine({ kind: "docker", ids }),
    createContainerEngine({ kind: "podman", ids }),
  ];
}

/** The engine that builds in an image take, each asked whether it can, or why there is none. */
export async function engineFor(engines: readonly Engine[], wish: EngineWish): Promise<Result<EngineName, NoEngine>> {
  const { chooseEngine } = await import("./build/run/choose-engine.ts");
  const chosen = await chooseEngine(engines, wish, new AbortController().signal);
  return chosen.ok ? ok(chosen.value.engine.name) : chosen;
}

const isClosed = (): KilnError =>
  new KilnError({
    code: "KILN_E_CLOSED",
    message: "this Kiln is closed",
    fix: ["close it after the last test, and wait for what still runs", "or start another one"],
    exitCode: 2,
  });

/** Made with the first thing that is asked of it: most starts control nothing. */
function lateControl(dependencies: ControlDependencies): () => Promise<Control> {
  let made: Promise<Control> | undefined;
  return () => {
    made ??= import("./control/index.ts").then(({ createControl }) => createControl(dependencies));
    return made;
  };
}

/** Loaded with the first question: an endpoint is asked none. */
function lateAccessCheck(dependencies: AccessCheckDependencies): AccessCheck {
  const load = async () => (await import("./access/index.ts")).createAccessCheck(dependencies);
  return {
    can: async (...question) => (await load()).can(...question),
    whoCan: async (question) => (await load()).whoCan(question),
  };
}

const isDefaultRootKey = (key: NonNullable<KilnOptions["rootKey"]>): boolean =>
  key.accessKeyId === DEFAULT_ROOT_KEY.accessKeyId && key.secretAccessKey === DEFAULT_ROOT_KEY.secretAccessKey;

function longTermSecret(identity: Identity, accessKeyId: string): Secret | undefined {
  const key = identity.findAccessKey(accessKeyId);
  return key?.status === "Active" && key.sessionToken === undefined ? key.secret : undefined;
}

/** invariant: only keys that STS has just issued are asked for. */
function principalOf(identity: Identity, accessKeyId: string): Principal {
  const key = identity.findAccessKey(accessKeyId);
  if (!key) throw new Error(`no access key ${accessKeyId}`);
  return key.principal;
}
