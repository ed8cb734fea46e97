/**
 * The engines `docker` and `podman`: a build's commands in its image, over the engine's API alone, so that an engine on
 * another machine, or in a virtual one, does as well. Sources go in and results come out as archives; nothing of this
 * machine is mounted, except the build's docker socket where the engine shares this machine's files.
 * Sources: https://docs.docker.com/reference/api/engine/; AWS's texts from published logs and
 * https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html
 */
import { KilnError } from "../../core/errors.ts";
import { type Ids, systemIds } from "../../core/ids.ts";
import { debug } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type Engine as ApiEngine, EngineClient, findEngine, isLocalAddress } from "../../engine-api/index.ts";
import type {
  BuildEnvironment,
  Engine,
  EnvironmentSpec,
  ProvisionedEnvironment,
  ProvisionFailure,
  ProvisionSpec,
} from "../engine.ts";
import { containerVariables, reachLoopbackDirectly } from "../host-variables.ts";
import { containerEnvironment, lookAround } from "./container-environment.ts";
import {
  type ContainerPlan,
  ENVIRONMENT_LABEL,
  limitsNotice,
  removeContainer,
  startContainer,
} from "./create-container.ts";
import { ExecShell } from "./exec-shell.ts";
import { obtainImage } from "./obtain-image.ts";
import { type EngineInfo, type Reach, reachEndpoint } from "./reach-endpoint.ts";

export interface ContainerEngineOptions {
  readonly kind: "docker" | "podman";
  readonly ids?: Ids;
  /** The machine's environment, which names the engine; default `process.env`. */
  readonly machine?: NodeJS.ProcessEnv;
  /** Between SIGTERM and SIGKILL of a cancelled command. */
  readonly graceMs?: number;
}

/** AWS's words for an image that cannot be had, before the reason. */
const unableToPull = (reason: string): Result<never, ProvisionFailure> =>
  err({
    statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
    message: `Unable to pull customer's container image. ${reason}`,
  });

/** AWS's words for a container that does not live. */
const FOUND_DEAD =
  "Build container found dead before completing the build. build container died because it was out of memory, or the Docker image is not supported. ErrorCode: 500";

export function createContainerEngine(options: ContainerEngineOptions): Engine {
  const { kind, ids = systemIds, machine = process.env, graceMs = 2000 } = options;
  const find = (signal: AbortSignal): Promise<ApiEngine | undefined> => findEngine(machine, kind, signal);

  async function provision(
    spec: ProvisionSpec,
    signal: AbortSignal,
  ): Promise<Result<ProvisionedEnvironment, ProvisionFailure>> {
    const engine = await find(signal);
    if (!engine) return unableToPull(noEngine(kind));
    return new Provisioning({ spec, engine, ids, graceMs, machine, signal }).run();
  }

  return {
    name: kind,
    capabilities: { usesHostTools: false, runAs: true },
    async problem(signal) {
      return (await find(signal)) ? undefined : noEngine(kind);
    },
    provision,
    async open(spec: EnvironmentSpec, signal: AbortSignal): Promise<BuildEnvironment> {
      const provisioned = await provision(spec, signal);
      if (!provisioned.ok) {
        throw new KilnError({ code: "KILN_E_ENGINE", message: provisioned.error.message, exitCode: 4 });
      }
      try {
        return await provisioned.value.open(spec, signal);
      } catch (error) {
        await provisioned.value.close();
        throw error;
      }
    },
    async reclaim({ buildId }) {
      const engine = await find(new AbortController().signal);
      if (engine) await removeEnvironments(engine, buildId);
    },
  };
}

const noEngine = (kind: string): string =>
  `no ${kind} engine answers on this machine; \`kiln doctor\` lists where it was looked for`;

/** Removes the containers in which a build's commands ran. */
async function removeEnvironments(engine: ApiEngine, buildId: string): Promise<void> {
  const client = new EngineClient(engine.address);
  try {
    const filters = encodeURIComponent(JSON.stringify({ label: [`${ENVIRONMENT_LABEL}=${buildId}`] }));
    const found = await client.json<{ Id: string }[]>(`/containers/json?all=1&filters=${filters}`);
    for (const { Id } of found ?? []) await removeContainer(client, Id);
  } catch (error) {
    debug("engine", () => `containers of ${buildId}: ${(error as Error).message}`);
  } finally {
    client.close();
  }
}

interface ProvisioningInput {
  readonly spec: ProvisionSpec;
  readonly engine: ApiEngine;
  readonly ids: Ids;
  readonly graceMs: number;
  readonly machine: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** What was made so far is taken away again when the rest fails. */
class Provisioning {
  readonly #input: ProvisioningInput;
  readonly #client: EngineClient;
  #reach: Reach | undefined;
  #containerId: string | undefined;
  #control: ExecShell | undefined;

  constructor(input: ProvisioningInput) {
    this.#input = input;
    this.#client = new EngineClient(input.engine.address);
  }

  async run(): Promise<Result<ProvisionedEnvironment, ProvisionFailure>> {
    let isReady = false;
    try {
      const made = await this.#make();
      isReady = made.ok;
      return made;
    } finally {
      if (!isReady) await this.#undo();
    }
  }

  async #make(): Promise<Result<ProvisionedEnvironment, ProvisionFailure>> {
    const { spec, engine, ids, graceMs, machine, signal } = this.#input;
    const client = this.#client;
    const onNotice = spec.onNotice ?? (() => {});
    const refused = await spec.images?.refusal(spec.image);
    if (refused !== undefined) return unableToPull(refused);
    const image = await obtainImage(client, spec.image, spec.images, { signal, onNotice });
    if (!image.ok) return unableToPull(`CannotPullContainerError: Error response from daemon: ${image.error}`);
    const info = await client.call<EngineInfo>("GET", "/info", undefined, signal);
    const reach = await reachEndpoint(engine, info, spec.endpointUrl ?? "http://127.0.0.1");
    if (!reach.ok) return err({ statusCode: "CLIENT_ERROR", message: reach.error });
    this.#reach = reach.value;
    const less = limitsNotice(spec, info);
    if (less !== undefined) onNotice("info", less);
    const plan: ContainerPlan = {
      spec: mountable(spec, engine, info),
      engine,
      info,
      reach: reach.value,
      image: image.value,
    };
    const started = await startContainer(client, plan, signal);
    if (!started.ok) return this.#dead(started.error);
    this.#containerId = started.value;
    const configured = await client.json<{ Config?: { Env?: string[] | null } }>(`/containers/${started.value}/json`);
    const control = await this.#shell(started.value);
    if (typeof control === "string") return this.#dead(control);
    const programs = await lookAround(control);
    if (!programs) return this.#dead(control.complaint);
    return ok(
      containerEnvironment(
        {
          client,
          containerId: started.value,
          control,
          spec,
          reach: reach.value,
          ids,
          graceMs,
          variables: reachLoopbackDirectly(containerVariables(machine)),
          imageVariables: configured?.Config?.Env ?? [],
          onClosed: () => reach.value.close(),
        },
        programs,
      ),
    );
  }

  /** The shell that is never the build's; a text when there is none. */
  async #shell(containerId: string): Promise<ExecShell | string> {
    const { ids, signal } = this.#input;
    try {
      const spec = { containerId, user: "0", variables: {} };
      this.#control = await ExecShell.start(this.#client, spec, ids, signal);
      return this.#control;
    } catch (error) {
      signal.throwIfAborted();
      return (error as Error).message;
    }
  }

  #dead(why: string): Result<never, ProvisionFailure> {
    const { spec } = this.#input;
    const lacksShell = /"sh"|exec sh|executable file not found/.test(why) || why === "" || /is not running/.test(why);
    spec.onNotice?.(
      "warning",
      lacksShell
        ? `the container of \`${spec.image}\` does not stay: a build's image needs a shell, \`sh\`${why === "" ? "" : ` (${why})`}`
        : `the container of \`${spec.image}\` does not start: ${why}`,
    );
    return err({ statusCode: "CLIENT_ERROR", message: FOUND_DEAD });
  }

  async #undo(): Promise<void> {
    try {
      if (this.#containerId !== undefined) await removeContainer(this.#client, this.#containerId);
    } finally {
      this.#control?.close();
      this.#client.close();
      this.#reach?.close();
    }
  }
}

/** Without what an engine in another machine, or a virtual one, cannot mount. */
function mountable(spec: ProvisionSpec, { address }: ApiEngine, info: EngineInfo): ProvisionSpec {
  const { dockerSocket, ...rest } = spec;
  if (dockerSocket === undefined) return spec;
  const sharesFiles =
    isLocalAddress(address) && process.platform === "linux" && info.OperatingSystem !== "Docker Desktop";
  if (sharesFiles) return spec;
  spec.onNotice?.(
    "warning",
    "the build has no docker: its engine is not on this machine, and a socket of this machine cannot be mounted there",
  );
  return rest;
}
