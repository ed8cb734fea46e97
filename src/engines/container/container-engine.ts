/**
 * The engines `docker` and `podman`: a build's commands in its image, over the engine's API alone, so that an engine on
 * another machine, or in a virtual one, does as well. Sources go in and results come out as archives; nothing of this
 * machine is mounted, except the build's docker socket where the engine shares this machine's files.
 * Source: https://docs.docker.com/reference/api/engine/. Only the factory is loaded before a build needs it.
 */
import { KilnError } from "../../core/errors.ts";
import { type Ids, systemIds } from "../../core/ids.ts";
import type { Result } from "../../core/result.ts";
import type { Engine as ApiEngine } from "../../engine-api/index.ts";
import type {
  BuildEnvironment,
  Engine,
  EnvironmentSpec,
  ProvisionedEnvironment,
  ProvisionFailure,
  ProvisionSpec,
} from "../engine.ts";

export interface ContainerEngineOptions {
  readonly kind: "docker" | "podman";
  readonly ids?: Ids;
  /** The machine's environment, which names the engine; default `process.env`. */
  readonly machine?: NodeJS.ProcessEnv;
  /** Between SIGTERM and SIGKILL of a cancelled command. */
  readonly graceMs?: number;
}

export function createContainerEngine(options: ContainerEngineOptions): Engine {
  const { kind, ids = systemIds, machine = process.env, graceMs = 2000 } = options;
  const find = async (signal: AbortSignal): Promise<ApiEngine | undefined> =>
    (await import("../../engine-api/index.ts")).findEngine(machine, kind, signal);

  async function provision(
    spec: ProvisionSpec,
    signal: AbortSignal,
  ): Promise<Result<ProvisionedEnvironment, ProvisionFailure>> {
    const { provisionContainer, unableToPull } = await import("./provision-container.ts");
    const engine = await find(signal);
    if (!engine) return unableToPull(await noEngine(kind, machine, signal));
    return provisionContainer({ spec, engine, ids, graceMs, machine, signal });
  }

  return {
    name: kind,
    capabilities: { usesHostTools: false, runAs: true },
    async problem(signal) {
      return (await find(signal)) ? undefined : noEngine(kind, machine, signal);
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
      if (!engine) return;
      const { removeEnvironments } = await import("./provision-container.ts");
      await removeEnvironments(engine, buildId);
    },
  };
}

/** What DOCKER_HOST names is looked at first, so it is what the user means. */
async function noEngine(kind: string, machine: NodeJS.ProcessEnv, signal: AbortSignal): Promise<string> {
  const host = machine["DOCKER_HOST"];
  if (!host) return `no ${kind} engine answers on this machine`;
  const { lookForEngines } = await import("../../engine-api/index.ts");
  const named = (await lookForEngines(machine, signal)).find(({ source }) => source === "DOCKER_HOST")?.found;
  const why = named?.ok ? `what answers there is ${named.value.kind}` : (named?.error ?? "nothing answers there");
  return `no ${kind} engine answers on this machine, and DOCKER_HOST is \`${host}\`: ${why}`;
}
