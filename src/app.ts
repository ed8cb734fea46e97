/**
 * The composition root: constructs adapters and wires ports to them, with its parts in app/.
 * One `Kiln` is one state folder (or memory), one set of services and one endpoint on one port.
 */
import { join } from "node:path";
import type { AccessCheck, AccessCheckDependencies } from "./access/index.ts";
import { createCodeBuild } from "./app/create-codebuild.ts";
import { createEngines, engineFor } from "./app/engines.ts";
import { troubleTeller } from "./app/trouble-teller.ts";
import type { DecisionRecord } from "./authorize/decision.ts";
import type { NoEngine } from "./build/run/choose-engine.ts";
import type { BuildEvent } from "./build/run/events.ts";
import type { Control, ControlDependencies } from "./control/index.ts";
import { type Testing, testingOf } from "./control/library.ts";
import { AdjustableClock } from "./core/adjustable-clock.ts";
import type { AwsScope } from "./core/arn.ts";
import type { AwsCaller } from "./core/aws.ts";
import { systemClock } from "./core/clock.ts";
import { KilnError } from "./core/errors.ts";
import { systemIds } from "./core/ids.ts";
import { kilnVersion } from "./core/kiln-version.ts";
import type { Result } from "./core/result.ts";
import type { RotationFunctions } from "./core/rotation-functions.ts";
import { Secret } from "./core/secret.ts";
import { type Endpoint, startEndpoint } from "./endpoint/index.ts";
import type { EngineName } from "./engines/index.ts";
import { createIdentity, extendSessions, type Identity, rootPrincipal } from "./identity/index.ts";
import { findMappedImage } from "./images/image-map.ts";
import {
  DEFAULT_HOST,
  DEFAULT_PORT,
  DEFAULT_ROOT_KEY,
  type KilnOptions,
  requireFittingOptions,
  requireLoopback,
  scopeOf,
} from "./kiln-options.ts";
import { createRegistry, type Registry, registryRefusal } from "./registry/index.ts";
import {
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
export { createEngines, engineFor } from "./app/engines.ts";
export { DEFAULT_PORT, type KilnOptions } from "./kiln-options.ts";
export type { DeliveryOutcome, DeliveryRecord } from "./services/codebuild/index.ts";
export type { DecisionFilter } from "./services/index.ts";

/** Opens the state and starts the endpoint. Rejects with a `KilnError` that says what to do. */
export async function startKiln(options: KilnOptions = {}): Promise<Kiln> {
  requireFittingOptions(options);
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
  const mappedImage = (image: string): string | undefined => options.imageMap?.[image] ?? findMappedImage(store, image);
  const codebuild = createCodeBuild({
    ...{ options, rootKey, scope, stateDir, store, clock, ids, identity, engines, mappedImage },
    dispatcher: () => dispatcher,
    endpointUrl: urlOfEndpoint,
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

  let endpoint: Endpoint | undefined;
  try {
    endpoint = await startEndpoint({
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
            const asked = { control: options.control ? await control() : undefined, clock: realClock };
            await handleControl(asked, request, response);
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
        await endpoint?.close();
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
    await endpoint?.close();
    await store.close();
    throw error;
  }
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
