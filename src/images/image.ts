/**
 * Images of the embedded builder: a config blob and its layers' records.
 * Source: https://github.com/opencontainers/image-spec/blob/main/config.md and docker's image config, which adds
 * Healthcheck, Shell and OnBuild.
 */
import { createHash } from "node:crypto";
import { chainIdOf, type LayerRecord, type LayerStore } from "./layer-store.ts";

/** Wire shape: docker's member names. */
export interface RunConfig {
  User?: string;
  ExposedPorts?: Record<string, Record<string, never>>;
  Env?: string[];
  Entrypoint?: string[] | null;
  Cmd?: string[] | null;
  Volumes?: Record<string, Record<string, never>>;
  WorkingDir?: string;
  Labels?: Record<string, string>;
  StopSignal?: string;
  Healthcheck?: Healthcheck;
  ArgsEscaped?: boolean;
  Shell?: string[];
  OnBuild?: string[];
}

/** Times in nanoseconds. */
export interface Healthcheck {
  Test: string[];
  Interval?: number;
  Timeout?: number;
  StartPeriod?: number;
  StartInterval?: number;
  Retries?: number;
}

export interface HistoryEntry {
  created: string;
  created_by: string;
  author?: string;
  comment?: string;
  empty_layer?: boolean;
}

/** Wire shape: the config blob of an image. */
export interface ImageConfig {
  architecture: string;
  os: string;
  variant?: string;
  created: string;
  author?: string;
  config: RunConfig;
  history: HistoryEntry[];
  rootfs: { type: "layers"; diff_ids: string[] };
}

export interface Image {
  /** `sha256:…` of the config blob. */
  readonly id: string;
  readonly config: ImageConfig;
  /** Bottom first. */
  readonly layers: readonly LayerRecord[];
}

/** `amd64`, `arm64`, … as images say it. */
export const imageArchitecture = (): string =>
  ({ x64: "amd64", ia32: "386", arm: "arm" })[process.arch as string] ?? process.arch;

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export const scratchConfig = (created: string): ImageConfig => ({
  architecture: imageArchitecture(),
  os: "linux",
  created,
  config: {},
  history: [],
  rootfs: { type: "layers", diff_ids: [] },
});

export function imageOf(config: ImageConfig, layers: readonly LayerRecord[]): Image {
  return { id: `sha256:${createHash("sha256").update(configBytes(config)).digest("hex")}`, config, layers };
}

export const configBytes = (config: ImageConfig): Buffer => Buffer.from(JSON.stringify(config));

/** Keeps the config; the layers are kept already. */
export async function saveImage(store: LayerStore, image: Image): Promise<void> {
  await store.putBlob(configBytes(image.config));
}

/** Records of the layers a config names, or undefined when one is missing. */
export async function findLayers(store: LayerStore, diffIds: readonly string[]): Promise<LayerRecord[] | undefined> {
  const layers: LayerRecord[] = [];
  for (const diffId of diffIds) {
    const layer = await store.find(chainIdOf(layers.at(-1)?.chainId, diffId));
    if (!layer) return undefined;
    layers.push(layer);
  }
  return layers;
}

/** Bytes of an image's files, those counted twice that a layer has again. */
export const imageSizeBytes = (image: Image): number =>
  image.layers.reduce((total, layer) => total + layer.sizeBytes, 0);

/** The environment as a map; later entries win. */
export function environmentOf(config: RunConfig): Record<string, string> {
  return Object.fromEntries(
    (config.Env ?? []).map((entry) => {
      const at = entry.indexOf("=");
      return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
    }),
  );
}

export interface ImageUser {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  /** Further groups that /etc/group names the user in; none when the group was given. */
  readonly groups: readonly number[];
}

/** `user`, `uid`, `user:group`, `uid:gid` by the image's own /etc/passwd and /etc/group; numbers need no entry. */
export function ownerFrom(spec: string, passwd: string, group: string): ImageUser {
  const [user = "", wantedGroup] = spec.split(":", 2);
  const rows = passwd
    .split("\n")
    .map((line) => line.split(":"))
    .filter((fields) => fields.length > 2);
  const row =
    rows.find((fields) => fields[0] === (user || "root")) ?? rows.find((fields) => fields[2] === (user || "0"));
  const isNumber = /^\d+$/.test(user);
  if (!row && !isNumber && user !== "")
    throw new Error(`unable to find user ${user}: no matching entries in passwd file`);
  const uid = idFrom(row?.[2] ?? (isNumber ? user : "0"));
  let gid = idFrom(row?.[3] ?? "0");
  if (wantedGroup !== undefined && wantedGroup !== "") {
    const groupRow = group
      .split("\n")
      .map((line) => line.split(":"))
      .find((fields) => fields[0] === wantedGroup);
    if (!groupRow && !/^\d+$/.test(wantedGroup)) {
      throw new Error(`unable to find group ${wantedGroup}: no matching entries in group file`);
    }
    gid = idFrom(groupRow?.[2] ?? wantedGroup);
  }
  const name = row?.[0] ?? (uid === 0 ? "root" : undefined);
  const members = group.split("\n").map((line) => line.split(":"));
  const groups =
    wantedGroup !== undefined && wantedGroup !== ""
      ? []
      : members.flatMap(([, , id = "", users = ""]) =>
          name !== undefined && users.split(",").includes(name) && /^\d+$/.test(id) && idFrom(id) !== gid
            ? [idFrom(id)]
            : [],
        );
  return { uid, gid, home: row?.[5] || "/", groups };
}

const MAX_ID = 2 ** 31 - 1;

/** What is no number counts as 0, as in docker; the largest of 32 bits would mean "as before", which is root. */
function idFrom(text: string): number {
  const id = /^\d+$/.test(text) ? Number(text) : 0;
  if (id > MAX_ID) throw new Error(`uids and gids must be in range 0-${MAX_ID}`);
  return id;
}
