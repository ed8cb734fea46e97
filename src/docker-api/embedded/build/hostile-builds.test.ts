/** Dockerfiles that try to get out of their images: nothing of this machine is read, written or run. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { BASE, BuildFixture } from "../../../../test/support/build-fixture.ts";
import { staticBusybox } from "../../../../test/support/docker-fixture.ts";
import { LayerStore } from "../../../images/layer-store.ts";
import { TAR_END, tarHeader } from "../../../images/tar.ts";
import { detectIsolation } from "../isolation.ts";

const run = promisify(execFile);
const probe = await mkdtemp(join(tmpdir(), "kiln-probe-"));
const isolation = await detectIsolation(await LayerStore.open(probe));
await rm(probe, { recursive: true, force: true });
const isRoot = isolation.kind === "root";

/** Leaves a chroot as root may: change it again, with a working folder left outside of it. */
const CLIMB = `#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv) {
  mkdir("/below", 0755);
  int top = open("/", O_RDONLY);
  if (chroot("/below") != 0) return 3;
  fchdir(top);
  for (int i = 0; i < 64; i++) chdir("..");
  chroot(".");
  return open(argv[1], O_CREAT | O_WRONLY, 0644) < 0 ? 0 : 4;
}
`;

describe.skipIf(isolation.kind === "none" || (await staticBusybox()) === undefined)("a hostile build", () => {
  let at: BuildFixture;
  let outside = "";
  let mounts = "";
  beforeAll(async () => {
    at = await BuildFixture.open();
    mounts = ownMounts(at.dir);
    at.images.set("base", (await at.build(BASE)).image);
  });
  beforeEach(async () => {
    outside = await mkdtemp(join(at.dir, "outside-"));
    await writeFile(join(outside, "file"), "mine");
  });
  afterAll(async () => {
    expect(ownMounts(at.dir)).toBe(mounts);
    expect(await readdir(join(at.dir, "images/tmp"))).toEqual([]);
    await at.close();
  });
  const untouched = async (): Promise<void> => {
    expect(await readdir(outside)).toEqual(["file"]);
    expect(await readFile(join(outside, "file"), "utf8")).toBe("mine");
  };

  it("does not climb out of its root folder", async ({ skip }) => {
    const folder = await mkdtemp(join(at.dir, "climb-"));
    await writeFile(join(folder, "climb.c"), CLIMB);
    try {
      await run("gcc", ["-static", "-o", "climb", "climb.c"], { cwd: folder });
    } catch {
      skip("this machine has no gcc to make a program that climbs");
    }
    await copyFile(join(folder, "climb"), join(folder, "tool"));
    await at.build(
      `FROM base\nCOPY tool /tool\nRUN ["/tool", "${outside}/written"]\n`,
      {},
      { context: { dir: folder } },
    );
    await untouched();
  });

  it("finds its own root folder behind every working folder", async () => {
    for (const path of ["/proc/self/cwd", "/proc/self/root", "/proc/thread-self/cwd", "/dev/fd/../../cwd"]) {
      const built = await at.build(`FROM base\nWORKDIR ${path}\nRUN pwd > /at; ls ../../../.. > /seen\n`);
      expect(await built.file("/seen")).toContain("busybox".length > 0 ? "proc" : "");
      expect((await built.file("/seen"))?.split("\n")).toEqual(expect.arrayContaining(["bin", "etc", "seen"]));
    }
  });

  it("does not see the first process's files", async () => {
    const built = await at.build(
      "FROM base\nRUN (ls /proc/1/root/ /proc/1/cwd/; for fd in /proc/1/fd/*; do ls $fd/; cat $fd; done; cat /proc/1/environ /proc/1/mem) > /seen 2>&1 || :; ls -l /proc/self/fd > /own\n",
    );
    const lines = (await built.file("/seen"))?.trim().split("\n") ?? [];
    expect(lines.filter((line) => !/^(?:ls|cat): .*(?:Permission denied|Input\/output error)$/.test(line))).toEqual([]);
    // What whoever started this process left open is not handed on.
    expect(await built.file("/own")).not.toMatch(/-> (?:pipe:|\/(?!dev\/null|proc\/|own))/);
  });

  const program = "cp /bin/busybox /m/unshare; cp /bin/busybox /m/setpriv; cp /bin/busybox /m/prlimit";

  it("has no mounts in /proc and /sys", async () => {
    for (const [target, closed] of [
      ["/proc/1/root/usr/bin", "/proc"],
      ["/proc/self/cwd", "/proc"],
      ["/sys/fs/cgroup", "/sys"],
    ])
      expect((await at.failure(`FROM base\nRUN --mount=type=cache,target=${target} true\n`)).message).toBe(
        `"${target}" cannot be mounted because it is inside ${closed}`,
      );
  });

  it("has no mounts through links of other mounts", async () => {
    await at.build(
      `FROM base\nRUN --mount=type=cache,target=/m,id=evil ${program}\nRUN --mount=type=cache,target=/o,id=outer ln -s /usr/bin /o/bin; ln -s ${outside} /o/out; echo > /o/text\n`,
    );
    const both = (inner: string, type = "cache,id=evil") =>
      at.failure(`FROM base\nRUN --mount=type=${type},target=/o/${inner} --mount=type=cache,target=/o,id=outer true\n`);
    for (const inner of ["bin", "out", "out/made"])
      expect((await both(inner)).message).toBe(
        `cannot mount on /o/${inner}, which is in the mount on /o: a symbolic link is on the way`,
      );
    expect((await both("text/x", "tmpfs")).message).toBe(
      "cannot mount on /o/text/x, which is in the mount on /o: /text is no folder",
    );
    await untouched();
    const inside = await at.build(
      "FROM base\nRUN --mount=type=cache,target=/o/new/deep,id=evil --mount=type=cache,target=/o,id=outer ls /o/new/deep | head -1 > /seen\n" +
        "RUN --mount=type=tmpfs,target=/t --mount=type=cache,target=/t/in/it,id=evil ls /t/in/it | head -1 >> /seen\n",
    );
    expect(await inside.file("/seen")).toBe("prlimit\nprlimit\n");
  });

  it("has its mounts where links of the image lead, inside the image", async () => {
    const built = await at.build(
      [
        "FROM base",
        `RUN ln -s ${outside} /link && ln -s ../../../../../../../../.. /up && mv /tmp /old && ln -s /var/tmp /tmp`,
        "RUN --mount=type=cache,target=/link/made,id=l echo a > /link/made/a",
        "RUN --mount=type=tmpfs,target=/up/deep/x echo b > /deep/x/b",
        "RUN --mount=type=tmpfs,target=/tmp/kiln-hostile true",
        "RUN --mount=type=secret,id=s,target=/link/secret cat /link/secret > /seen",
      ].join("\n"),
      {},
      { secret: async () => Buffer.from("s3cr3t") },
    );
    await untouched();
    expect(existsSync("/var/tmp/kiln-hostile")).toBe(false);
    const looping = "FROM base\nRUN ln -s /a /b && ln -s /b /a\nRUN --mount=type=tmpfs,target=/a/x true\n";
    expect((await at.failure(looping)).message).toBe("too many links at /a");
    expect(await built.file("/seen")).toBe("s3cr3t");
  });

  it("has its own /proc, /sys, /dev and files of /etc, whatever the image has there", async () => {
    const link = (name: string, linkName: string): Buffer =>
      tarHeader({ ...{ name, linkName, type: "symlink" }, mode: 0o777, uid: 0, gid: 0, mtimeSeconds: 0, sizeBytes: 0 });
    const files = ["hosts", "hostname", "resolv.conf"];
    for (const links of [
      [
        ...["proc", "sys", "dev"].map((name) => [name, outside]),
        ...files.map((name) => [`etc/${name}`, `${outside}/file`]),
      ],
      [["etc", "/data"], ...files.map((name) => [`data/${name}`, `${outside}/file`])],
      [["etc", "../../../data"]],
      [["etc", outside]],
    ]) {
      const context = { dir: await at.context({}) };
      const tar = links.map(([name = "", target = ""]) => link(name, target));
      await writeFile(join(context.dir, "links.tar"), Buffer.concat([...tar, TAR_END]));
      const built = await at.build(
        'FROM scratch\nCOPY busybox /bin/busybox\nADD links.tar /\nSHELL ["/bin/busybox", "sh", "-c"]\n' +
          "RUN busybox test -e /proc/self/stat && busybox test -c /dev/null && busybox test -d /sys/kernel && busybox cat /etc/hosts > /seen && echo x > /dev/null\n",
        {},
        { context },
      );
      expect(await built.file("/seen")).toContain("127.0.0.1\tlocalhost");
      await untouched();
    }
  });

  it("gives this machine's tools no variable of its own", async () => {
    const names = ["UNSHARE", "SETPRIV", "SHELL", "ENV", "BASH_ENV", "LD_PRELOAD", "LD_LIBRARY_PATH", "GCONV_PATH"];
    const built = await at.build(
      `FROM base\nRUN printf '#!/bin/sh\\necho out > ${outside}/written\\n' > /evil && chmod +x /evil\n` +
        `ENV ${[...names, "IFS", "OPTIND", "UID", "PPID", "command", "pid"].map((name) => `${name}=/evil`).join(" ")}\n` +
        'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox env > /seen"]\n',
    );
    await untouched();
    for (const name of names) expect(await built.file("/seen")).toContain(`${name}=/evil\n`);
  });

  it("takes quotes, line feeds and signs of the shell for what they are", async () => {
    const odd = `a'b"c$(touch ${outside}/x)\`touch ${outside}/y\`;&|*\\`;
    const built = await at.build(
      `FROM base\nARG ODD\nENV ODD="$ODD"\nWORKDIR /w/$ODD\nRUN pwd > /at; printf %s "$ODD" > /value\n`,
      {},
      { buildArgs: { ODD: `${odd}\nnext '; touch ${outside}/z; '` } },
    );
    await untouched();
    expect(await built.file("/value")).toBe(`${odd}\nnext '; touch ${outside}/z; '`);
    expect(await built.file("/at")).toContain(`/w/a'b"c$(touch`);
    const user = `FROM base\nRUN true\nUSER "x';touch ${outside}/x;'"\nRUN true\n`;
    expect((await at.failure(user)).message).toContain("unable to find user x';touch");
    await untouched();
  });

  it("is no root by a number that means nobody", async () => {
    for (const user of ["4294967295", "2147483648", "0:4294967295"])
      expect((await at.failure(`FROM base\nUSER ${user}\nRUN id\n`)).message).toContain(
        "uids and gids must be in range 0-2147483647",
      );
  });

  it.runIf(isRoot)("has docker's rights and no more", async () => {
    const built = await at.build(
      [
        "FROM base",
        "RUN grep -E 'Cap(Prm|Eff|Bnd|Inh|Amb)' /proc/self/status > /caps",
        "RUN for file in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /sys/kernel/uevent_helper /sys/power/state; do (echo c > $file) 2>&1; done > /written || :",
        "RUN (mount -t tmpfs none /mnt || mount -o remount,rw /sys; umount /; cat /proc/kcore | head -c 1; dmesg -C; hostname x) > /refused 2>&1 || :",
        "RUN mknod /sda b 8 0 && (head -c 1 /sda) > /opened 2>&1 || :",
        "USER app",
        "RUN grep CapEff /proc/self/status > /tmp/caps",
      ].join("\n"),
    );
    // 0xa80425fb are docker's; the same for what a command may get back.
    expect(await built.file("/caps")).toMatch(
      /^CapInh:\t0+\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\nCapBnd:\t00000000a80425fb\nCapAmb:\t0+\n$/,
    );
    expect(
      (await built.file("/written"))
        ?.split("\n")
        .filter((line) => line !== "" && !/Read-only|denied|can't create|nonexistent/.test(line)),
    ).toEqual([]);
    expect(await built.file("/opened")).toMatch(/Permission denied/);
    expect(await built.file("/tmp/caps")).toBe("CapEff:\t0000000000000000\n");
  });

  it("leaves no process behind a RUN that ends", async () => {
    const mark = `1618.${process.pid}`;
    await at.build(
      `FROM base\nRUN for i in 1 2 3 4 5; do (trap '' TERM HUP INT; setsid sleep ${mark}) > /dev/null 2>&1 & done; echo started\n`,
    );
    await vi.waitFor(() => expect(processesWith(mark)).toEqual([]), { timeout: 30_000 });
  });

  it("keeps a secret in memory: on no disk, in no argument, in no text", async () => {
    const secret = `kept-${process.pid}-in-memory`;
    const dockerfile = [
      "FROM base",
      'RUN --mount=type=secret,id=a,target=/run/a --mount=type=secret,id=b,env=B test -s /run/a && test -n "$B" && touch /tmp/there && sleep 1.5',
    ].join("\n");
    const building = at.build(dockerfile, {}, { secret: async () => Buffer.from(secret) });
    const seen: string[] = [];
    const watch = setInterval(() => {
      seen.push(...processesWith(secret).map(String), ...filesWith(join(at.dir, "images"), secret));
    }, 50);
    try {
      const built = await building;
      const { output, names, image } = built;
      expect(JSON.stringify([output, names, image.config])).not.toContain(secret);
    } finally {
      clearInterval(watch);
    }
    expect(seen).toEqual([]);
    expect(filesWith(at.dir, secret)).toEqual([]);
  });
});

/** Lines of this process's mount table about a folder. */
const ownMounts = (folder: string): string =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(folder))
    .join("\n");

/** Processes of which the command line holds `mark`. */
function processesWith(mark: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
      return readFileSync(`/proc/${name}/cmdline`, "latin1").includes(mark) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

/** Files that hold a text, as this machine sees them. */
function filesWith(dir: string, text: string): string[] {
  try {
    return readdirSync(dir, { withFileTypes: true }).flatMap((entry): string[] => {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) return filesWith(path, text);
      return entry.isFile() && readFileSync(path).includes(text) ? [path] : [];
    });
  } catch {
    // Removed meanwhile.
    return [];
  }
}
