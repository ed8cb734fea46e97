import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openTree, userFrom } from "./run-as.ts";

describe("commands as another user", () => {
  it("finds the user in /etc/passwd where there is no `id`", () => {
    const passwd = "root:x:0:0:root:/root:/bin/bash\nbuild:x:1001:1002::/home/build:/bin/sh\nbroken\n";
    expect(userFrom(passwd, "build")).toEqual({ name: "build", uid: 1001, gid: 1002 });
    expect(userFrom(passwd, "buil")).toBeUndefined();
    expect(userFrom(passwd, "broken")).toBeUndefined();
  });

  it("opens a tree for reading and running, and writes through no link", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kiln-run-as-"));
    const script = `mkdir -m 700 src out; (umask 077; echo > src/file; echo > src/run; echo > out/file; echo > "src/$(printf '\\377')")
chmod u+x src/run; ln -s ../out src/link; ln -s nowhere src/broken`;
    execFileSync("sh", ["-c", script], { cwd: folder });
    await openTree(join(folder, "src"));
    const modes = ["src", "src/file", "src/run", "out", "out/file"].map((name) =>
      (statSync(join(folder, name)).mode & 0o777).toString(8),
    );
    expect(modes).toEqual(["755", "644", "755", "700", "600"]);
    rmSync(folder, { recursive: true });
  });
});
