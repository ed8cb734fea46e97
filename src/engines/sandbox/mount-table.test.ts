import { describe, expect, it } from "vitest";
import { holdsFiles, isAtOrBelow, parseMountInfo } from "./mount-table.ts";

const line = (path: string, type: string): string =>
  `36 35 98:0 / ${path} rw,noatime shared:1 - ${type} /dev/sda1 rw,errors=continue\n`;

describe("the mount table", () => {
  it("names what is mounted, with blanks and backslashes as they are", () => {
    const text = `${line("/", "ext4")}${line("/mnt/my\\040disk\\134a", "xfs")}`;
    expect(parseMountInfo(text)).toEqual([
      { path: "/", type: "ext4" },
      { path: "/mnt/my disk\\a", type: "xfs" },
    ]);
  });

  it("knows optional fields, and lines without any", () => {
    expect(
      parseMountInfo("1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / /proc rw shared:1 master:2 - proc proc rw\n"),
    ).toEqual([
      { path: "/", type: "ext4" },
      { path: "/proc", type: "proc" },
    ]);
  });

  it("leaves out what a later mount covers", () => {
    const text = [line("/", "ext4"), line("/data", "xfs"), line("/data/inner", "ext4"), line("/data", "tmpfs")].join(
      "",
    );
    expect(parseMountInfo(text)).toEqual([
      { path: "/", type: "ext4" },
      { path: "/data", type: "tmpfs" },
    ]);
  });

  it("tells file systems with files from those that the kernel makes up", () => {
    const types = ["ext4", "tmpfs", "squashfs", "9p", "fuseblk", "proc", "cgroup2", "fuse.sshfs"];
    expect(types.filter((type) => holdsFiles({ path: "/x", type }))).toEqual([
      "ext4",
      "tmpfs",
      "squashfs",
      "9p",
      "fuseblk",
    ]);
  });

  it("does not take a name for the beginning of another", () => {
    expect(isAtOrBelow("/var/lib", "/var")).toBe(true);
    expect(isAtOrBelow("/variety", "/var")).toBe(false);
    expect(isAtOrBelow("/any", "/")).toBe(true);
  });
});
