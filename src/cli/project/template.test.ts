/** `--template`: what is said about a file that is no project. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CODEBUILD_TRUST } from "../../../test/support/policy-documents.ts";
import { memoryIo } from "../io.ts";
import { runCli } from "../run-cli.ts";

const ROLE = "arn:aws:iam::000000000000:role/builds";

describe("a template", () => {
  let dir = "";
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "kiln-template-"));
    writeFileSync(join(dir, "buildspec.yml"), "version: 0.2\nphases: {build: {commands: ['true']}}\n");
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  async function run(text: string | undefined, name = "p.json", ...more: string[]) {
    if (text !== undefined) writeFileSync(join(dir, name), text);
    const io = memoryIo({ cwd: dir });
    const exitCode = await runCli(["run", "--template", name, ...more], io);
    return { exitCode, err: io.complained() };
  }
  const skeleton = "name a file with CreateProject's JSON: `aws codebuild create-project --generate-cli-skeleton`";

  it("that cannot be read says why", async () => {
    expect(await run(undefined, "absent.json")).toEqual({
      exitCode: 2,
      err: `error: cannot read the template \`absent.json\`\n  why: there is no such file\n  fix: ${skeleton}\n`,
    });
    mkdirSync(join(dir, "folder"));
    expect((await run(undefined, "folder")).err).toContain("  why: it is a folder\n");
  });

  it("that is not JSON names the place", async () => {
    expect(await run('{\n  "name": "app",\n  oops\n}')).toEqual({
      exitCode: 2,
      err: "error: `p.json` is not JSON of a CreateProject input: line 3, column 3 is not JSON\n",
    });
    expect((await run("")).err).toBe("error: `p.json` is not JSON of a CreateProject input: it is empty\n");
    expect((await run('{"name": "app"')).err).toMatch(/^error: `p\.json` is not JSON of a CreateProject input: /);
  });

  it("with a misspelt member gets the nearest", async () => {
    expect(await run('{"name": "app", "sourc": {}}')).toEqual({
      exitCode: 2,
      err: "error: `p.json` has the member `sourc`, which CreateProject does not know\n  fix: did you mean `source`?\n",
    });
  });

  it("whose role does not exist says how to make it", async () => {
    const { exitCode, err } = await run(JSON.stringify({ name: "app", serviceRole: ROLE }));
    expect(exitCode).toBe(2);
    expect(err).toBe(
      `error: there is no role \`builds\`\n  why: the template \`p.json\` names it: that role decides what the build may do, so it must exist in Kiln\n  fix: create it: aws iam create-role --role-name builds --assume-role-policy-document '${CODEBUILD_TRUST}'\n  fix: or name another one with --role\n`,
    );
  });

  it("that CodeBuild refuses is a mistake in the file", async () => {
    const { startKiln } = await import("../../app.ts");
    const kiln = await startKiln({ stateDir: join(dir, ".kiln"), port: 0 });
    await kiln.root.call("iam", "CreateRole", { RoleName: "builds", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    await kiln.close();
    const { exitCode, err } = await run(JSON.stringify({ name: "app", serviceRole: ROLE, source: { type: "S4" } }));
    expect(exitCode).toBe(2);
    expect(err.split("\n")[0]).toMatch(
      /^error: CodeBuild does not take the project in `p\.json` \(ValidationException\): 3 validation errors detected: Value 'S4' at 'source\.type' /,
    );
  });
});
