/** An image as `docker save` gives it, in a form that can be compared between builders: ids and times of the run left out. */
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { type TarMember, tarMembers } from "./tar-entries.ts";

/** What every file of a context has as its modification time. */
export const CONTEXT_MTIME_SECONDS = 1_600_000_000;

/** Wire shape of an image's configuration, what is compared of it. */
export interface ImageConfigJson {
  readonly architecture?: string;
  readonly os?: string;
  readonly author?: string;
  readonly config?: Readonly<Record<string, unknown>> | null;
  readonly history?: readonly {
    readonly created_by?: string;
    readonly comment?: string;
    readonly author?: string;
    readonly empty_layer?: boolean;
  }[];
  readonly rootfs?: { readonly diff_ids?: readonly string[] };
}

/** One file in one line: type, mode, owner, size, time, target or content. */
export type FileLine = string;

export interface ComparableImage {
  readonly config: Readonly<Record<string, unknown>>;
  readonly history: readonly string[];
  /** Of each layer: path to line; removals are `removed`, emptied folders `emptied`. */
  readonly layers: readonly ReadonlyMap<string, FileLine>[];
  /** What a container of it sees. */
  readonly files: ReadonlyMap<string, FileLine>;
}

export function readSavedImage(archive: Buffer): ComparableImage {
  const members = new Map(tarMembers(archive).map((member) => [member.name, member]));
  const content = (name: string): Buffer => {
    const member = members.get(name);
    if (!member) throw new Error(`the archive lacks ${name}`);
    // Older engines link a layer that they wrote before.
    if (member.type !== "symlink") return member.content;
    return content(new URL(member.linkName, `file:///${name}`).pathname.slice(1));
  };
  const [manifest] = JSON.parse(content("manifest.json").toString("utf8")) as { Config: string; Layers: string[] }[];
  if (!manifest) throw new Error("the archive holds no image");
  const config = JSON.parse(content(manifest.Config).toString("utf8")) as ImageConfigJson;
  const layers = manifest.Layers.map((name) => {
    const bytes = content(name);
    return tarMembers(bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes);
  });
  return {
    config: comparableConfig(config),
    history: (config.history ?? []).map(comparableHistory),
    layers: layers.map((layer) => new Map(layer.map((member) => [pathOf(member.name), lineOf(member, layer)]))),
    files: flattened(layers),
  };
}

const pathOf = (name: string): string => `/${name.replace(/^\.?\//, "").replace(/\/$/, "")}`;

function lineOf(member: TarMember, layer: readonly TarMember[]): FileLine {
  const name = pathOf(member.name);
  const base = name.slice(name.lastIndexOf("/") + 1);
  if (base === ".wh..wh..opq") return "emptied";
  if (base.startsWith(".wh.")) return "removed";
  return describe(member, member.type === "link" ? targetOf(member, layer) : member);
}

const targetOf = (link: TarMember, layer: readonly TarMember[]): TarMember =>
  layer.find((member) => member.type === "file" && pathOf(member.name) === pathOf(link.linkName)) ?? link;

function describe(member: TarMember, of: TarMember): FileLine {
  const isContext = of.mtimeSeconds === CONTEXT_MTIME_SECONDS;
  const time = member.type === "dir" ? "" : isContext ? " as-in-context" : of.mtimeSeconds <= 0 ? " epoch" : "";
  const kind = member.type === "link" ? "file" : member.type;
  const content =
    kind === "file"
      ? ` ${of.content.length} ${createHash("sha256").update(of.content).digest("hex").slice(0, 12)}`
      : kind === "symlink"
        ? ` -> ${member.linkName}`
        : "";
  const attributes = Object.entries(member.attributes)
    .filter(([key]) => !key.startsWith("trusted.overlay") && !key.startsWith("user.overlay"))
    .map(([key, value]) => ` ${key}=${value}`)
    .join("");
  const mode = kind === "symlink" ? "" : ` ${of.mode.toString(8).padStart(4, "0")}`;
  return `${kind}${mode} ${of.uid}:${of.gid}${content}${time}${attributes}`;
}

/** Layers applied one above the other, as https://github.com/opencontainers/image-spec/blob/main/layer.md says. */
function flattened(layers: readonly (readonly TarMember[])[]): Map<string, FileLine> {
  const files = new Map<string, FileLine>();
  /** Names of one file in each layer: hard links stay visible as the same set. */
  const linked = new Map<string, string>();
  const removeBelow = (path: string): void => {
    for (const known of files.keys()) if (known.startsWith(path === "/" ? "/" : `${path}/`)) files.delete(known);
  };
  for (const layer of layers) {
    for (const member of layer) {
      const path = pathOf(member.name);
      const slash = path.lastIndexOf("/");
      const base = path.slice(slash + 1);
      const folder = path.slice(0, slash) || "/";
      if (base === ".wh..wh..opq") removeBelow(folder);
      else if (base.startsWith(".wh.")) {
        const gone = `${folder === "/" ? "" : folder}/${base.slice(4)}`;
        files.delete(gone);
        removeBelow(gone);
      }
    }
    for (const member of layer) {
      const path = pathOf(member.name);
      if (path.slice(path.lastIndexOf("/") + 1).startsWith(".wh.") || path === "/") continue;
      if (member.type !== "dir") removeBelow(path);
      files.set(path, lineOf(member, layer));
      if (member.type === "link") linked.set(path, pathOf(member.linkName));
      else linked.delete(path);
    }
  }
  for (const [path, first] of linked) {
    const [line, firstLine] = [files.get(path), files.get(first)];
    // Which of the names comes first is the archiver's choice.
    if (line === undefined || firstLine === undefined) continue;
    files.set(path, `${line.replace(/ linked$/, "")} linked`);
    files.set(first, `${firstLine.replace(/ linked$/, "")} linked`);
  }
  return files;
}

/** Members that say nothing when they are absent, empty or of the run. */
function comparableConfig(image: ImageConfigJson): Record<string, unknown> {
  const shown: Record<string, unknown> = { architecture: image.architecture, os: image.os };
  if (image.author) shown["author"] = image.author;
  for (const [key, value] of Object.entries(image.config ?? {})) {
    if (["Hostname", "Domainname", "Image", "AttachStdin", "AttachStdout", "AttachStderr"].includes(key)) continue;
    const isNothing =
      value === null ||
      value === "" ||
      value === false ||
      (typeof value === "object" && Object.keys(value).length === 0);
    if (!isNothing) shown[key] = sorted(value);
  }
  return shown;
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** What newer engines, whose form is ours, write more than Docker 20.10 does. */
function asOlder(by: string, comment: string | undefined): string {
  // StartInterval, the fourth of the times.
  const text = by.replace(/(HEALTHCHECK &\{\[.*\](?: "[^"]*"){3}) "0s"/, "$1");
  if (comment === undefined) return text;
  return text.replace(/^(COPY|ADD)(?: --[a-z]+=\S+)+/, "$1").replace(/^(ARG \w+)=.*/, "$1");
}

function comparableHistory(entry: NonNullable<ImageConfigJson["history"]>[number]): string {
  // The engine's own checksum of what was copied, and the id of the image it came from.
  const by = asOlder((entry.created_by ?? "").replace(/(file|dir|multi):[0-9a-f]{64}\b/g, "$1:SUM"), entry.comment);
  return [entry.empty_layer ? "no layer" : "layer", by, entry.comment, entry.author]
    .filter((part) => part !== undefined && part !== "")
    .join(" | ");
}
