/**
 * `_ping`, version, info, auth, disk usage of the embedded builder.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/ (System)
 */
import { availableParallelism, hostname, release, totalmem } from "node:os";
import { imageArchitecture, imageSizeBytes } from "../../../images/image.ts";
import { RegistryRequestError } from "../../../images/registry-client.ts";
import { type AuthBody, checkLogin, registryHost } from "../../registry-login.ts";
import { API_VERSION, type ApiCall, ApiError, type ApiRoute, MIN_API_VERSION, readJson, sendJson } from "../api.ts";
import { statusText } from "../containers/inspect-routes.ts";
import { treeSizeBytes } from "../containers/tree-size.ts";
import { volumeShape } from "../volumes/volume-routes.ts";
import { eventRoutes } from "./event-routes.ts";

const SERVER_VERSION = "28.0.0-kiln";

function ping({ response, incoming }: ApiCall): void {
  response.writeHead(200, {
    "content-type": "text/plain; charset=utf-8",
    // BuildKit: /grpc and /session are there.
    "builder-version": "2",
    "cache-control": "no-cache, no-store, must-revalidate",
    pragma: "no-cache",
    swarm: "inactive",
  });
  response.end(incoming.method === "HEAD" ? undefined : "OK");
}

function version({ response }: ApiCall): void {
  const common = { Os: "linux", Arch: imageArchitecture(), ApiVersion: API_VERSION, KernelVersion: release() };
  const details = { ...common, MinAPIVersion: MIN_API_VERSION, GitCommit: "", GoVersion: "", BuildTime: "" };
  sendJson(response, 200, {
    Platform: { Name: "Kiln embedded builder" },
    Components: [{ Name: "Engine", Version: SERVER_VERSION, Details: { ...details, Experimental: "false" } }],
    Version: SERVER_VERSION,
    ...details,
  });
}

function info({ response, context }: ApiCall): void {
  const containers = context.containers.list();
  const running = containers.filter((container) => container.isRunning).length;
  sendJson(response, 200, {
    ID: context.request.buildId,
    Containers: containers.length,
    ContainersRunning: running,
    ContainersPaused: 0,
    ContainersStopped: containers.length - running,
    Images: context.names.list().length,
    Driver: "overlay2",
    DriverStatus: [["Isolation", context.isolation.kind]],
    Plugins: { Volume: ["local"], Network: ["bridge", "host", "null"], Authorization: null, Log: ["json-file"] },
    // None of the limits can be kept: there are no cgroups of our own.
    ...{ MemoryLimit: false, SwapLimit: false, CpuCfsPeriod: false, CpuCfsQuota: false, CPUShares: false },
    ...{ CPUSet: false, PidsLimit: false, OomKillDisable: false, CgroupDriver: "none", CgroupVersion: "1" },
    ...{
      IPv4Forwarding: true,
      BridgeNfIptables: false,
      BridgeNfIp6tables: false,
      Debug: false,
      NFd: 0,
      NGoroutines: 0,
    },
    SystemTime: new Date(context.clock.nowMs()).toISOString(),
    LoggingDriver: "json-file",
    NEventsListener: 0,
    KernelVersion: release(),
    OperatingSystem: "Kiln embedded builder",
    OSVersion: "",
    OSType: "linux",
    Architecture: { amd64: "x86_64", arm64: "aarch64" }[imageArchitecture()] ?? imageArchitecture(),
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      ...{ AllowNondistributableArtifactsCIDRs: null, AllowNondistributableArtifactsHostnames: null },
      ...{ InsecureRegistryCIDRs: ["127.0.0.0/8", "::1/128"], IndexConfigs: {}, Mirrors: [] },
    },
    NCPU: availableParallelism(),
    MemTotal: totalmem(),
    GenericResources: null,
    DockerRootDir: context.store.dir,
    ...{ HttpProxy: "", HttpsProxy: "", NoProxy: "" },
    Name: hostname(),
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: SERVER_VERSION,
    Runtimes: { runc: { path: "unshare" } },
    DefaultRuntime: "runc",
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: false,
    Isolation: "",
    InitBinary: "",
    SecurityOptions: [],
    Warnings: ["containers use this machine's network; limits of memory, CPU and processes are not kept"],
  });
}

async function auth({ incoming, response, context, signal }: ApiCall): Promise<void> {
  const body = await readJson<AuthBody>(incoming);
  const host = registryHost(body.serveraddress);
  if (host === undefined) throw new ApiError(400, `invalid registry address: ${body.serveraddress}`);
  try {
    await checkLogin(context.request.registryUrl, body, host, signal, context.transfer.network);
    sendJson(response, 200, { IdentityToken: "", Status: "Login Succeeded" });
  } catch (error) {
    if (error instanceof RegistryRequestError) throw new ApiError(error.status === 401 ? 401 : 500, error.message);
    throw error;
  }
}

async function diskUsage({ context, response }: ApiCall): Promise<void> {
  const images = context.names.list();
  const layers = new Map(images.flatMap(({ image }) => image.layers.map((layer) => [layer.chainId, layer.sizeBytes])));
  const nowMs = context.clock.nowMs();
  const all = context.containers.list();
  const containers = [];
  for (const container of all) {
    const written = await treeSizeBytes(container.upperDir);
    containers.push({
      Id: container.id,
      Names: [`/${container.name}`],
      Image: container.spec.imageName,
      ImageID: container.spec.image.id,
      Command: [...(container.spec.config.Entrypoint ?? []), ...(container.spec.config.Cmd ?? [])].join(" "),
      Created: Math.floor(container.createdMs / 1000),
      Ports: [],
      ...(written > 0 && { SizeRw: written }),
      SizeRootFs: written + imageSizeBytes(container.spec.image),
      Labels: container.spec.config.Labels ?? {},
      State: container.status,
      Status: statusText(container, nowMs),
      HostConfig: { NetworkMode: container.spec.networkMode },
      NetworkSettings: { Networks: {} },
      Mounts: [],
    });
  }
  const volumes = [];
  for (const volume of context.volumes.list()) {
    const usage = { Size: await treeSizeBytes(volume.mountpoint), RefCount: volume.users.size };
    volumes.push({ ...volumeShape(volume), UsageData: usage });
  }
  sendJson(response, 200, {
    LayersSize: [...layers.values()].reduce((total, bytes) => total + bytes, 0),
    Images: images.map(({ image, tags, digests }) => ({
      Id: image.id,
      ParentId: "",
      RepoTags: tags,
      RepoDigests: digests,
      Created: Math.floor((Date.parse(image.config.created) || 0) / 1000),
      Size: imageSizeBytes(image),
      SharedSize: 0,
      VirtualSize: imageSizeBytes(image),
      Labels: image.config.config.Labels ?? null,
      Containers: all.filter((container) => container.spec.image.id === image.id).length,
    })),
    Containers: containers,
    Volumes: volumes,
    BuildCache: [],
    BuilderSize: 0,
  });
}

/** There are none; `docker inspect` asks for what is nothing else. */
function noPlugin({ path: [name = ""] }: ApiCall): never {
  throw new ApiError(404, `plugin "${name}" not found`);
}

export const systemRoutes: readonly ApiRoute[] = [
  { method: "GET", pattern: /^\/_ping$/, handle: ping },
  { method: "HEAD", pattern: /^\/_ping$/, handle: ping },
  { method: "GET", pattern: /^\/version$/, handle: version },
  { method: "GET", pattern: /^\/info$/, handle: info },
  { method: "POST", pattern: /^\/auth$/, handle: auth },
  { method: "GET", pattern: /^\/system\/df$/, handle: diskUsage },
  { method: "GET", pattern: /^\/plugins$/, handle: ({ response }) => sendJson(response, 200, []) },
  { method: "GET", pattern: /^\/plugins\/(.+)\/json$/, handle: noPlugin },
  ...eventRoutes,
];
