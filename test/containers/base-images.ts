/**
 * The images that all cases stand on, as one `docker save` archive given to each engine: the same layer, hence the same
 * ids everywhere. A static busybox with its links, users, and folders that copies and removals meet.
 *   NAMESPACE/base:1      plain
 *   NAMESPACE/parent:1    with ONBUILD, ENTRYPOINT, CMD, USER, WORKDIR, ENV, LABEL, VOLUME, … to be inherited
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { staticBusybox } from "../support/docker-fixture.ts";
import { CONTEXT_MTIME_SECONDS } from "./saved-image.ts";

const run = promisify(execFile);

const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd":
    "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:app:/home/app:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n",
  "etc/group": "root:x:0:\nstaff:x:50:app\napp:x:1001:\nnogroup:x:65534:\n",
  "etc/hosts": "",
  "etc/resolv.conf": "",
  "data/one": "one\n",
  "data/two/deep": "deep\n",
  "data/two/deeper/file": "file\n",
  "home/app/.profile": "umask 022\n",
};

const IMAGES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  base: { Env: [PATH], Cmd: ["sh"] },
  parent: {
    Env: [PATH, "FROM_PARENT=yes", "LEVEL=1"],
    Entrypoint: ["/bin/echo", "parent"],
    Cmd: ["of", "all"],
    User: "app",
    WorkingDir: "/home/app",
    Labels: { parent: "yes", level: "1" },
    Volumes: { "/data": {} },
    ExposedPorts: { "80/tcp": {} },
    StopSignal: "SIGQUIT",
    Healthcheck: { Test: ["CMD", "true"], Interval: 5_000_000_000 },
    Shell: ["/bin/sh", "-ec"],
    OnBuild: ["COPY . /onbuild", "RUN echo triggered > /tmp/triggered"],
  },
};

/**
 * The archive's bytes, or undefined where no static busybox can be had. Each suite has a namespace: they share engines, and
 * each takes its own names away.
 */
export async function baseImages(namespace: string): Promise<Buffer | undefined> {
  const busybox = await staticBusybox();
  if (busybox === undefined) return undefined;
  const dir = await mkdtemp(join(tmpdir(), "kiln-base-"));
  try {
    const root = join(dir, "root");
    for (const [folder, mode] of [
      [".", 0o755],
      ["bin", 0o755],
      ["tmp", 0o1777],
      ["root", 0o700],
      ["proc", 0o755],
      ["dev", 0o755],
      ["sys", 0o755],
      ["var/cache", 0o755],
    ] as const) {
      await mkdir(join(root, folder), { recursive: true });
      await run("chmod", [mode.toString(8), join(root, folder)]);
    }
    for (const [name, text] of Object.entries(FILES)) {
      await mkdir(dirname(join(root, name)), { recursive: true });
      await writeFile(join(root, name), text, { mode: 0o644 });
    }
    await copyFile(busybox, join(root, "bin/busybox"));
    const { stdout } = await run(join(root, "bin/busybox"), ["--list"]);
    for (const name of stdout.trim().split("\n")) {
      if (name !== "busybox") await symlink("busybox", join(root, "bin", name));
    }
    await symlink("data", join(root, "shortcut"));
    await symlink("/data/two", join(root, "whole"));
    const archive = join(dir, "archive");
    await mkdir(archive);
    await tar(root, join(archive, "layer.tar"));
    const digest = createHash("sha256")
      .update(await readFile(join(archive, "layer.tar")))
      .digest("hex");
    const manifest: unknown[] = [];
    for (const [name, config] of Object.entries(IMAGES)) {
      const file = `${name}.json`;
      const created = "2020-09-13T12:26:40Z";
      await writeFile(
        join(archive, file),
        JSON.stringify({
          architecture: { x64: "amd64" }[process.arch as string] ?? process.arch,
          config,
          created,
          history: [{ created, created_by: "base of the comparison" }],
          os: "linux",
          rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
        }),
      );
      manifest.push({ Config: file, RepoTags: [`${namespace}/${name}:1`], Layers: ["layer.tar"] });
    }
    await writeFile(join(archive, "manifest.json"), JSON.stringify(manifest));
    await tar(archive, join(dir, "archive.tar"));
    return await readFile(join(dir, "archive.tar"));
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function tar(dir: string, to: string): Promise<void> {
  const same = ["--sort=name", "--owner=0:0", "--group=0:0", "--numeric-owner", `--mtime=@${CONTEXT_MTIME_SECONDS}`];
  await run("tar", [...same, "-cf", to, "-C", dir, "."]);
}
