import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeLocalEvent } from "./local-event.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "kiln-local-event-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const git = (...args: string[]): void => {
  execFileSync("git", ["-C", dir, "-c", "user.name=dev", "-c", "user.email=dev@example.com", ...args]);
};

test("programs that a repository's own settings name are not run", async () => {
  git("init", "--quiet", "--initial-branch=main");
  writeFileSync(join(dir, "app.py"), "print()\n");
  git("add", "app.py");
  git("commit", "--quiet", "--message", "first");
  const mark = join(dir, "was-run");
  const program = join(dir, "program.sh");
  writeFileSync(program, `#!/bin/sh\ntouch '${mark}'\n`, { mode: 0o755 });
  for (const name of ["core.fsmonitor", "gpg.program", "core.pager"]) git("config", name, program);
  git("config", "log.showSignature", "true");

  const { payload } = await makeLocalEvent({
    dir,
    sourceType: "GITHUB",
    event: "PUSH",
    base: "main",
    actor: "dev",
    pullRequest: 1,
    isFork: false,
  });

  expect(payload["ref"]).toBe("refs/heads/main");
  expect(existsSync(mark)).toBe(false);
});
