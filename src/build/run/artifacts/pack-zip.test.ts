/** ZIP files: the same bytes for the same files, modes, links. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { lstat, mkdir, mkdtemp, readFile, readlink, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { OwnFiles } from "../own-files.ts";
import { packZip } from "./pack-zip.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kiln-zip-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const { signal } = new AbortController();
const own = new OwnFiles({ workDir: "/", isApart: false });

async function file(name: string, text: string, mode = 0o644) {
  const source = join(folder, name);
  await writeFile(source, text, { mode });
  return { source, path: `in/${name}`, sizeBytes: text.length, mode };
}

it("packs the same bytes for the same files, whenever and wherever they were made", async () => {
  const files = [await file("a", "x".repeat(100_000)), await file("b", "")];
  const first = await packZip(files, join(folder, "1.zip"), own, signal);
  await utimes(join(folder, "a"), 1, 1);
  const zone = process.env["TZ"];
  process.env["TZ"] = "Asia/Tokyo";
  const second = await packZip(files, join(folder, "2.zip"), own, signal);
  if (zone === undefined) delete process.env["TZ"];
  else process.env["TZ"] = zone;
  expect(second).toEqual(first);
  const bytes = await readFile(join(folder, "1.zip"));
  expect(first.md5sum).toBe(createHash("md5").update(bytes).digest("hex"));
  expect(first.sha256sum).toBe(createHash("sha256").update(bytes).digest("hex"));
  expect(first.sizeBytes).toBe(bytes.length);
  expect(first.sizeBytes).toBeLessThan(2000);
});

it("keeps modes and links, readable for other tools", async () => {
  const files = [
    await file("run.sh", "#!/bin/sh\n", 0o755),
    { source: "", path: "in/link", sizeBytes: 0, mode: 0o777, link: "run.sh" },
  ];
  await packZip(files, join(folder, "1.zip"), own, signal);
  const out = join(folder, "out");
  await mkdir(out);
  execFileSync("python3", ["-c", READ, join(folder, "1.zip"), out]);
  expect((await lstat(join(out, "in/run.sh"))).mode & 0o777).toBe(0o755);
  expect(await readlink(join(out, "in/link"))).toBe("run.sh");
});

it("fails for a file that is gone, and stops when it is told to", async () => {
  const gone = { source: join(folder, "gone"), path: "gone", sizeBytes: 1, mode: 0o644 };
  await expect(packZip([gone], join(folder, "1.zip"), own, signal)).rejects.toThrow(/ENOENT.*gone/);
  const one = await file("a", "x");
  await expect(packZip([one], join(folder, "2.zip"), own, AbortSignal.abort(new Error("stop")))).rejects.toThrow();
});

const READ = `
import os, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    for i in z.infolist():
        assert i.date_time == (2000, 1, 1, 0, 0, 0), i.date_time
        to = os.path.join(sys.argv[2], i.filename)
        os.makedirs(os.path.dirname(to), exist_ok=True)
        mode = i.external_attr >> 16
        if (mode & 0o170000) == 0o120000:
            os.symlink(z.read(i), to)
        else:
            open(to, "wb").write(z.read(i))
            os.chmod(to, mode & 0o777)
`;
