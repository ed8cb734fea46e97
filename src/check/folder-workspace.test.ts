import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createFolderWorkspace, createMemoryWorkspace, type Workspace } from "./index.ts";

let base: string;
let root: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "kiln-workspace-"));
  root = join(base, "source");
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function write(path: string, text = ""): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function fill(): void {
  write("app/main.py", "print()\n");
  write("app/.gitignore", "secret.txt\n");
  write("app/secret.txt", "x");
  write(".gitignore", "dist/\n*.log\n");
  write("dist/out.js", "x");
  write("a.log", "x");
  write("buildspec.yml", "version: 0.2\n");
}

const expected = [".gitignore", "app/.gitignore", "app/main.py", "buildspec.yml"];

/** What every Workspace answers for the same tree. */
function contract(create: () => Workspace): void {
  it("lists what CodeBuild would get, sorted", () => {
    expect(create().files()).toEqual(expected);
  });

  it("knows files, folders and what is not there", () => {
    const workspace = create();
    expect(workspace.exists("app/main.py")).toBe("file");
    expect(workspace.exists("app")).toBe("directory");
    expect(workspace.exists("app/")).toBe("directory");
    expect(workspace.exists("./app/../app/main.py")).toBe("file");
    expect(workspace.exists("")).toBe("directory");
    expect(workspace.exists("nothing")).toBeUndefined();
    expect(workspace.exists("../source/app")).not.toBe("file");
  });

  it("says what is ignored", () => {
    const workspace = create();
    expect(workspace.isIgnored("app/secret.txt")).toBe(true);
    expect(workspace.isIgnored("dist/out.js")).toBe(true);
    expect(workspace.isIgnored("app/main.py")).toBe(false);
    expect(workspace.isIgnored("app")).toBe(false);
    expect(workspace.isIgnored("nothing")).toBe(false);
  });

  it("reads text", () => {
    expect(create().readText("app/main.py")).toBe("print()\n");
    expect(create().readText("nothing")).toBeUndefined();
  });
}

describe("a folder without git", () => {
  beforeEach(fill);
  contract(() => createFolderWorkspace(root));
});

describe("a git work tree", () => {
  beforeEach(() => {
    fill();
    execFileSync("git", ["-C", root, "init", "-q"]);
    execFileSync("git", ["-C", root, "add", "app/main.py"]);
  });
  contract(() => createFolderWorkspace(root));

  it("leaves out tracked files that were deleted", () => {
    rmSync(join(root, "app/main.py"));
    expect(createFolderWorkspace(root).files()).not.toContain("app/main.py");
  });

  it("lists a folder of the work tree relative to itself", () => {
    expect(createFolderWorkspace(join(root, "app")).files()).toEqual([".gitignore", "main.py"]);
  });
});

describe("a tree in memory", () => {
  contract(() =>
    createMemoryWorkspace(
      { ".gitignore": "", "app/.gitignore": "", "app/main.py": "print()\n", "buildspec.yml": "" },
      { ignored: ["app/secret.txt", "dist/out.js"] },
    ),
  );
});

describe("what is not followed or read", () => {
  it("a link that leaves the folder", () => {
    writeFileSync(join(base, "outside.txt"), "x");
    symlinkSync(join(base, "outside.txt"), join(root, "link.txt"));
    symlinkSync(base, join(root, "up"));
    const workspace = createFolderWorkspace(root);
    expect(workspace.exists("link.txt")).toBeUndefined();
    expect(workspace.readText("link.txt")).toBeUndefined();
    expect(workspace.exists("up/outside.txt")).toBeUndefined();
    expect(workspace.exists("../outside.txt")).toBeUndefined();
  });

  it("binary files and files above 1 MiB", () => {
    writeFileSync(join(root, "binary"), Buffer.from([1, 0, 2]));
    write("large", "x".repeat(1024 * 1024 + 1));
    expect(createFolderWorkspace(root).readText("binary")).toBeUndefined();
    expect(createFolderWorkspace(root).readText("large")).toBeUndefined();
  });
});
