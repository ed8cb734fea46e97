/**
 * Base images made of Debian packages, without root, engine or Docker Hub: `kiln images make python|node|busybox`.
 * Packages are unpacked, not configured: what their install scripts would do and builds need is done here (users,
 * certificates, `python`, /tmp). The packages' copyright files stay in the image.
 * Gap: no apt and no dpkg inside; the versions are those of the machine's Debian or Ubuntu release.
 */
import { join } from "node:path";
import type { Clock } from "../core/clock.ts";
import { systemClock } from "../core/clock.ts";
import { fetchPackages, packageCount, packageEntries } from "./debian-packages.ts";
import { DEFAULT_PATH, type Image, imageArchitecture, imageOf, type RunConfig, saveImage } from "./image.ts";
import { LayerStore } from "./layer-store.ts";
import type { LayerWriter } from "./layer-writer.ts";
import { components } from "./layered-root.ts";

export type BaseImageKind = "python" | "node" | "busybox";

export interface MakeBaseImageOptions {
  /** The builder's `imageStoreDir`: layers are kept there, so a FROM of the image needs no second unpacking. */
  readonly outputDir: string;
  onProgress(text: string): void;
  readonly signal: AbortSignal;
  readonly clock?: Clock;
}

export interface BaseImage {
  readonly image: Image;
  /** Name under which it is useful, e.g. `docker.io/library/python:3.11-slim`. Nothing is named without being asked. */
  readonly suggestedReference: string;
  readonly store: LayerStore;
}

/** Of unpacking: a handful, whatever the image. */
const MAX_PROGRESS_LINES = 6;
const SHELL_PACKAGES = [
  "dash",
  "bash",
  "coreutils",
  "grep",
  "sed",
  "findutils",
  "tar",
  "gzip",
  "libc-bin",
  "base-files",
  "debianutils",
];
const PACKAGES: Readonly<Record<BaseImageKind, readonly string[]>> = {
  python: [...SHELL_PACKAGES, "python3", "python3-pip", "python3-venv", "ca-certificates", "netbase", "tzdata"],
  node: [...SHELL_PACKAGES, "nodejs", "npm", "ca-certificates", "netbase"],
  busybox: ["busybox-static"],
};
/** Needed only by install scripts that are not run here. */
const LEFT_OUT = new Set(
  [
    "perl-base",
    "debconf",
    "dpkg",
    "apt",
    "adduser",
    "passwd",
    "login",
    "init-system-helpers",
    "sensible-utils",
    "gcc-12-base",
    "mawk",
  ].concat([
    "systemd",
    "udev",
    "libsystemd-shared",
    "openssl",
    "mount",
    "util-linux",
    "util-linux-extra",
    "sysvinit-utils",
    "e2fsprogs",
  ]),
);
/** Of npm's dependencies: compilers' headers and tools that only building its own packages needs. */
const LEFT_OUT_OF_NODE = /^(eslint|gyp|handlebars|terser|webpack|media-types|readline-common|.+-dev|(lib)?python3.*)$/;
const SKIPPED_PATHS =
  /^(usr\/share\/(man|locale|info|lintian|bug|doc-base)|usr\/share\/doc\/.*\/(changelog|NEWS|README|examples)|var\/cache|var\/log)(\/|\.|$)/;
const PASSWD = `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
bin:x:2:2:bin:/bin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`;
const GROUP = `root:x:0:
daemon:x:1:
bin:x:2:
tty:x:5:
www-data:x:33:
users:x:100:
nogroup:x:65534:
`;
const FOLDERS = [
  "etc",
  "root",
  "home",
  "proc",
  "sys",
  "dev",
  "run",
  "var/tmp",
  "usr/local/bin",
  "usr/local/lib",
  "usr/bin",
  "usr/sbin",
  "usr/lib",
];

/** Makes the image and keeps it in `outputDir`. The same packages give the same image. */
export async function makeBaseImage(kind: BaseImageKind, options: MakeBaseImageOptions): Promise<BaseImage> {
  const store = await LayerStore.open(options.outputDir);
  const dir = join(options.outputDir, "debian");
  const files = await fetchPackages(PACKAGES[kind], {
    dir,
    onProgress: options.onProgress,
    signal: options.signal,
    withDependencies: kind !== "busybox",
    leaveOut: (name) => LEFT_OUT.has(name) || (kind === "node" && LEFT_OUT_OF_NODE.test(name)),
  });
  const { layer, version } = await store.newLayer([], async (writer) => {
    await layOut(writer);
    const certificates: Buffer[] = [];
    await unpackPackages(files, writer, certificates, options);
    const madeVersion = await finish(kind, files, writer, certificates);
    await writer.finish();
    options.onProgress("packing the layer");
    return { layer: await store.commit(undefined, writer), version: madeVersion };
  });
  const created = new Date((options.clock ?? systemClock).nowMs()).toISOString();
  const image = imageOf(
    {
      architecture: imageArchitecture(),
      os: "linux",
      created,
      config: configOf(kind, version),
      history: [{ created, created_by: `kiln images make ${kind} (${files.length} Debian packages)` }],
      rootfs: { type: "layers", diff_ids: [layer.diffId] },
    },
    [layer],
  );
  await saveImage(store, image);
  return { image, store, suggestedReference: suggestedReference(kind, version) };
}

async function unpackPackages(
  files: readonly string[],
  writer: LayerWriter,
  certificates: Buffer[],
  options: Pick<MakeBaseImageOptions, "onProgress" | "signal">,
): Promise<void> {
  const step = Math.max(16, Math.ceil(files.length / MAX_PROGRESS_LINES));
  for (const [index, file] of files.entries()) {
    options.signal.throwIfAborted();
    if (index === 0) options.onProgress(`unpacking ${packageCount(files.length)}`);
    else if (index % step === 0) options.onProgress(`unpacked ${index} of ${files.length} packages`);
    await unpackPackage(file, writer, certificates);
  }
}

async function layOut(writer: LayerWriter): Promise<void> {
  for (const folder of FOLDERS) await writer.folder(folder);
  await writer.folderMeta("root", { mode: 0o700, uid: 0, gid: 0, mtimeSeconds: 0 });
  for (const folder of ["tmp", "var/tmp"])
    await writer.folderMeta(folder, { mode: 0o1777, uid: 0, gid: 0, mtimeSeconds: 0 });
  for (const name of ["bin", "sbin", "lib"]) await link(writer, name, `usr/${name}`);
  await writer.folder("usr/lib64");
  await link(writer, "lib64", "usr/lib64");
  await text(writer, "etc/passwd", PASSWD);
  await text(writer, "etc/group", GROUP);
  await text(writer, "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
}

async function unpackPackage(file: string, writer: LayerWriter, certificates: Buffer[]): Promise<void> {
  for await (const entry of packageEntries(file)) {
    const name = components(entry.name).join("/");
    if (name === "" || SKIPPED_PATHS.test(name)) continue;
    if (entry.type === "directory") {
      const resolved = await writer.root.resolve(name);
      if (resolved.found?.stats.isDirectory()) continue;
    }
    const path = await writer.inside(name);
    if (name.startsWith("usr/share/ca-certificates/") && name.endsWith(".crt")) {
      const chunks: Buffer[] = [];
      for await (const chunk of entry.body) chunks.push(chunk);
      const bytes = Buffer.concat(chunks);
      certificates.push(bytes);
      await writer.write(path, bytes, entry);
      continue;
    }
    // Links between the old and the merged places (`bin/x` for `usr/bin/x`) would point at themselves here.
    if (entry.type === "symlink" && components(entry.linkName).join("/") === path) continue;
    await writer.entry(path, entry, entry.body, entry);
  }
}

/** What install scripts would have done; returns the language's version. */
async function finish(
  kind: BaseImageKind,
  files: readonly string[],
  writer: LayerWriter,
  certificates: readonly Buffer[],
): Promise<string> {
  if (kind === "busybox") return finishBusybox(writer);
  await finishDebian(writer, certificates);
  if (kind === "python") return finishPython(writer);
  const nodePackage = files.map(fileName).find((name) => name.startsWith("nodejs_"));
  if (!(await writer.root.resolve("usr/bin/node")).found) throw new Error("the nodejs package has no /usr/bin/node");
  return /^nodejs_(\d+)\./.exec(nodePackage ?? "")?.[1] ?? "";
}

async function finishDebian(writer: LayerWriter, certificates: readonly Buffer[]): Promise<void> {
  if (certificates.length > 0) {
    await writer.folder("etc/ssl/certs");
    // Where OpenSSL looks; the openssl package would have brought these.
    await writer.folder("usr/lib/ssl");
    await link(writer, "usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt");
    await link(writer, "usr/lib/ssl/certs", "/etc/ssl/certs");
    await writer.write("etc/ssl/certs/ca-certificates.crt", Buffer.concat(certificates), {
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
    });
  }
  if (!(await writer.root.resolve("usr/bin/sh")).found) await link(writer, "usr/bin/sh", "dash");
}

async function finishPython(writer: LayerWriter): Promise<string> {
  const library = (await writer.root.resolve("usr/lib")).found;
  const names = library ? await writer.root.list(library) : [];
  const versions = names.flatMap(({ path }) => /^usr\/lib\/python(3\.\d+)$/.exec(path)?.[1] ?? []);
  const version = versions.at(-1);
  if (version === undefined) throw new Error("the python3 packages have no standard library");
  await link(writer, "usr/bin/python", "python3");
  // Debian forbids `pip install` outside a virtual environment; in an image pip is how packages come.
  await writer.remove(`usr/lib/python${version}/EXTERNALLY-MANAGED`);
  return version;
}

async function finishBusybox(writer: LayerWriter): Promise<string> {
  const binary = await writer.root.resolve("bin/busybox");
  if (!binary.found) throw new Error("the busybox-static package has no /bin/busybox");
  for (const applet of BUSYBOX_APPLETS) {
    if (!(await writer.root.resolve(`usr/bin/${applet}`)).found) await link(writer, `usr/bin/${applet}`, "busybox");
  }
  return "";
}

function configOf(kind: BaseImageKind, version: string): RunConfig {
  const env = [`PATH=${DEFAULT_PATH}`];
  if (kind === "python") env.push("LANG=C.UTF-8", `PYTHON_VERSION=${version}`, "PIP_ROOT_USER_ACTION=ignore");
  const command = { python: "python3", node: "node", busybox: "sh" }[kind];
  return { Env: env, Cmd: [command], Labels: { "dev.kiln.base": kind } };
}

function suggestedReference(kind: BaseImageKind, version: string): string {
  if (kind === "python") return `docker.io/library/python:${version}-slim`;
  if (kind === "node") return `docker.io/library/node:${version}-slim`;
  return "docker.io/library/busybox:latest";
}

const link = (writer: LayerWriter, path: string, target: string): Promise<void> =>
  writer.entry(
    path,
    {
      name: path,
      type: "symlink",
      sizeBytes: 0,
      mode: 0o777,
      uid: 0,
      gid: 0,
      mtimeSeconds: 0,
      linkName: target,
      xattrs: {},
    },
    none(),
    { uid: 0, gid: 0 },
  );

const text = (writer: LayerWriter, path: string, contents: string): Promise<void> =>
  writer.write(path, Buffer.from(contents), { mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0 });

async function* none(): AsyncGenerator<Uint8Array> {}

const fileName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const BUSYBOX_APPLETS = (
  "[ ash awk basename cat chmod chown cp cut date dd df diff dirname du echo env expr false find fold grep gunzip gzip head hostname id " +
  "install kill ln ls md5sum mkdir mktemp mv nl od paste printf ps pwd readlink realpath rm rmdir sed seq sh sha256sum sha512sum sleep sort " +
  "split stat sync tail tar tee test time touch tr true tty uname uniq unzip vi wc wget which whoami xargs yes zcat"
).split(" ");
