import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { transpileSources } from "../../test/support/transpiled-sources.ts";

describe.runIf(process.platform === "linux")("a folder that whoever started this process left open", () => {
  let dir = "";
  let url = "";
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "kiln-descriptors-"));
    url = transpileSources(dir, ["core"])("core/own-descriptors.ts");
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  /** Node itself keeps low numbers from children. What a child of a Node process has at descriptor 40, which was a folder when that process started. */
  const seenWith = (streams: string): string => {
    const script = `import { spawnSync } from "node:child_process";
      import { onlyStreams } from ${JSON.stringify(url)};
      process.stdout.write(spawnSync("readlink", ["/proc/self/fd/40"], { stdio: ${streams}, encoding: "utf8" }).stdout);`;
    const command = 'exec 40<"$1"; exec "$2" --input-type=module --eval "$3"';
    return execFileSync("bash", ["-c", command, "bash", dir, process.execPath, script], { encoding: "utf8" });
  };

  it("reaches a child as the system hands it on, and one with only its streams as /dev/null", () => {
    expect(seenWith('["ignore", "pipe", "inherit"]')).toBe(`${dir}\n`);
    expect(seenWith('onlyStreams(["ignore", "pipe", "ignore"])')).toBe("/dev/null\n");
  });
});
