/** What clients see of containers: list, inspect, changes. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { imageSizeBytes } from "../../../images/image.ts";
import { lstatOrUndefined } from "../../../images/layered-root.ts";
import { humanDuration } from "../../human-units.ts";
import { type ApiCall, ApiError, type ApiRoute, type BuilderContext, isOn, sendJson } from "../api.ts";
import { Filters } from "../filters.ts";
import type { Container } from "./container.ts";
import { requestedContainer, requireContainer } from "./requested-container.ts";
import { treeSizeBytes } from "./tree-size.ts";

const NEVER = "0001-01-01T00:00:00Z";
const time = (ms: number | undefined): string => (ms === undefined ? NEVER : new Date(ms).toISOString());
const commandOf = ({ spec }: Container): string[] => [...(spec.config.Entrypoint ?? []), ...(spec.config.Cmd ?? [])];

/** As `docker ps` shows it, e.g. `Up 5 seconds (healthy)`. */
export function statusText(container: Container, nowMs: number): string {
  switch (container.status) {
    case "created":
      return "Created";
    case "removing":
      return "Removal In Progress";
    case "running": {
      const health = container.health
        ? ` (${container.health.status === "starting" ? "health: starting" : container.health.status})`
        : "";
      return `Up ${humanDuration(nowMs - (container.startedMs ?? nowMs))}${health}`;
    }
    case "restarting":
    case "exited": {
      const word = container.status === "exited" ? "Exited" : "Restarting";
      return `${word} (${container.exitCode}) ${humanDuration(nowMs - (container.finishedMs ?? nowMs))} ago`;
    }
  }
}

function networksOf(context: BuilderContext, container: Container): Record<string, unknown> {
  const entries = context.networks.of(container.id).map((network) => {
    const member = network.members.get(container.id);
    return [
      network.name,
      {
        ...{ IPAMConfig: null, Links: null, Aliases: member?.aliases.length ? member.aliases : null },
        ...{ NetworkID: network.id, EndpointID: member?.isActive ? member.endpointId : "" },
        // Where its ports are.
        ...{ Gateway: "", IPAddress: member?.isActive ? "127.0.0.1" : "", IPPrefixLen: 0, IPv6Gateway: "" },
        ...{ GlobalIPv6Address: "", GlobalIPv6PrefixLen: 0, MacAddress: "", DriverOpts: null },
      },
    ];
  });
  return Object.fromEntries(entries);
}

const mountsOf = (container: Container): Record<string, unknown>[] =>
  container.spec.mounts.map(({ kind, source, target, isReadOnly, volume }) => ({
    Type: kind,
    ...(volume && { Name: volume.name, Driver: "local" }),
    Source: source,
    Destination: target,
    Mode: kind === "volume" ? "z" : "",
    RW: !isReadOnly,
    Propagation: kind === "bind" ? "rprivate" : "",
  }));

/** Ports of the image and the published ones, as inspect shows them. */
function portsOf(container: Container): Record<string, { HostIp: string; HostPort: string }[] | null> {
  const ports: Record<string, { HostIp: string; HostPort: string }[] | null> = {};
  for (const port of Object.keys(container.spec.config.ExposedPorts ?? {})) ports[port] = null;
  for (const [port, hostPort] of container.run?.hostPorts ?? [])
    ports[port] = [...(ports[port] ?? []), { HostIp: "127.0.0.1", HostPort: String(hostPort) }];
  return container.isRunning ? ports : {};
}

async function inspect(call: ApiCall): Promise<void> {
  const { context } = call;
  const container = requestedContainer(call);
  const { spec } = container;
  const [path = "", ...args] = commandOf(container);
  const { health } = container;
  sendJson(call.response, 200, {
    Id: container.id,
    Created: time(container.createdMs),
    Path: path,
    Args: args,
    State: {
      Status: container.status,
      Running: container.isRunning || container.status === "restarting",
      Paused: false,
      Restarting: container.status === "restarting",
      OOMKilled: false,
      Dead: false,
      Pid: context.containers.commandPid(container) ?? 0,
      ExitCode: container.exitCode,
      Error: container.error,
      StartedAt: time(container.startedMs),
      FinishedAt: time(container.finishedMs),
      ...(health && { Health: { Status: health.status, FailingStreak: health.failures, Log: health.log } }),
    },
    Image: spec.image.id,
    ...{ ResolvConfPath: "", HostnamePath: "", HostsPath: "", LogPath: "" },
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: "overlay2",
    Platform: "linux",
    ...{ MountLabel: "", ProcessLabel: "", AppArmorProfile: "" },
    ExecIDs:
      context.containers.execs.idsOf(container.id).length > 0 ? context.containers.execs.idsOf(container.id) : null,
    HostConfig: spec.hostConfig,
    GraphDriver: { Name: "overlay2", Data: { UpperDir: container.upperDir } },
    ...(isOn(call.query, "size") && (await sizesOf(container))),
    Mounts: mountsOf(container),
    Config: {
      ...{ Hostname: container.id.slice(0, 12), Domainname: "", AttachStdin: false, AttachStdout: true },
      ...{ AttachStderr: true, Tty: false, OpenStdin: false, StdinOnce: false, OnBuild: null },
      ...spec.config,
      ...(spec.config.Hostname ? {} : { Hostname: container.id.slice(0, 12) }),
    },
    NetworkSettings: {
      ...{ Bridge: "", SandboxID: "", SandboxKey: "", HairpinMode: false, LinkLocalIPv6Address: "" },
      Ports: portsOf(container),
      ...{
        EndpointID: "",
        Gateway: "",
        IPAddress: container.isRunning ? "127.0.0.1" : "",
        IPPrefixLen: 0,
        MacAddress: "",
      },
      Networks: networksOf(context, container),
    },
  });
}

const sizesOf = async (container: Container): Promise<{ SizeRw: number; SizeRootFs: number }> => {
  const written = await treeSizeBytes(container.upperDir);
  return { SizeRw: written, SizeRootFs: written + imageSizeBytes(container.spec.image) };
};

const ALLOWED = [
  ..."ancestor before expose exited health id is-task label label! name network publish since status volume isolation".split(
    " ",
  ),
];
const STATUSES = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];

async function list({ context, query, response }: ApiCall): Promise<void> {
  const filters = Filters.of(query, ALLOWED);
  for (const status of filters.values("status"))
    if (!STATUSES.includes(status)) throw new ApiError(400, `invalid filter 'status=${status}'`);
  const limit = Number(query.get("limit") ?? 0);
  const showsAll =
    isOn(query, "all") ||
    limit > 0 ||
    ["status", "exited", "before", "since"].some((name) => filters.values(name).length > 0);
  const nowMs = context.clock.nowMs();
  const all = context.containers.list();
  const found = all
    .filter((container) => showsAll || container.isRunning || container.status === "restarting")
    .filter((container) => matches(context, filters, container))
    .slice(0, limit > 0 ? limit : undefined);
  const shown = [];
  for (const container of found) {
    const [{ tags }] = [context.names.describe(container.spec.image)];
    const isTagged = tags.includes(container.spec.imageName) || tags.includes(`${container.spec.imageName}:latest`);
    shown.push({
      Id: container.id,
      Names: [`/${container.name}`],
      Image:
        isTagged || !/^(sha256:)?[a-f0-9]{12,}$/.test(container.spec.imageName)
          ? container.spec.imageName
          : container.spec.image.id,
      ImageID: container.spec.image.id,
      Command: commandOf(container).join(" "),
      Created: Math.floor(container.createdMs / 1000),
      Ports: Object.entries(portsOf(container)).flatMap(([port, bindings]) => {
        const [number, type] = port.split("/");
        const inner = { PrivatePort: Number(number), Type: type ?? "tcp" };
        return bindings
          ? bindings.map(({ HostIp, HostPort }) => ({ IP: HostIp, ...inner, PublicPort: Number(HostPort) }))
          : [inner];
      }),
      ...(isOn(query, "size") && (await sizesOf(container))),
      Labels: container.spec.config.Labels ?? {},
      State: container.status,
      Status: statusText(container, nowMs),
      HostConfig: { NetworkMode: container.spec.networkMode },
      NetworkSettings: { Networks: networksOf(context, container) },
      Mounts: mountsOf(container),
    });
  }
  sendJson(response, 200, shown);
}

function matches(context: BuilderContext, filters: Filters, container: Container): boolean {
  const { spec } = container;
  const compared = (name: "before" | "since", isRight: (otherMs: number, ownMs: number) => boolean): boolean =>
    filters.values(name).every((value) => {
      const other = requireContainer(context, value);
      return other !== container && isRight(other.createdMs, container.createdMs);
    });
  const networks = context.networks.of(container.id);
  return (
    filters.some("id", (value) => container.id.startsWith(value)) &&
    filters.some("name", (value) => nameMatches(value, container.name)) &&
    filters.some("status", (value) => value === container.status) &&
    filters.some("exited", (value) => container.status === "exited" && container.exitCode === Number(value)) &&
    filters.some("health", (value) => value === (container.health?.status ?? "none")) &&
    filters.some("is-task", (value) => !["1", "true"].includes(value)) &&
    filters.labels(spec.config.Labels) &&
    filters.some("ancestor", (value) => isAncestor(context, value, container)) &&
    filters.some("volume", (value) =>
      spec.mounts.some((mount) => mount.target === value || mount.volume?.name === value),
    ) &&
    filters.some("network", (value) =>
      networks.some((network) => network.name === value || network.id.startsWith(value)),
    ) &&
    filters.some("publish", (value) =>
      [...(container.run?.hostPorts.values() ?? [])].some((port) => value.split("/")[0] === String(port)),
    ) &&
    filters.some("expose", (value) =>
      Object.keys(spec.config.ExposedPorts ?? {}).some((port) => port === value || port.split("/")[0] === value),
    ) &&
    compared("before", (other, own) => own < other) &&
    compared("since", (other, own) => own > other)
  );
}

/** Docker takes the filter for a regular expression. */
function nameMatches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern).test(name) || new RegExp(pattern).test(`/${name}`);
  } catch {
    return name.includes(pattern);
  }
}

function isAncestor(context: BuilderContext, name: string, container: Container): boolean {
  const image = context.names.find(name);
  if (!image) return false;
  const own = container.spec.image;
  return (
    own.id === image.id ||
    (image.layers.every((layer, at) => own.layers[at]?.chainId === layer.chainId) && image.layers.length > 0)
  );
}

const MODIFIED = 0;
const ADDED = 1;
const DELETED = 2;

/** `docker diff`: what the container wrote, against its image. */
async function changes(call: ApiCall): Promise<void> {
  const container = requestedContainer(call);
  const image = call.context.store.root(container.spec.image.layers);
  const found: { Path: string; Kind: number }[] = [];
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(container.upperDir, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      const stats = await lstatOrUndefined(join(container.upperDir, path));
      if (!stats) continue;
      // Overlayfs' mark of a deleted path.
      if (stats.isCharacterDevice() && stats.rdev === 0) {
        found.push({ Path: `/${path}`, Kind: DELETED });
        continue;
      }
      found.push({ Path: `/${path}`, Kind: (await image.lookup(path)) ? MODIFIED : ADDED });
      if (entry.isDirectory()) await walk(path);
    }
  };
  await walk("");
  found.sort((a, b) => (a.Path < b.Path ? -1 : 1));
  sendJson(call.response, 200, found.length === 0 ? null : found);
}

export const inspectRoutes: readonly ApiRoute[] = [
  { method: "GET", pattern: /^\/containers\/json$/, handle: list },
  // `docker inspect` asks with an image's name, slashes and all.
  { method: "GET", pattern: /^\/containers\/(.+)\/json$/, handle: inspect },
  { method: "GET", pattern: /^\/containers\/([^/]+)\/changes$/, handle: changes },
];
