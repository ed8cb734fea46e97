/**
 * PROVISIONING of one build in a container: the image, the container of it, a shell that is never the build's. Loaded with
 * the first build that needs it. AWS's texts from published logs and
 * https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html; the status code of a container that does
 * not live is not published: chosen here.
 */
import type { Ids } from "../../core/ids.ts";
import { debug } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type Engine as ApiEngine, EngineClient, isLocalAddress } from "../../engine-api/index.ts";
import type { ProvisionedEnvironment, ProvisionFailure, ProvisionSpec } from "../engine.ts";
import { containerVariables, reachLoopbackDirectly } from "../host-variables.ts";
import { containerEnvironment } from "./container-environment.ts";
import { CONTAINER_OUTPUT } from "./container-paths.ts";
import {
  type ContainerPlan,
  ENVIRONMENT_LABEL,
  limitsNotice,
  removeContainer,
  startContainer,
} from "./create-container.ts";
import { ExecShell } from "./exec-shell.ts";
import { lookAround } from "./look-around.ts";
import { obtainImage } from "./obtain-image.ts";
import { type EngineInfo, type Reach, reachEndpoint } from "./reach-endpoint.ts";

/** AWS's words for an image that cannot be had, before the reason. */
export const unableToPull = (reason: string): Result<never, ProvisionFailure> =>
  err({
    statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE",
    message: `Unable to pull customer's container image. ${reason}`,
  });

/** AWS's words for a container that does not live. */
const FOUND_DEAD =
  "Build container found dead before completing the build. build container died because it was out of memory, or the Docker image is not supported. ErrorCode: 500";

/** The environment, or why there is none; nothing is left then. */
export const provisionContainer = (
  input: ProvisioningInput,
): Promise<Result<ProvisionedEnvironment, ProvisionFailure>> => new Provisioning(input).run();

/** Removes the containers in which a build's commands ran. */
export async function removeEnvironments(engine: ApiEngine, buildId: string): Promise<void> {
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

/** Wire shape of `GET /containers/{id}/json`, the members that matter here. */
interface MadeContainer {
  readonly Config?: { readonly Env?: readonly string[] | null };
  readonly Mounts?: readonly { readonly Destination?: string; readonly Source?: string }[] | null;
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
    const made = await client.json<MadeContainer>(`/containers/${started.value}/json`);
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
          imageVariables: made?.Config?.Env ?? [],
          outputFolder: made?.Mounts?.find(({ Destination: path }) => path === CONTAINER_OUTPUT)?.Source,
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
    // An engine whose small init program starts first says only that nothing runs any more.
    const isGone = why === "" || /is not running/.test(why);
    const lacksShell = isGone || /"sh"|exec sh|executable file not found/.test(why);
    spec.onNotice?.(
      "warning",
      lacksShell
        ? `the container of \`${spec.image}\` does not stay: a build's image needs a shell, \`sh\`${isGone ? "" : ` (${why})`}`
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
