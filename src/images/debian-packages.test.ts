/** Needs Debian's dpkg-deb; skipped, with the reason printed, where it is not. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { packageEntries } from "./debian-packages.ts";

const hasTool = spawnSync("dpkg-deb", ["--version"]).status === 0;
if (!hasTool) process.stderr.write("dpkg-deb is not on this machine: its test is skipped\n");

/** Command lines of the processes that work on `file`; those that have ended and are not collected yet have none. */
const workingOn = (file: string): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8")];
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(file));

it.skipIf(!hasTool)("leaves no dpkg-deb behind when unpacking fails half-way", async () => {
  const dir = mkdtempSync(join(tmpdir(), "kiln-deb-"));
  try {
    const file = join(dir, "big.deb");
    mkdirSync(join(dir, "big/DEBIAN"), { recursive: true });
    writeFileSync(
      join(dir, "big/DEBIAN/control"),
      "Package: big\nVersion: 1\nArchitecture: all\nMaintainer: x <x@y>\nDescription: x\n",
    );
    writeFileSync(join(dir, "big/data"), Buffer.alloc(4 << 20));
    execFileSync("dpkg-deb", ["-Zgzip", "-b", join(dir, "big"), file], { stdio: "ignore" });
    const unpacking = (async () => {
      for await (const entry of packageEntries(file))
        if (entry.type === "file") for await (const _ of entry.body) throw new Error("the disk is full");
    })();
    await expect(unpacking).rejects.toThrow("the disk is full");
    await expect.poll(() => workingOn(file)).toEqual([]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
