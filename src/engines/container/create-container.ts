/**
 * The container of a build, from image to running: what of the machine it may use, how it is found again, and what its
 * first process is: a shell that waits, so that the image needs nothing but `sh`, whatever its ENTRYPOINT and USER say.
 * Root runs it: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.run-as-linux-user says
 * so of builds without `run-as`, and nothing of an image's USER.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/#tag/Container/operation/ContainerCreate
 */
import { err, ok, type Result } from "../../core/result.ts";
import { type Engine, type EngineClient, EngineRequestError } from "../../engine-api/index.ts";
import type { ProvisionSpec } from "../engine.ts";
import { CONTAINER_CACHE, CONTAINER_OUTPUT, CONTAINER_PRIVATE } from "./container-paths.ts";
import type { EngineInfo, Reach } from "./reach-endpoint.ts";

/**
 * On the container in which a build's commands run; the value is the build's id. Not the label of what a build makes with
 * its own docker: that lists and removes its containers, and must not find the one it runs in.
 */
export const ENVIRONMENT_LABEL = "dev.kiln.environment";

/** A build that forks without end must not take the machine with it. */
const MAX_PROCESSES = 16_384;
const PRIVATE_BYTES = 256 * 1024 ** 2;
const GIB = 1024 ** 3;

export interface ContainerPlan {
  readonly spec: ProvisionSpec;
  readonly engine: Engine;
  readonly info: EngineInfo;
  readonly reach: Reach;
  /** As the engine knows it. */
  readonly image: string;
}

/** Starts the container; the engine's words when that is not possible. It is removed then. */
export async function startContainer(
  client: EngineClient,
  plan: ContainerPlan,
  signal: AbortSignal,
): Promise<Result<string, string>> {
  const started = await tryStart(client, plan, true, signal);
  // An engine without its small init program still runs containers; orphans then stay as zombies until the end.
  const lacksInit = !started.ok && /docker-init|catatonit|container-init|init binary/i.test(started.error);
  return lacksInit ? tryStart(client, plan, false, signal) : started;
}

async function tryStart(
  client: EngineClient,
  plan: ContainerPlan,
  hasInit: boolean,
  signal: AbortSignal,
): Promise<Result<string, string>> {
  let id: string | undefined;
  try {
    id = (await client.call<{ Id: string }>("POST", "/containers/create", createBody(plan, hasInit), signal)).Id;
    await client.call("POST", `/containers/${id}/start`, undefined, signal);
    return ok(id);
  } catch (error) {
    if (id !== undefined) await removeContainer(client, id);
    signal.throwIfAborted();
    if (error instanceof EngineRequestError) return err(error.message);
    throw error;
  }
}

/** Ends and removes it with its volumes; one that is gone already is fine. */
export async function removeContainer(client: EngineClient, id: string): Promise<void> {
  await client.text("DELETE", `/containers/${id}?force=1&v=1`);
}

function createBody({ spec, engine, info, reach, image }: ContainerPlan, hasInit: boolean): unknown {
  const { dockerSocket, cacheName } = spec;
  return {
    Image: image,
    Entrypoint: ["sh", "-c", "read -r kiln_end"],
    Cmd: [],
    User: "0",
    WorkingDir: "/",
    OpenStdin: true,
    StdinOnce: false,
    Tty: false,
    Healthcheck: { Test: ["NONE"] },
    Labels: { [ENVIRONMENT_LABEL]: spec.buildId },
    HostConfig: {
      NetworkMode: reach.networkMode,
      ExtraHosts: reach.extraHosts,
      ...(hasInit ? { Init: true } : {}),
      ...limitsOf(spec, info),
      ...(info.PidsLimit === false ? {} : { PidsLimit: MAX_PROCESSES }),
      Tmpfs: { [CONTAINER_PRIVATE]: `rw,exec,mode=0711,size=${PRIVATE_BYTES}` },
      ...(dockerSocket === undefined ? {} : { Binds: [`${dockerSocket}:/var/run/docker.sock`] }),
      Mounts: [
        ...(cacheName === undefined ? [] : [{ Type: "volume", Source: cacheName, Target: CONTAINER_CACHE }]),
        // Without a name: it goes with the container.
        ...(dockerSocket === undefined ? [] : [{ Type: "volume", Target: CONTAINER_OUTPUT }]),
      ],
      // Docker writes nothing: commands' output goes to whoever asked for it.
      ...(engine.kind === "docker" ? { LogConfig: { Type: "none" } } : {}),
    },
  };
}

/** Never more than the engine's machine has: it would refuse. Swap would let a build pass that fails on AWS. */
function limitsOf({ limits }: ProvisionSpec, info: EngineInfo): Record<string, number> {
  if (!limits) return {};
  const { cpus, memoryBytes } = limitsWithin(limits, info);
  return {
    ...(info.CpuCfsQuota === false || cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    ...(info.MemoryLimit === false ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
  };
}

type Limits = NonNullable<ProvisionSpec["limits"]>;

function limitsWithin({ cpus, memoryBytes }: Limits, info: EngineInfo): Limits {
  return {
    ...(cpus === undefined ? {} : { cpus: Math.min(cpus, info.NCPU ?? cpus) }),
    memoryBytes: Math.min(memoryBytes, info.MemTotal ?? memoryBytes),
  };
}

/** One sentence where the engine's machine has less than was asked for. */
export function limitsNotice({ limits }: ProvisionSpec, info: EngineInfo): string | undefined {
  if (!limits) return undefined;
  const had = limitsWithin(limits, info);
  if (had.cpus === limits.cpus && had.memoryBytes === limits.memoryBytes) return undefined;
  return `the compute type has ${amount(limits)}; the engine's machine has less, so the build gets ${amount(had)}`;
}

const amount = ({ cpus, memoryBytes }: Limits): string => {
  const memory = `${Math.round((memoryBytes / GIB) * 10) / 10} GiB`;
  return cpus === undefined ? memory : `${cpus} vCPU${cpus === 1 ? "" : "s"} and ${memory}`;
};
