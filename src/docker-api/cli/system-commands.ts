/** `docker version`, `info`, `system df`, `events`. */
import { humanSize } from "../human-units.ts";
import { streamMessages } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { flagOf, isSet, listOf, parseFlags } from "./flags.ts";
import { renderTemplate } from "./go-template.ts";
import { filtersQuery, printList } from "./listing.ts";

export const CLIENT_VERSION = "28.0.0-kiln";
const CLIENT_API_VERSION = "1.43";
const FORMAT = { name: "format", short: "f", kind: "string" } as const;

interface ServerVersion {
  readonly Platform?: { readonly Name?: string };
  readonly Version?: string;
  readonly ApiVersion?: string;
  readonly MinAPIVersion?: string;
  readonly Os?: string;
  readonly Arch?: string;
}

/** The client's part is printed also when no daemon answers. */
export async function version(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [FORMAT]);
  const format = flagOf(parsed, "format");
  const client = { Version: CLIENT_VERSION, APIVersion: CLIENT_API_VERSION, Os: process.platform, Arch: process.arch };
  if (format !== undefined) {
    const server = await command.api.json<ServerVersion>("GET", "/version");
    const object = { Client: client, Server: { ...server, APIVersion: server.ApiVersion } };
    command.stdout.write(`${format === "json" ? JSON.stringify(object) : renderTemplate(format, object)}\n`);
    return 0;
  }
  command.stdout.write(
    `Client: Kiln\n Version:           ${CLIENT_VERSION}\n API version:       ${CLIENT_API_VERSION}\n`,
  );
  const server = await command.api.json<ServerVersion>("GET", "/version");
  command.stdout.write(
    `\nServer: ${server.Platform?.Name ?? ""}\n Engine:\n  Version:          ${server.Version}\n  API version:      ${server.ApiVersion} (minimum version ${server.MinAPIVersion})\n  OS/Arch:          ${server.Os}/${server.Arch}\n`,
  );
  return 0;
}

export async function info(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [FORMAT]);
  const format = flagOf(parsed, "format");
  const found = await command.api.json<Record<string, unknown>>("GET", "/info");
  if (format !== undefined) {
    command.stdout.write(`${format === "json" ? JSON.stringify(found) : renderTemplate(format, found)}\n`);
    return 0;
  }
  command.stdout.write(`Client: Kiln\n Version:    ${CLIENT_VERSION}\n\nServer:\n`);
  for (const [label, key] of [
    ["Containers", "Containers"],
    [" Running", "ContainersRunning"],
    [" Paused", "ContainersPaused"],
    [" Stopped", "ContainersStopped"],
    ["Images", "Images"],
    ["Server Version", "ServerVersion"],
    ["Storage Driver", "Driver"],
    ["Kernel Version", "KernelVersion"],
    ["Operating System", "OperatingSystem"],
    ["OSType", "OSType"],
    ["Architecture", "Architecture"],
    ["CPUs", "NCPU"],
    ["Name", "Name"],
    ["Docker Root Dir", "DockerRootDir"],
  ] as const) {
    command.stdout.write(` ${label}: ${String(found[key] ?? "")}\n`);
  }
  for (const warning of (found["Warnings"] as string[] | null) ?? []) command.stderr.write(`${warning}\n`);
  return 0;
}

interface DiskUsage {
  readonly LayersSize: number;
  readonly Images: readonly { Size: number; Containers: number }[] | null;
  readonly Containers: readonly { SizeRw?: number; State: string }[] | null;
  readonly Volumes: readonly { UsageData?: { Size: number; RefCount: number } }[] | null;
  readonly BuildCache: readonly { Size: number; InUse: boolean }[] | null;
}

export async function diskUsage(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [FORMAT, { name: "verbose", short: "v", kind: "bool" }]);
  if (isSet(parsed, "verbose")) throw new Error("kiln's docker does not do `system df -v`");
  const used = await command.api.json<DiskUsage>("GET", "/system/df");
  const [images, containers, volumes, cache] = [
    used.Images ?? [],
    used.Containers ?? [],
    used.Volumes ?? [],
    used.BuildCache ?? [],
  ];
  const row = (type: string, all: readonly { bytes: number; isActive: boolean }[], total?: number) => {
    const bytes = total ?? all.reduce((sum, one) => sum + one.bytes, 0);
    const free = all.filter((one) => !one.isActive).reduce((sum, one) => sum + one.bytes, 0);
    const share = bytes > 0 ? ` (${Math.floor((free * 100) / bytes)}%)` : "";
    return {
      id: type,
      fields: {
        Type: type,
        TotalCount: String(all.length),
        Active: String(all.filter((one) => one.isActive).length),
        Size: humanSize(bytes, 4),
        Reclaimable: `${humanSize(free, 4)}${share}`,
      },
    };
  };
  const rows = [
    row(
      "Images",
      images.map(({ Size, Containers }) => ({ bytes: Size, isActive: Containers > 0 })),
      used.LayersSize,
    ),
    row(
      "Containers",
      containers.map(({ SizeRw, State }) => ({ bytes: SizeRw ?? 0, isActive: State === "running" })),
    ),
    row(
      "Local Volumes",
      volumes.map(({ UsageData }) => ({ bytes: UsageData?.Size ?? 0, isActive: (UsageData?.RefCount ?? 0) > 0 })),
    ),
    row(
      "Build Cache",
      cache.map(({ Size, InUse }) => ({ bytes: Size, isActive: InUse })),
    ),
  ];
  const columns = [
    ["TYPE", "Type"],
    ["TOTAL", "TotalCount"],
    ["ACTIVE", "Active"],
    ["SIZE", "Size"],
    ["RECLAIMABLE", "Reclaimable"],
  ] as const;
  printList(command, parsed, columns, rows);
  return 0;
}

export async function events(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "filter", short: "f", kind: "list" },
    { name: "format", kind: "string" },
    { name: "since", kind: "string" },
    { name: "until", kind: "string" },
  ]);
  const query = ["since", "until"].flatMap((name) =>
    flagOf(parsed, name) ? [`${name}=${encodeURIComponent(flagOf(parsed, name) ?? "")}`] : [],
  );
  const filters = filtersQuery(listOf(parsed, "filter"));
  const response = await command.api.send(
    "GET",
    `/events?${[...query, filters].filter((part) => part !== "").join("&")}`,
  );
  const format = flagOf(parsed, "format");
  for await (const message of streamMessages(response)) {
    const event = message as unknown as {
      Type: string;
      Action: string;
      Actor: { ID: string; Attributes: Record<string, string> };
      timeNano: number;
    };
    if (format !== undefined) {
      command.stdout.write(`${format === "json" ? JSON.stringify(event) : renderTemplate(format, event)}\n`);
      continue;
    }
    const attributes = Object.entries(event.Actor.Attributes)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => `${name}=${value}`);
    const time = new Date(event.timeNano / 1e6).toISOString().replace("Z", "000000Z");
    command.stdout.write(`${time} ${event.Type} ${event.Action} ${event.Actor.ID} (${attributes.join(", ")})\n`);
  }
  return 0;
}
