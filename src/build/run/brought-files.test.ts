/** What comes out of an environment with files of its own: links in it lead nowhere on this machine. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { EnvironmentFiles } from "../../engines/engine.ts";
import { TAR_END, type TarEntryType, tarHeader, tarPadding } from "../../images/tar.ts";
import { BroughtFiles } from "./brought-files.ts";
import { LeadsOut, OwnFiles } from "./own-files.ts";

let place = "";
let workDir = "";
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), "kiln-brought-"));
  workDir = join(place, "work");
  mkdirSync(workDir);
  mkdirSync(join(place, "machine"));
  writeFileSync(join(place, "machine", "file"), "the machine's");
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

interface Entry {
  readonly name: string;
  readonly type?: TarEntryType;
  readonly text?: string;
  readonly linkName?: string;
}

function broughtFrom(archives: Readonly<Record<string, readonly Entry[]>>): BroughtFiles {
  async function* tar(entries: readonly Entry[]): AsyncGenerator<Buffer> {
    for (const { name, type = "file", text = "", linkName = "" } of entries) {
      const sizeBytes = Buffer.byteLength(text);
      yield tarHeader({ name, type, sizeBytes, mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 1, linkName });
      yield Buffer.from(text);
      yield tarPadding(sizeBytes);
    }
    yield TAR_END;
  }
  const files: EnvironmentFiles = {
    put: async () => {},
    get: async (path) => (archives[path] ? tar(archives[path]) : undefined),
    evaluate: async () => "",
  };
  const environment = {
    files,
    toHostPath: (path: string): string =>
      path.startsWith("/codebuild") ? `${workDir}${path}` : `${workDir}/image${path}`,
    toEnvironmentPath: (path: string): string => path.slice(workDir.length),
  };
  const own = new OwnFiles({ workDir, isApart: true });
  return new BroughtFiles({ environment, own, workDir, signal: new AbortController().signal });
}

it("is read through no link that leads to this machine's files", async () => {
  const brought = broughtFrom({
    "/codebuild/src": [
      { name: "src", type: "directory" },
      { name: "src/own", text: "own" },
      { name: "src/out", type: "symlink", linkName: join(place, "machine") },
    ],
  });
  await brought.bring(join(workDir, "codebuild", "src"));
  const at = (path: string): string => join(workDir, "codebuild", "src", path);
  expect(readFileSync(brought.own.file(at("own")).path, "utf8")).toBe("own");
  expect(() => brought.own.file(at("out/file"))).toThrow(LeadsOut);
  expect(brought.own.list(at("out"))).toEqual([]);
  expect(brought.own.head(at("out/file"), 10)).toEqual(new Uint8Array());
});

it("is written through no link, neither of the archive nor of an earlier one", async () => {
  const brought = broughtFrom({
    "/codebuild/a": [{ name: "a", type: "symlink", linkName: join(place, "machine") }],
    "/codebuild/a/b": [{ name: "b", text: "written" }],
    "/codebuild/a/file": [{ name: "file", text: "written" }],
    "/codebuild/c": [
      { name: "c", type: "directory" },
      { name: "c/link", type: "symlink", linkName: join(place, "machine") },
      { name: "c/link/file", text: "inside" },
    ],
  });
  for (const path of ["a", "a/b", "a/file", "c"]) await brought.bring(join(workDir, "codebuild", path));
  expect(readdirSync(join(place, "machine"))).toEqual(["file"]);
  expect(readFileSync(join(place, "machine", "file"), "utf8")).toBe("the machine's");
  expect(readFileSync(join(workDir, "codebuild", "c", "link", "file"), "utf8")).toBe("inside");
});

it("stays below the build's folder, even where that has become a link on the way", async () => {
  symlinkSync(join(place, "machine"), join(workDir, "codebuild"));
  const brought = broughtFrom({ "/codebuild/file": [{ name: "file", text: "written" }] });
  await brought.bring(join(workDir, "codebuild", "file"));
  expect(readFileSync(join(place, "machine", "file"), "utf8")).toBe("the machine's");
});
