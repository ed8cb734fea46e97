/** A person's mistakes, through the real process: what `kiln` says about them, and that nothing is half done. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isBuilt, startProcess, temporaryFolder } from "./kiln-process.ts";

if (!isBuilt) process.stderr.write("skipped: own-mistakes, `npm run build` first\n");

describe.skipIf(!isBuilt)("a person's mistakes", () => {
  let folder: ReturnType<typeof temporaryFolder>;
  const kiln = (...argv: string[]) => startProcess(folder.path, argv).finished;
  const write = (name: string, text: string) => writeFileSync(join(folder.path, name), text);

  beforeEach(() => {
    folder = temporaryFolder();
  });
  afterEach(() => folder.remove());

  const BUILDSPEC = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo hi\n";

  it("a buildspec with the wrong name and a wrong form is right after one --fix", async () => {
    write(
      "buildspec.yaml",
      '  version: 0.2\n  phases:\n    build:\n      environment:\n        variables:\n          TOKEN: "ssm:/app/token"\n      commands:\n        - echo hi\n',
    );
    const { exitCode, err } = await kiln("check", "--fix");
    expect(err).toContain("fixed buildspec.yaml  renamed to buildspec.yml\n");
    expect(err).toContain("no problem found\n");
    expect(exitCode).toBe(0);
    expect(existsSync(join(folder.path, "buildspec.yaml"))).toBe(false);
    expect(readFileSync(join(folder.path, "buildspec.yml"), "utf8")).toBe(
      "  version: 0.2\n  env:\n    parameter-store:\n      TOKEN: /app/token\n  phases:\n    build:\n      commands:\n        - echo hi\n",
    );
  });

  it("a buildspec that is a folder is called one", async () => {
    mkdirSync(join(folder.path, "buildspec.yml"));
    const { exitCode, out } = await kiln("check");
    expect(out).toContain("`buildspec.yml` is a folder, expected a file\n");
    expect(exitCode).toBe(3);
  });

  it("there is no plan of a buildspec that CodeBuild does not read", async () => {
    write("buildspec.yml", BUILDSPEC.replace("0.2", "0.3"));
    const { exitCode, err } = await kiln("plan");
    expect(err).toContain(
      "error: the buildspec `buildspec.yml` cannot be read: version 0.3 is not supported, expected 0.2 or 0.1\n",
    );
    expect(exitCode).toBe(3);
  });

  it("a buildspec with nothing but a batch is refused, as nothing would run", async () => {
    write("buildspec.yml", "version: 0.2\nbatch:\n  build-list:\n    - identifier: one\n      buildspec: one.yml\n");
    const { exitCode, err } = await kiln("run");
    expect(err).toBe(
      "error: `buildspec.yml` has a `batch` and no commands of its own, so that one build of it would run nothing\n  fix: run the batch: kiln run --batch\n  fix: or one of the builds it lists: kiln run -b BUILDSPEC\n",
    );
    expect(exitCode).toBe(2);
  });

  it("an image that needs a container engine stops the run with exit code 4", async () => {
    write("buildspec.yml", BUILDSPEC);
    const { exitCode, err } = await kiln("run", "--image", "alpine:3");
    expect(err).toContain("error: the image `alpine:3` needs a container engine");
    expect(exitCode).toBe(4);
  });

  it("a parameter that exists is not one for a single run, and stays as it is", async () => {
    write("buildspec.yml", BUILDSPEC);
    await kiln("params", "put", "kept", "old", "--plain");
    const { exitCode, err } = await kiln("run", "-p", "kept=new");
    expect(err).toContain("error: the parameter `kept` exists, so it cannot be one for this run only\n");
    expect(exitCode).toBe(2);
    expect((await kiln("params", "get", "kept")).out).toBe("old\n");
    expect(JSON.parse((await kiln("params", "history", "kept", "-o", "json")).out)).toMatchObject({
      versions: [{ Version: 1 }],
    });
  });

  it("a parameter left by a killed run is named as one, and expires", async () => {
    write("buildspec.yml", BUILDSPEC.replace("echo hi", "echo started; sleep 60"));
    const killed = startProcess(folder.path, ["run", "-p", "once=only-now"]);
    await killed.printed("started\n");
    killed.kill("SIGKILL");
    await killed.finished;
    const { exitCode, err } = await kiln("run", "-p", "once=again");
    expect(err).toContain("error: the parameter `once` belongs to another `kiln run -p`\n");
    expect(err).toContain("fix: if no such run is going: kiln params rm once\n");
    expect(exitCode).toBe(2);
    const { out } = await kiln("params", "history", "once", "-o", "json");
    expect(JSON.parse(out)).toMatchObject({ versions: [{ Policies: [{ PolicyType: "Expiration" }] }] });
    expect((await kiln("explain")).out).toContain("cause: the build did not end by itself");
  });

  it("a parameter for one run is gone after it", async () => {
    write("buildspec.yml", BUILDSPEC.replace("phases:", "env:\n  parameter-store:\n    A: once\nphases:"));
    const { exitCode, out } = await kiln("run", "-p", "once=only-now");
    expect(exitCode).toBe(0);
    expect(out).not.toContain("only-now");
    expect(JSON.parse((await kiln("params", "ls", "-o", "json")).out)).toEqual({ parameters: [] });
  });
});
