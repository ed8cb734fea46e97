import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isOrphan, makeOwnedFolder, orphansIn, ownerName, removeOrphans } from "./owned-folders.ts";

describe.skipIf(!existsSync("/proc/self/ns/pid"))("a folder that is named after the process that made it", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "kiln-owned-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  const [namespace, pid, started] = ownerName().split("-");
  /** The same number at another time: the process that had it is gone. */
  const gone = `${namespace}-${pid}-1`;

  it("is nobody's once that process is gone, also when another one has its number", async () => {
    const own = makeOwnedFolder(dir, "kiln-x-");
    for (const name of [
      `kiln-x-${gone}-abc`,
      `kiln-x-${namespace}-999999999-${started}-abc`,
      `kiln-y-${gone}-abc`,
      "kiln-x-abc",
    ])
      mkdirSync(join(dir, name));
    expect((await orphansIn(dir, "kiln-x-")).sort()).toEqual(
      [`kiln-x-${gone}-abc`, `kiln-x-${namespace}-999999999-${started}-abc`].sort(),
    );
    await removeOrphans(dir, "kiln-x-");
    expect(readdirSync(dir).sort()).toEqual(["kiln-x-abc", basename(own), `kiln-y-${gone}-abc`].sort());
  });

  it("is left alone when its process counts in another namespace", () => {
    expect(isOrphan(`1-${pid}-1-abc`)).toBe(false);
    expect(isOrphan(`${gone}-abc`)).toBe(true);
    expect(isOrphan(ownerName())).toBe(false);
  });

  it("is left alone when it is a link", async () => {
    mkdirSync(join(dir, "kept"));
    writeFileSync(join(dir, "kept", "file"), "");
    symlinkSync(join(dir, "kept"), join(dir, `kiln-x-${gone}-abc`));
    await removeOrphans(dir, "kiln-x-");
    expect(readdirSync(dir)).toHaveLength(2);
    expect(readdirSync(join(dir, "kept"))).toEqual(["file"]);
  });

  it("is removed also with folders in it that are closed", async () => {
    mkdirSync(join(dir, `kiln-x-${gone}-abc`, "in", "it"), { recursive: true });
    mkdirSync(join(dir, `kiln-x-${gone}-abc`, "closed"), { mode: 0 });
    await removeOrphans(dir, "kiln-x-");
    expect(readdirSync(dir)).toEqual([]);
  });
});
