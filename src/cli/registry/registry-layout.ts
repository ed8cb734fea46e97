/**
 * `kiln registry export` and `import`: images as OCI layouts, a folder or a tar, with all platforms of an index and with
 * everything that refers to them (signatures, SBOMs). What is written is what was pushed, byte for byte.
 * Source: https://github.com/opencontainers/image-spec/blob/main/image-layout.md; names are kept in the annotation
 * `org.opencontainers.image.ref.name`, which other tools read as the tag and Kiln as the whole name.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Kiln } from "../../app.ts";
import { KilnError } from "../../core/errors.ts";
import { makeOwnedFolder, removeOrphans } from "../../core/owned-folders.ts";
import { readTar, TAR_END, tarHeader, tarPadding } from "../../images/index.ts";

const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
/** Of folders in the system's temporary folder. */
const UNPACKED_PREFIX = "kiln-layout-";
const NAME = "org.opencontainers.image.ref.name";
const LAYOUT = '{"imageLayoutVersion":"1.0.0"}';

interface LayoutDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

type Address = NonNullable<ReturnType<Kiln["registry"]["reference"]>>["address"];

/** One file of a layout. */
interface LayoutFile {
  readonly path: string;
  readonly size: number;
  content(): AsyncIterable<Uint8Array>;
}

/** Writes images, already looked up, to a folder or, when the path ends in `.tar`, a tar. Gives the number of blobs. */
export async function exportLayout(
  kiln: Kiln,
  images: readonly { readonly name: string; readonly address: Address; readonly root: LayoutDescriptor }[],
  path: string,
  signal: AbortSignal,
): Promise<number> {
  const blobs = new Map<string, LayoutDescriptor>();
  const roots: LayoutDescriptor[] = [];
  for (const { name, address, root } of images) {
    roots.push({ ...root, annotations: { [NAME]: name } });
    for (const found of [...(await reachable(kiln, address, root)).values()]) {
      blobs.set(found.digest, found);
      const isReferrer = found.annotations !== undefined;
      if (isReferrer && !roots.some(({ digest }) => digest === found.digest)) roots.push(plain(found));
    }
  }
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: roots });
  const files = [
    textFile("oci-layout", LAYOUT),
    textFile("index.json", index),
    ...[...blobs.values()].map((blob) => blobFile(kiln, blob)),
  ];
  if (path.endsWith(".tar")) await writeTar(path, files, signal);
  else for (const file of files) await writeInto(path, file, signal);
  return blobs.size;
}

/** Everything below `root`, itself included; manifests that only refer to something here carry `annotations`. */
async function reachable(kiln: Kiln, address: Address, root: LayoutDescriptor): Promise<Map<string, LayoutDescriptor>> {
  const { images } = kiln.registry;
  const found = new Map<string, LayoutDescriptor>();
  const waiting: LayoutDescriptor[] = [root];
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    if (found.has(next.digest)) continue;
    const isManifest = images.find(address, next.digest) !== undefined;
    // Layers that are fetched from elsewhere, and platforms that were never pushed, are not here.
    if (!isManifest && !kiln.store.blobs.hasNow(next.digest)) continue;
    found.set(next.digest, next);
    if (!isManifest) continue;
    waiting.push(...listed(await images.content(next.digest)));
    for (const { digest, record } of images.referrers(address, next.digest)) {
      waiting.push({ mediaType: record.mediaType, digest, size: record.sizeBytes, annotations: {} });
    }
  }
  return found;
}

const plain = ({ mediaType, digest, size }: LayoutDescriptor): LayoutDescriptor => ({ mediaType, digest, size });

/** What a manifest lists: config and layers, or the manifests of an index. */
function listed(content: Uint8Array): LayoutDescriptor[] {
  const json = JSON.parse(Buffer.from(content).toString("utf8")) as Record<string, unknown>;
  return [json["config"], json["layers"], json["manifests"]]
    .flat()
    .flatMap((item) => (item ? [plain(item as LayoutDescriptor)] : []));
}

const pathOf = (digest: string): string => join("blobs", ...digest.split(":"));

const textFile = (path: string, text: string): LayoutFile => ({
  path,
  size: Buffer.byteLength(text),
  content: () => Readable.from([Buffer.from(text)]),
});

const blobFile = (kiln: Kiln, { digest, size }: LayoutDescriptor): LayoutFile => ({
  path: pathOf(digest),
  size,
  content: () => kiln.store.blobs.read(digest) as AsyncIterable<Uint8Array>,
});

async function writeTar(path: string, files: readonly LayoutFile[], signal: AbortSignal): Promise<void> {
  const partial = `${path}.partial`;
  async function* bytes(): AsyncGenerator<Uint8Array> {
    for (const file of files) {
      const header = { type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;
      yield tarHeader({ ...header, name: file.path, sizeBytes: file.size });
      yield* file.content();
      yield tarPadding(file.size);
    }
    yield TAR_END;
  }
  try {
    await pipeline(bytes, createWriteStream(partial), { signal });
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

async function writeInto(folder: string, { path, content }: LayoutFile, signal: AbortSignal): Promise<void> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  await pipeline(content(), createWriteStream(target), { signal });
}

interface ImportedImage {
  readonly name: string;
  readonly digest: string;
}

/** Puts the images of a layout into the registry: all that have a name, or the only one under `as`. */
export async function importLayout(
  kiln: Kiln,
  path: string,
  as: string | undefined,
  signal: AbortSignal,
): Promise<ImportedImage[]> {
  const stats = await stat(path).catch(() => undefined);
  if (!stats) throw unreadable(path, "there is no such file or folder");
  if (stats.isDirectory()) return importFolder(kiln, path, path, as, signal);
  await removeOrphans(tmpdir(), UNPACKED_PREFIX);
  const folder = makeOwnedFolder(tmpdir(), UNPACKED_PREFIX);
  try {
    await unpack(path, folder, signal);
    return await importFolder(kiln, folder, path, as, signal);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Only what a layout is made of leaves the archive, under names made here. */
async function unpack(path: string, folder: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const entry of readTar(createReadStream(path, { signal }))) {
      const name = entry.name.replace(/^(?:\.\/)+/, "");
      const blob = /^blobs\/(sha256|sha512)\/([0-9a-f]{64}|[0-9a-f]{128})$/.exec(name);
      if (entry.type !== "file" || !(blob || name === "index.json" || name === "oci-layout")) continue;
      const target = join(folder, ...(blob ? ["blobs", blob[1] ?? "", blob[2] ?? ""] : [basename(name)]));
      await mkdir(dirname(target), { recursive: true });
      await pipeline(entry.body, createWriteStream(target), { signal });
    }
  } catch (error) {
    if ((error as Error).name === "TarError") throw unreadable(path, (error as Error).message);
    throw error;
  }
}

async function importFolder(
  kiln: Kiln,
  folder: string,
  shownPath: string,
  as: string | undefined,
  signal: AbortSignal,
): Promise<ImportedImage[]> {
  const text = await readFile(join(folder, "index.json"), "utf8").catch(() => undefined);
  if (text === undefined) throw unreadable(shownPath, "it has no `index.json`");
  const roots = parseIndex(text, shownPath);
  const named = roots.filter((root) => nameOf(root) !== undefined);
  if (as !== undefined && named.length > 1) {
    throw new KilnError({
      code: "KILN_E_LAYOUT_NAMES",
      message: `\`${shownPath}\` holds ${named.length} images, \`--as\` names one`,
      fix: [`import them under their own names: ${named.map((root) => `\`${nameOf(root)}\``).join(", ")}`],
      exitCode: 2,
    });
  }
  const chosen = as === undefined ? named : [named[0] ?? roots[0]].filter((root) => root !== undefined);
  if (chosen.length === 0) {
    throw new KilnError({
      code: "KILN_E_LAYOUT_NAMES",
      message: `no image in \`${shownPath}\` has a name`,
      fix: ["give one: `kiln registry import PATH --as NAME:TAG`"],
      exitCode: 2,
    });
  }
  const imported: ImportedImage[] = [];
  for (const root of chosen) {
    const name = as ?? nameOf(root) ?? "";
    const target = kiln.registry.reference(name);
    if (!target || target.reference.includes(":")) {
      throw new KilnError({
        code: "KILN_E_IMAGE_NAME",
        message: `\`${name}\` is not a name to import under; expected NAME:TAG`,
        fix: ["give one with `--as NAME:TAG`"],
        exitCode: 2,
      });
    }
    const reader = { kiln, address: target.address, folder, shownPath, signal };
    await putManifest(reader, root, target.reference);
    // What has no name refers to something: it comes along with each image, as it was exported.
    for (const other of roots) if (nameOf(other) === undefined && other !== root) await putManifest(reader, other);
    imported.push({ name: `${target.address.fullName}:${target.reference}`, digest: root.digest });
  }
  return imported;
}

const nameOf = (descriptor: LayoutDescriptor): string | undefined => descriptor.annotations?.[NAME];

function parseIndex(text: string, path: string): LayoutDescriptor[] {
  try {
    const manifests = (JSON.parse(text) as { manifests?: LayoutDescriptor[] }).manifests ?? [];
    if (manifests.every((each) => typeof each?.digest === "string")) return manifests;
  } catch {
    // Said below.
  }
  throw unreadable(path, "its `index.json` is not an OCI index");
}

interface LayoutReader {
  readonly kiln: Kiln;
  readonly address: Address;
  readonly folder: string;
  readonly shownPath: string;
  readonly signal: AbortSignal;
}

/** Puts a manifest after everything it lists. */
async function putManifest(reader: LayoutReader, descriptor: LayoutDescriptor, tag?: string): Promise<void> {
  const { kiln, address, folder, shownPath, signal } = reader;
  const { digest, mediaType } = descriptor;
  const file = join(folder, safePath(digest, shownPath));
  const { size } = await stat(file).catch(() => {
    throw unreadable(shownPath, `\`${digest}\` is missing`);
  });
  if (size > kiln.registry.maxManifestBytes) throw unreadable(shownPath, `the manifest \`${digest}\` is too large`);
  const content = await readFile(file);
  for (const child of listed(content)) {
    signal.throwIfAborted();
    const childFile = join(folder, safePath(child.digest, shownPath));
    // Left out by whoever made the layout; the registry says so if it may not be.
    if (!(await stat(childFile).catch(() => undefined))) continue;
    if (/\+json$/.test(child.mediaType) && /manifest|index/.test(child.mediaType)) await putManifest(reader, child);
    else await kiln.registry.images.storeBlob(address, child.digest, () => createReadStream(childFile), signal);
  }
  await kiln.registry.images.put(address, { content, mediaType, digest, tag });
}

function safePath(digest: unknown, shownPath: string): string {
  if (typeof digest === "string" && /^sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})$/.test(digest)) return pathOf(digest);
  throw unreadable(shownPath, `\`${String(digest)}\` is not a digest`);
}

const unreadable = (path: string, why: string): KilnError =>
  new KilnError({
    code: "KILN_E_LAYOUT",
    message: `\`${path}\` is not an OCI layout that can be read`,
    why,
    fix: ["`kiln images import` reads `docker save` archives too"],
    exitCode: 2,
  });
