/** `docker … prune` and `docker system prune`. Without a terminal docker asks all the same, and takes no answer for no. */
import { humanSize } from "../human-units.ts";
import type { CliCommand } from "./cli-command.ts";
import { type FlagSpec, isSet, listOf, parseFlags } from "./flags.ts";

const FLAGS: readonly FlagSpec[] = [
  { name: "force", short: "f", kind: "bool" },
  { name: "all", short: "a", kind: "bool" },
  { name: "volumes", kind: "bool" },
  { name: "filter", kind: "list" },
];

interface Pruned {
  readonly ContainersDeleted?: string[] | null;
  readonly ImagesDeleted?: { Untagged?: string; Deleted?: string }[] | null;
  readonly NetworksDeleted?: string[] | null;
  readonly VolumesDeleted?: string[] | null;
  readonly CachesDeleted?: string[] | null;
  readonly SpaceReclaimed?: number;
}

type Kind = "containers" | "images" | "networks" | "volumes" | "build";

const HEADINGS = {
  containers: "Deleted Containers:",
  images: "Deleted Images:",
  networks: "Deleted Networks:",
  volumes: "Deleted Volumes:",
  build: "Deleted build cache objects:",
} as const;

/** Returns the bytes that came free. */
async function pruneOne(command: CliCommand, kind: Kind, all: boolean, given: readonly string[]): Promise<number> {
  const filters: Record<string, string[]> = {};
  for (const entry of given) {
    const [name = "", ...value] = entry.split("=");
    filters[name] = [...(filters[name] ?? []), value.join("=")];
  }
  if (kind === "images") filters["dangling"] = [all ? "false" : "true"];
  if (kind === "volumes" && all) filters["all"] = ["true"];
  const query = new URLSearchParams({ filters: JSON.stringify(filters), ...(kind === "build" && all && { all: "1" }) });
  const pruned = await command.api.json<Pruned>("POST", `/${kind}/prune?${query}`);
  const lines =
    kind === "images"
      ? (pruned.ImagesDeleted ?? []).map((one) =>
          one.Untagged === undefined ? `deleted: ${one.Deleted}` : `untagged: ${one.Untagged}`,
        )
      : (pruned.ContainersDeleted ?? pruned.NetworksDeleted ?? pruned.VolumesDeleted ?? pruned.CachesDeleted ?? []);
  if (lines.length > 0) command.stdout.write(`${HEADINGS[kind]}\n${lines.join("\n")}\n\n`);
  return pruned.SpaceReclaimed ?? 0;
}

/** Docker's question; its default is no. */
async function isAgreed(command: CliCommand, warning: string): Promise<boolean> {
  command.stdout.write(`${warning}\nAre you sure you want to continue? [y/N] `);
  let answer = "";
  for await (const chunk of command.stdin) {
    answer += String(chunk);
    if (answer.includes("\n")) break;
  }
  return /^y(es)?\s*$/i.test(answer.split("\n")[0] ?? "");
}

const WARNINGS: Readonly<Record<Kind, string>> = {
  containers: "WARNING! This will remove all stopped containers.",
  images: "WARNING! This will remove all dangling images.",
  networks: "WARNING! This will remove all custom networks not used by at least one container.",
  volumes: "WARNING! This will remove anonymous local volumes not used by at least one container.",
  build: "WARNING! This will remove all dangling build cache.",
};

const pruning =
  (kind: Kind) =>
  async (command: CliCommand): Promise<number> => {
    const parsed = parseFlags(command.args, [...FLAGS, { name: "keep-storage", kind: "string" }]);
    if (!isSet(parsed, "force") && !(await isAgreed(command, WARNINGS[kind]))) return 0;
    const bytes = await pruneOne(command, kind, isSet(parsed, "all"), listOf(parsed, "filter"));
    if (kind === "build") command.stdout.write(`Total:\t${humanSize(bytes, 4)}\n`);
    else if (kind !== "networks") command.stdout.write(`Total reclaimed space: ${humanSize(bytes, 4)}\n`);
    return 0;
  };

export const containerPrune = pruning("containers");
export const imagePrune = pruning("images");
export const networkPrune = pruning("networks");
export const volumePrune = pruning("volumes");
export const builderPrune = pruning("build");

export async function systemPrune(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, FLAGS);
  const all = isSet(parsed, "all");
  const what = [
    "all stopped containers",
    "all networks not used by at least one container",
    ...(isSet(parsed, "volumes") ? ["all anonymous volumes not used by at least one container"] : []),
    all ? "all images without at least one container associated to them" : "all dangling images",
    all ? "all build cache" : "unused build cache",
  ];
  const warning = `WARNING! This will remove:\n${what.map((line) => `  - ${line}`).join("\n")}\n`;
  if (!isSet(parsed, "force") && !(await isAgreed(command, warning))) return 0;
  const kinds: Kind[] = [
    "containers",
    "networks",
    ...(isSet(parsed, "volumes") ? (["volumes"] as const) : []),
    "images",
    "build",
  ];
  let bytes = 0;
  for (const kind of kinds)
    bytes += await pruneOne(command, kind, kind === "volumes" ? false : all, listOf(parsed, "filter"));
  command.stdout.write(`Total reclaimed space: ${humanSize(bytes, 4)}\n`);
  return 0;
}
