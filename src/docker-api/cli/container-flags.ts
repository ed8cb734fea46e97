/** Flags of `docker run` and `docker create`, and the body of `POST /containers/create` that they make. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { argumentsOf, bytesOfSize, ulimitOf } from "./build-flags.ts";
import type { CliCommand } from "./cli-command.ts";
import { type FlagSpec, flagOf, isSet, listOf, type ParsedFlags, UsageError } from "./flags.ts";

const bool = (name: string, short?: string): FlagSpec => ({
  name,
  kind: "bool",
  ...(short !== undefined && { short }),
});
const text = (name: string, short?: string): FlagSpec => ({
  name,
  kind: "string",
  ...(short !== undefined && { short }),
});
const list = (name: string, short?: string): FlagSpec => ({
  name,
  kind: "list",
  ...(short !== undefined && { short }),
});

export const CONTAINER_FLAGS: readonly FlagSpec[] = [
  ...[bool("rm"), bool("interactive", "i"), bool("tty", "t"), bool("privileged"), bool("read-only"), bool("init")],
  ...[bool("publish-all", "P"), bool("no-healthcheck"), bool("quiet", "q"), bool("oom-kill-disable")],
  ...[bool("disable-content-trust"), list("attach", "a"), list("env", "e"), list("env-file"), list("label", "l")],
  ...[list("volume", "v"), list("mount"), list("tmpfs"), list("volumes-from"), list("add-host"), list("publish", "p")],
  ...[list("expose"), list("link"), list("network-alias"), list("net-alias"), list("ulimit"), list("cap-add")],
  ...[list("cap-drop"), list("device"), list("security-opt"), list("dns"), list("log-opt"), list("group-add")],
  ...[text("workdir", "w"), text("user", "u"), text("entrypoint"), text("name"), text("network"), text("net")],
  ...[text("hostname", "h"), text("restart"), text("memory", "m"), text("memory-swap"), text("cpus")],
  ...[text("cpu-shares", "c"), text("cpuset-cpus"), text("pids-limit"), text("shm-size"), text("stop-signal")],
  ...[text("stop-timeout"), text("pid"), text("ipc"), text("uts"), text("userns"), text("runtime"), text("platform")],
  ...[text("pull"), text("log-driver"), text("cidfile"), text("health-cmd"), text("health-interval")],
  ...[text("health-timeout"), text("health-retries"), text("health-start-period"), text("gpus")],
];

/** Wire shape. Throws `UsageError` with docker's text for a value that is none. */
export async function containerBody(
  command: CliCommand,
  parsed: ParsedFlags,
  image: string,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  const get = (name: string): string | undefined => flagOf(parsed, name);
  const all = (name: string): readonly string[] => listOf(parsed, name);
  if (get("gpus") !== undefined) throw new Error("kiln's docker does not do --gpus");
  const entrypoint = get("entrypoint");
  const network = get("network") ?? get("net") ?? "default";
  const aliases = [...all("network-alias"), ...all("net-alias")];
  const isInteractive = isSet(parsed, "interactive");
  const ports = portsOf(all("publish"), all("expose"));
  const [restart = "no", retries] = (get("restart") ?? "no").split(":");
  return {
    Image: image,
    Cmd: args.length > 0 ? args : null,
    Entrypoint: entrypoint === undefined ? null : entrypoint === "" ? [""] : [entrypoint],
    Env: await environmentOf(command, parsed),
    WorkingDir: get("workdir") ?? "",
    User: get("user") ?? "",
    Hostname: get("hostname") ?? "",
    Labels: argumentsOf(
      all("label").map((label) => (label.includes("=") ? label : `${label}=`)),
      {},
    ),
    OpenStdin: isInteractive,
    StdinOnce: isInteractive,
    AttachStdin: isInteractive,
    AttachStdout: true,
    AttachStderr: true,
    Tty: isSet(parsed, "tty"),
    ExposedPorts: ports.exposed,
    ...(get("stop-signal") !== undefined && { StopSignal: get("stop-signal") }),
    ...(get("stop-timeout") !== undefined && { StopTimeout: Number(get("stop-timeout")) }),
    ...healthOf(parsed),
    HostConfig: {
      AutoRemove: isSet(parsed, "rm"),
      Privileged: isSet(parsed, "privileged"),
      NetworkMode: network,
      Binds: all("volume").map((volume) => bindOf(command, volume)),
      Mounts: all("mount").map((mount) => mountOf(command, mount)),
      Tmpfs: Object.fromEntries(
        all("tmpfs").map((entry) => [entry.split(":")[0], entry.split(":").slice(1).join(":")]),
      ),
      VolumesFrom: all("volumes-from"),
      ReadonlyRootfs: isSet(parsed, "read-only"),
      ...(isSet(parsed, "init") && { Init: true }),
      ExtraHosts: all("add-host"),
      Links: all("link"),
      Ulimits: all("ulimit").map(ulimitOf),
      CapAdd: all("cap-add"),
      CapDrop: all("cap-drop"),
      Devices: all("device").map((path) => ({ PathOnHost: path.split(":")[0] })),
      SecurityOpt: all("security-opt"),
      PortBindings: ports.bindings,
      PublishAllPorts: isSet(parsed, "publish-all"),
      RestartPolicy: { Name: restart, MaximumRetryCount: Number(retries ?? 0) },
      ...sized("Memory", get("memory")),
      ...sized("ShmSize", get("shm-size")),
      ...(get("cpus") !== undefined && { NanoCpus: Math.round(Number(get("cpus")) * 1e9) }),
      ...(get("cpu-shares") !== undefined && { CpuShares: Number(get("cpu-shares")) }),
      ...(get("cpuset-cpus") !== undefined && { CpusetCpus: get("cpuset-cpus") }),
      ...(get("pids-limit") !== undefined && { PidsLimit: Number(get("pids-limit")) }),
      ...{ PidMode: get("pid") ?? "", IpcMode: get("ipc") ?? "", UTSMode: get("uts") ?? "" },
      ...{ UsernsMode: get("userns") ?? "", Runtime: get("runtime") ?? "" },
    },
    ...(aliases.length > 0 && { NetworkingConfig: { EndpointsConfig: { [network]: { Aliases: aliases } } } }),
  };
}

const sized = (name: string, value: string | undefined): Record<string, number> =>
  value === undefined ? {} : { [name]: bytesOfSize(value) };

/** `-e` wins over `--env-file`; a name without a value is taken from our own variables, and left out when unset. */
async function environmentOf(command: CliCommand, parsed: ParsedFlags): Promise<string[]> {
  const entries: string[] = [];
  for (const file of listOf(parsed, "env-file")) {
    const lines = await readFile(resolve(command.workingDirectory, file), "utf8").catch(() => {
      throw new Error(`open ${file}: no such file or directory`);
    });
    entries.push(
      ...lines
        .split("\n")
        .map((line) => line.trimStart().replace(/\r$/, ""))
        .filter((line) => line !== "" && !line.startsWith("#")),
    );
  }
  entries.push(...listOf(parsed, "env"));
  return Object.entries(argumentsOf(entries, command.environment)).map(([name, value]) => `${name}=${value}`);
}

/** Relative sources are the caller's, as in newer clients. */
function bindOf(command: CliCommand, volume: string): string {
  const [source = "", ...rest] = volume.split(":");
  return rest.length > 0 && /^\.{1,2}(?:\/|$)/.test(source)
    ? [resolve(command.workingDirectory, source), ...rest].join(":")
    : volume;
}

/** `type=bind,source=…,target=…,readonly` */
function mountOf(command: CliCommand, mount: string): Record<string, unknown> {
  const fields = new Map(
    mount.split(",").map((part) => [part.split("=")[0]?.toLowerCase() ?? "", part.split("=").slice(1).join("=")]),
  );
  const get = (...names: string[]): string | undefined =>
    names.map((name) => fields.get(name)).find((value) => value !== undefined);
  const known = [
    "type",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "tmpfs-size",
    "tmpfs-mode",
    "bind-propagation",
    "volume-nocopy",
    "consistency",
  ];
  const unknown = [...fields.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`invalid argument "${mount}" for "--mount" flag: unexpected key '${unknown}' in '${mount}'`);
  const target = get("target", "dst", "destination");
  if (target === undefined) throw new UsageError(`invalid argument "${mount}" for "--mount" flag: target is required`);
  const type = get("type") ?? "volume";
  const source = get("source", "src") ?? "";
  const readOnly = get("readonly", "ro");
  const size = get("tmpfs-size");
  return {
    Type: type,
    Source: type === "bind" ? resolve(command.workingDirectory, source) : source,
    Target: target,
    ReadOnly: readOnly !== undefined && !["false", "0"].includes(readOnly),
    ...(type === "tmpfs" && {
      TmpfsOptions: {
        ...(size !== undefined && { SizeBytes: bytesOfSize(size) }),
        ...(get("tmpfs-mode") !== undefined && { Mode: Number.parseInt(get("tmpfs-mode") ?? "", 8) }),
      },
    }),
  };
}

/** `[[address:]hostPort:]port[/protocol]` */
function portsOf(
  published: readonly string[],
  exposed: readonly string[],
): { exposed: Record<string, object>; bindings: Record<string, { HostIp: string; HostPort: string }[]> } {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const entry of published) {
    const [, address = "", hostPort = "", port, protocol = "tcp"] =
      /^(?:(?:(\[[^\]]*\]|[\d.]*):)?(\d*):)?(\d+)(?:\/(\w+))?$/.exec(entry) ?? [];
    if (port === undefined)
      throw new UsageError(`invalid argument "${entry}" for "-p, --publish" flag: invalid containerPort: ${entry}`);
    const key = `${port}/${protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: address, HostPort: hostPort }];
  }
  const keys = [...Object.keys(bindings), ...exposed.map((port) => (port.includes("/") ? port : `${port}/tcp`))];
  return { exposed: Object.fromEntries(keys.map((key) => [key, {}])), bindings };
}

function healthOf(parsed: ParsedFlags): Record<string, unknown> {
  if (isSet(parsed, "no-healthcheck")) return { Healthcheck: { Test: ["NONE"] } };
  const command = flagOf(parsed, "health-cmd");
  if (command === undefined) return {};
  const time = (name: string): number => nanoseconds(flagOf(parsed, name) ?? "0s");
  return {
    Healthcheck: {
      Test: ["CMD-SHELL", command],
      Interval: time("health-interval"),
      Timeout: time("health-timeout"),
      StartPeriod: time("health-start-period"),
      Retries: Number(flagOf(parsed, "health-retries") ?? 0),
    },
  };
}

/** Go's durations, e.g. `1m30s`. */
function nanoseconds(duration: string): number {
  const units: Readonly<Record<string, number>> = { h: 3600e9, m: 60e9, s: 1e9, ms: 1e6, us: 1e3, ns: 1 };
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)(h|ms|us|ns|m|s)/g)];
  return parts.reduce((total, [, number = "0", unit = "s"]) => total + Number(number) * (units[unit] ?? 0), 0);
}
