import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createFolderWorkspace, createMemoryWorkspace, type Workspace } from "../index.ts";

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

describe("what git knows of a file", () => {
  const git = (...args: string[]) => execFileSync("git", ["-C", root, ...args], { stdio: "ignore" });
  beforeEach(() => git("init", "-q"));

  it("has the committed mode, not the disk's", () => {
    write("run.sh", "#!/bin/sh\n");
    write("new.sh", "#!/bin/sh\n");
    git("add", "run.sh");
    git("update-index", "--chmod=+x", "run.sh");
    chmodSync(join(root, "new.sh"), 0o755);
    const workspace = createFolderWorkspace(root);
    expect(workspace.isExecutable("run.sh")).toBe(true);
    expect(workspace.isExecutable("new.sh")).toBe(true);
    expect(workspace.isExecutable("absent.sh")).toBeUndefined();
  });

  it("tells untracked from ignored, and neither in a repository that is still empty", () => {
    fill();
    expect(createFolderWorkspace(root).isTracked("app/main.py")).toBeUndefined();
    git("add", "app/main.py");
    const workspace = createFolderWorkspace(root);
    expect(workspace.isTracked("app/main.py")).toBe(true);
    expect(workspace.isTracked("app")).toBe(true);
    expect(workspace.isTracked("buildspec.yml")).toBe(false);
    expect(workspace.isIgnored("buildspec.yml")).toBe(false);
  });

  it("says CRLF only where a checkout on Linux has it", () => {
    write("committed.sh", "#!/bin/sh\r\nls\r\n");
    write("local.sh", "#!/bin/sh\r\nls\r\n");
    write("plain.sh", "#!/bin/sh\nls\n");
    git("-c", "core.autocrlf=false", "add", "committed.sh", "plain.sh");
    git("-c", "core.autocrlf=true", "add", "local.sh");
    const workspace = createFolderWorkspace(root);
    expect(["committed.sh", "local.sh", "plain.sh"].map((path) => workspace.hasCrlf(path))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it("keeps files that a sparse checkout left out", () => {
    write("kept/a.txt", "a");
    write("left/b.txt", "b");
    git("add", ".");
    git("update-index", "--skip-worktree", "left/b.txt");
    rmSync(join(root, "left"), { recursive: true });
    const workspace = createFolderWorkspace(root);
    expect(workspace.files()).toContain("left/b.txt");
    expect(workspace.exists("left/b.txt")).toBe("file");
    expect(workspace.exists("left")).toBe("directory");
  });

  it("lists submodules and repositories inside, whose files are not ignored", () => {
    write(".gitmodules", '[submodule "a"]\n\tpath = vendor/a\n\turl = x\n[submodule "b"]\n\tpath = ../out\n');
    write("nested/readme", "x");
    execFileSync("git", ["-C", join(root, "nested"), "init", "-q"]);
    const workspace = createFolderWorkspace(root);
    expect(workspace.submodules()).toEqual(["nested", "vendor/a"]);
    expect(workspace.isIgnored("nested/readme")).toBe(false);
  });

  it("does not take a path for a pattern", () => {
    write("a.sh", "#!/bin/sh\r\n");
    write(":(glob)*", "#!/bin/sh\r\n");
    git("add", "--", "a.sh");
    expect(createFolderWorkspace(root).hasCrlf(":(glob)*")).toBe(true);
  });

  it("runs no program that the repository's settings name", () => {
    const mark = join(base, "ran");
    const program = join(base, "program.sh");
    writeFileSync(program, `#!/bin/sh\necho "$*" >> ${mark}\n`);
    chmodSync(program, 0o755);
    write("a.sh", "#!/bin/sh\r\n");
    git("add", "a.sh");
    // A file-system monitor, and a promise that the blob, which is not here, can be had from a program.
    git("config", "core.fsmonitor", program);
    git("config", "remote.origin.url", `ext::${program} remote`);
    git("config", "remote.origin.promisor", "true");
    git("config", "extensions.partialClone", "origin");
    git("config", "core.repositoryFormatVersion", "1");
    git("config", "protocol.ext.allow", "always");
    const blob = execFileSync("git", ["-c", "core.fsmonitor=false", "hash-object", "a.sh"], {
      cwd: root,
      encoding: "utf8",
    });
    rmSync(join(root, ".git/objects", blob.slice(0, 2)), { recursive: true });
    const workspace = createFolderWorkspace(root);
    expect(workspace.files()).toEqual(["a.sh"]);
    expect(workspace.hasCrlf("a.sh")).toBeDefined();
    expect(existsSync(mark)).toBe(false);
  });

  it("reads the repository of the folder, not the one that a hook of another is for", () => {
    write("a.txt", "x");
    git("add", "a.txt");
    vi.stubEnv("GIT_DIR", join(base, "nowhere"));
    vi.stubEnv("GIT_INDEX_FILE", join(base, "no-index"));
    try {
      expect(createFolderWorkspace(root).isTracked("a.txt")).toBe(true);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe("links", () => {
  it("say what they point to, also on the way to a path; loops lead nowhere", () => {
    write("real/file.txt", "x");
    symlinkSync("real", join(root, "link"));
    symlinkSync("loop-b", join(root, "loop-a"));
    symlinkSync("loop-a", join(root, "loop-b"));
    const workspace = createFolderWorkspace(root);
    expect(workspace.linkTarget("link/file.txt")).toBe("real");
    expect(workspace.linkTarget("real/file.txt")).toBeUndefined();
    expect(workspace.linkTarget("../x")).toBeUndefined();
    expect(workspace.exists("link/file.txt")).toBe("file");
    expect(workspace.isIgnored("link/file.txt")).toBe(false);
    expect(workspace.exists("loop-a")).toBeUndefined();
    expect(workspace.exists("loop-a/x")).toBeUndefined();
    expect(workspace.files()).toContain("loop-a");
  });

  it("in memory", () => {
    const workspace = createMemoryWorkspace(["a"], { links: { up: "../x" }, untracked: ["a"], executable: [] });
    expect(workspace.linkTarget("up/b")).toBe("../x");
    expect(workspace.exists("up")).toBeUndefined();
    expect(workspace.isTracked("a")).toBe(false);
    expect(workspace.isExecutable("a")).toBe(false);
  });
});
