/** `kiln check --watch` as a process: what makes it check again, and how it ends. */
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isBuilt, type Running, startProcess, temporaryFolder } from "./kiln-process.ts";

if (!isBuilt) process.stderr.write("skipped: kiln check --watch needs `npm run build`\n");

const buildspec = (command: string) => `version: 0.2\nphases:\n  build:\n    commands:\n      - ${command}\n`;

describe.skipIf(!isBuilt)("kiln check --watch", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let running: Running | undefined;
  beforeEach(() => {
    folder = temporaryFolder();
    writeFileSync(join(folder.path, "buildspec.yml"), buildspec("echo Result: ok"));
    mkdirSync(join(folder.path, "app"));
    writeFileSync(join(folder.path, "app", "main.py"), "");
  });
  /** In one step, as editors save: a buildspec that is half written would be a finding of its own. */
  const save = (text: string): void => {
    writeFileSync(join(folder.path, "saved.tmp"), text);
    renameSync(join(folder.path, "saved.tmp"), join(folder.path, "buildspec.yml"));
  };
  afterEach(async () => {
    running?.kill("SIGKILL");
    await running?.finished;
    folder.remove();
  });

  it("checks again when the buildspec, or a file that it names, changes, and ends with 130", async () => {
    running = startProcess(folder.path, ["check", "--watch", "-o", "github"]);
    await running.printed("title=phases/command-is-mapping");
    save(buildspec("pip install -r app/requirements.txt"));
    await running.printed("file `app/requirements.txt` does not exist");
    writeFileSync(join(folder.path, "app", "requirements.txt"), "flask\n");
    save(buildspec("pip install -r app/requirements.txt -r b.txt"));
    await running.printed("file `b.txt` does not exist");
    running.kill("SIGINT");
    const { exitCode, out } = await running.finished;
    expect(exitCode).toBe(130);
    // Nothing is printed twice: each round differs from the one before.
    const rounds = out.trim().split("\n");
    expect(new Set(rounds).size).toBe(rounds.length);
  });

  it("ends at once when it is asked to while nothing happens", async () => {
    running = startProcess(folder.path, ["check", "--watch", "-o", "github"]);
    await running.printed("title=phases/command-is-mapping");
    running.kill("SIGTERM");
    expect((await running.finished).exitCode).toBe(130);
  });
});
