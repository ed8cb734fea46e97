/**
 * What clients send to make a container, checked and made a `ContainerSpec`: what cannot be honoured is refused by name
 * or, where docker itself goes on without it, told as a warning in docker's words.
 * Source: https://docs.docker.com/reference/api/engine/version/v1.43/ (ContainerCreate); warnings as docker's daemon gives them.
 */
import type { Image } from "../../../images/image.ts";
import { type CreateContainerBody, refusal } from "../../proxy/container-policy.ts";
import { ApiError, type BuilderContext, notDone } from "../api.ts";
import type { ExtraHost } from "../build/build-request.ts";
import { readUlimits, type UlimitBody } from "../ulimits.ts";
import type { ContainerConfig, ContainerSpec, PublishedPort, RestartPolicy } from "./container.ts";
import { makeBindSources, readMounts, wholeNumber } from "./container-mounts.ts";

/** Wire shape. */
export interface CreateBody extends ContainerConfig {
  HostConfig?: HostConfigBody | null;
  NetworkingConfig?: { EndpointsConfig?: Record<string, { Aliases?: string[] | null } | null> | null } | null;
}

export interface HostConfigBody {
  AutoRemove?: boolean;
  Privileged?: boolean;
  NetworkMode?: string;
  Binds?: string[] | null;
  Mounts?: MountBody[] | null;
  Tmpfs?: Record<string, string> | null;
  VolumesFrom?: string[] | null;
  ReadonlyRootfs?: boolean;
  ExtraHosts?: string[] | null;
  Links?: string[] | null;
  Ulimits?: UlimitBody[] | null;
  ShmSize?: number;
  CapDrop?: string[] | null;
  SecurityOpt?: string[] | null;
  PortBindings?: Record<string, { HostIp?: string; HostPort?: string }[] | null> | null;
  PublishAllPorts?: boolean;
  RestartPolicy?: { Name?: string; MaximumRetryCount?: number } | null;
  LogConfig?: { Type?: string; Config?: Record<string, string> | null } | null;
  Runtime?: string;
  [name: string]: unknown;
}

interface MountBody {
  Type?: string;
  Source?: string;
  Target?: string;
  ReadOnly?: boolean;
  TmpfsOptions?: { SizeBytes?: number; Mode?: number } | null;
  VolumeOptions?: { NoCopy?: boolean; Labels?: Record<string, string>; DriverConfig?: unknown } | null;
}

export interface ReadBody {
  readonly spec: Omit<ContainerSpec, "name">;
  /** Names on networks, by the network as asked for. */
  readonly endpoints: ReadonlyMap<string, readonly string[]>;
  readonly warnings: readonly string[];
}

/** Throws docker's answer for what is wrong, ours for what is not done. */
export async function readCreateBody(context: BuilderContext, body: CreateBody, image: Image): Promise<ReadBody> {
  const host = body.HostConfig ?? {};
  await makeBindSources(context, host);
  const reason = await refusal({ HostConfig: host } as CreateContainerBody, {
    ...context.request,
    isHere: true,
  });
  if (reason !== undefined) throw new ApiError(403, reason);
  const warnings = limitWarnings(host);
  const config = mergedConfig(body, image);
  if ((config.Entrypoint ?? []).length + (config.Cmd ?? []).length === 0)
    throw new ApiError(400, "no command specified");
  if (config.WorkingDir && !config.WorkingDir.startsWith("/"))
    throw new ApiError(400, `the working directory '${config.WorkingDir}' is invalid, it needs to be an absolute path`);
  const restart = readRestart(host);
  if (host.AutoRemove && restart.policy !== "no")
    throw new ApiError(400, "can't create 'AutoRemove' container with restart policy");
  const { mounts, tmpfs } = await readMounts(context, config, host);
  const networkMode = host.NetworkMode || "default";
  const endpoints = readEndpoints(context, body, networkMode);
  const spec = {
    ...{ image, imageName: body.Image ?? "", config, restart, mounts, tmpfs, networkMode },
    hostConfig: shownHostConfig(host, networkMode),
    removesItself: host.AutoRemove === true,
    network: networkMode === "none" ? ("none" as const) : ("host" as const),
    isReadOnly: host.ReadonlyRootfs === true,
    extraHosts: readHosts(host),
    ulimits: readUlimits(host.Ulimits ?? []),
    shmSizeBytes: wholeNumber(host.ShmSize, "ShmSize") || undefined,
    droppedCapabilities: host.CapDrop ?? [],
    noNewPrivileges: (host.SecurityOpt ?? []).some((option) => /^no-new-privileges(?:[:=]true)?$/.test(option)),
    ports: networkMode === "none" ? [] : readPorts(config, host),
  };
  return { spec, endpoints, warnings };
}

/** The image's config under what was asked for, by docker's rules. */
function mergedConfig(body: CreateBody, image: Image): ContainerConfig {
  const inherited = image.config.config;
  const { HostConfig: _host, NetworkingConfig: _networking, ...asked } = body;
  const hasEntrypoint = (asked.Entrypoint ?? []).length > 0;
  // `--entrypoint ""` takes the image's away.
  const isCleared = asked.Entrypoint?.length === 1 && asked.Entrypoint[0] === "";
  const own = (asked.Cmd ?? []).length > 0 ? asked.Cmd : hasEntrypoint ? [] : inherited.Cmd;
  const names = new Set((asked.Env ?? []).map((entry) => entry.split("=")[0]));
  const health = asked.Healthcheck?.Test?.length
    ? { ...inherited.Healthcheck, ...asked.Healthcheck }
    : inherited.Healthcheck;
  const config: ContainerConfig = {
    ...asked,
    Image: body.Image ?? "",
    Env: [
      ...(asked.Env ?? []).filter((entry) => entry.includes("=")),
      ...(inherited.Env ?? []).filter((entry) => !names.has(entry.split("=")[0])),
    ],
    Entrypoint: isCleared ? null : hasEntrypoint ? (asked.Entrypoint ?? null) : (inherited.Entrypoint ?? null),
    Cmd: own ?? null,
    User: asked.User || inherited.User || "",
    WorkingDir: asked.WorkingDir || inherited.WorkingDir || "",
    Labels: { ...inherited.Labels, ...asked.Labels },
    ...((asked.ExposedPorts ?? inherited.ExposedPorts) && {
      ExposedPorts: { ...inherited.ExposedPorts, ...asked.ExposedPorts },
    }),
    ...((asked.Volumes ?? inherited.Volumes) && { Volumes: { ...inherited.Volumes, ...asked.Volumes } }),
    ...((asked.StopSignal || inherited.StopSignal) && { StopSignal: asked.StopSignal || inherited.StopSignal || "" }),
    ...(health && { Healthcheck: health }),
  };
  return config;
}

function readRestart(host: HostConfigBody): ContainerSpec["restart"] {
  const { Name: name = "", MaximumRetryCount: maximum = 0 } = host.RestartPolicy ?? {};
  const policy = name === "" ? "no" : name;
  if (!["no", "always", "unless-stopped", "on-failure"].includes(policy))
    throw new ApiError(
      400,
      `invalid restart policy: unknown policy '${policy}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  return { policy: policy as RestartPolicy, maximum };
}

function readEndpoints(context: BuilderContext, body: CreateBody, networkMode: string): Map<string, readonly string[]> {
  const endpoints = new Map<string, readonly string[]>();
  if (networkMode.startsWith("container:")) return endpoints;
  const known = (name: string): string => (name === "default" ? "bridge" : name);
  endpoints.set(known(networkMode), []);
  for (const [name, endpoint] of Object.entries(body.NetworkingConfig?.EndpointsConfig ?? {}))
    endpoints.set(known(name), endpoint?.Aliases ?? []);
  // Clients take a 404 for a missing image.
  for (const name of endpoints.keys())
    if (!context.networks.find(name)) throw new ApiError(400, `network ${name} not found`);
  return endpoints;
}

/** `name:address`; links (`container:alias`) lead to this machine, where all containers are. */
function readHosts(host: HostConfigBody): ExtraHost[] {
  const extra = (host.ExtraHosts ?? []).map((entry) => {
    const [, name, address] = /^([^:=\s]+)[:=](\S+)$/.exec(entry) ?? [];
    if (name === undefined || address === undefined) throw new ApiError(400, `bad format for add-host: "${entry}"`);
    return { name, address };
  });
  const links = (host.Links ?? []).map((entry) => ({
    name: (entry.split(":")[1] ?? entry.split(":")[0] ?? "").replace(/^.*\//, ""),
    address: "127.0.0.1",
  }));
  return [...extra, ...links];
}

function readPorts(config: ContainerConfig, host: HostConfigBody): PublishedPort[] {
  const ports: PublishedPort[] = [];
  for (const [port, bindings] of Object.entries(host.PortBindings ?? {})) {
    const [, number, protocol = "tcp"] = /^(\d+)(?:\/(\w+))?$/.exec(port) ?? [];
    if (number === undefined) throw new ApiError(400, `invalid port specification: "${port}"`);
    for (const { HostPort: text = "" } of bindings ?? [{}]) {
      if (text !== "" && !/^\d{1,5}$/.test(text)) throw new ApiError(400, `invalid port specification: "${text}"`);
      const hostPort = text === "" || text === "0" ? undefined : Number(text);
      if (protocol !== "tcp") {
        if (hostPort !== Number(number)) throw notDone(`published ${protocol} ports under another number`);
        continue;
      }
      ports.push({ port: `${number}/tcp`, hostPort });
    }
  }
  if (host.PublishAllPorts) {
    for (const port of Object.keys(config.ExposedPorts ?? {}))
      if (port.endsWith("/tcp") && !ports.some((known) => known.port === port))
        ports.push({ port, hostPort: undefined });
  }
  return ports;
}

/** Limits need cgroups of our own, which a build's process has not: docker's words for a kernel without them. */
function limitWarnings(host: HostConfigBody): string[] {
  const isGiven = (name: string): boolean => host[name] !== undefined && host[name] !== null && Number(host[name]) > 0;
  const warnings: string[] = [];
  const minimum = 6 * 1024 * 1024;
  if (isGiven("Memory")) {
    if (Number(host["Memory"]) < minimum) throw new ApiError(400, "Minimum memory limit allowed is 6MB");
    warnings.push(
      "Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.",
    );
  }
  if (isGiven("CpuShares"))
    warnings.push("Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.");
  if (isGiven("CpuQuota") || isGiven("CpuPeriod") || isGiven("NanoCpus"))
    warnings.push("Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.");
  if (typeof host["CpusetCpus"] === "string" && host["CpusetCpus"] !== "")
    warnings.push("Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.");
  if (isGiven("PidsLimit"))
    warnings.push(
      "Your kernel does not support pids limit capabilities or the cgroup is not mounted. PIDs limit discarded.",
    );
  if (host.Runtime !== undefined && !["", "runc", "io.containerd.runc.v2"].includes(host.Runtime))
    throw new ApiError(400, `unknown or invalid runtime name: ${host.Runtime}`);
  for (const [member, what] of [
    ["PidMode", "--pid"],
    ["IpcMode", "--ipc"],
  ] as const) {
    if (String(host[member] ?? "").startsWith("container:")) throw notDone(`${what} of another container`);
  }
  return warnings;
}

/** As asked for, with docker's defaults for what clients read. */
const shownHostConfig = (host: HostConfigBody, networkMode: string): Record<string, unknown> => ({
  Binds: null,
  ContainerIDFile: "",
  LogConfig: { Type: "json-file", Config: {} },
  PortBindings: {},
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  CapAdd: null,
  CapDrop: null,
  ...{ Dns: [], DnsOptions: [], DnsSearch: [], ExtraHosts: null, GroupAdd: null, Links: null },
  ...{ IpcMode: "private", PidMode: "", UTSMode: "", UsernsMode: "", CgroupnsMode: "host", Cgroup: "" },
  ...{ Privileged: false, PublishAllPorts: false, ReadonlyRootfs: false, SecurityOpt: null, Runtime: "runc" },
  ...{ ShmSize: 67108864, Isolation: "", Memory: 0, NanoCpus: 0, CpuShares: 0, Devices: [], Ulimits: null },
  ...host,
  NetworkMode: networkMode,
});
