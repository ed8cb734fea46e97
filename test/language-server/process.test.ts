/** `kiln lsp` as editors start it: a process of its own, with a state folder that has a parameter, a role and a project. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Hover } from "vscode-languageserver-protocol";
import { startKiln } from "../../src/app.ts";
import { isBuilt, kiln, MAIN } from "../cli/kiln-process.ts";
import { LanguageClient, uriOf } from "../support/language-client.ts";

let folder: string;

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "kiln-lsp-")));
  const store = await startKiln({ stateDir: join(folder, ".kiln"), port: 0 });
  try {
    await store.root.call("ssm", "PutParameter", {
      Name: "/app/password",
      Type: "SecureString",
      Value: "hidden-value-1",
    });
    await store.root.call("ssm", "PutParameter", { Name: "/app/other", Type: "String", Value: "x" });
    const trust = {
      Statement: [{ Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    const document = {
      RoleName: "builder",
      AssumeRolePolicyDocument: JSON.stringify({ Version: "2012-10-17", ...trust }),
    };
    const { Role } = await store.root.call<{ Role: { Arn: string } }>("iam", "CreateRole", document);
    const policy = {
      Version: "2012-10-17",
      Statement: [
        {
          Sid: "Password",
          Effect: "Allow",
          Action: "ssm:GetParameters",
          Resource: "arn:aws:ssm:*:*:parameter/app/password",
        },
      ],
    };
    await store.root.call("iam", "PutRolePolicy", {
      RoleName: "builder",
      PolicyName: "read",
      PolicyDocument: JSON.stringify(policy),
    });
    await store.root.call("codebuild", "CreateProject", {
      name: "web",
      source: { type: "NO_SOURCE", buildspec: "version: 0.2\nphases: {}\n" },
      artifacts: { type: "NO_ARTIFACTS" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
      serviceRole: Role.Arn,
    });
  } finally {
    await store.close();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function startEditor(...more: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, "lsp", "--stdio", ...more], {
    cwd: tmpdir(),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const client = new LanguageClient(child.stdout, child.stdin);
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaints += chunk.toString("utf8");
  });
  return { client, exited: once(child, "exit"), complaints: () => complaints };
}

const hoverText = (hover: Hover | null): string => (hover?.contents as { value: string } | undefined)?.value ?? "";

describe.skipIf(!isBuilt)("kiln lsp", () => {
  it("knows the folder's parameters, and who may read them by which statement", async () => {
    const { client, exited, complaints } = startEditor();
    await client.initialize([folder]);
    const path = join(folder, "buildspec.yml");
    const text =
      "version: 0.2\nenv:\n  parameter-store:\n    A: /app/password\n    B: /app/other\n    C: /app/pasword\nphases:\n  build:\n    commands: [make]\n";
    const diagnostics = await client.open(path, text);
    expect(diagnostics.map(({ code }) => code)).toContain("ssm/parameter-not-found");
    const names = (await client.completions(path, "A: ")).map(({ label }) => label);
    expect(names).toEqual(["/app/other", "/app/password"]);
    const may = hoverText(await client.at("textDocument/hover", path, "/app/password", 2));
    expect(may).toMatch(/^Parameter `\/app\/password`: SecureString, version 1, last modified \d{4}-/);
    expect(may).toContain("Role `builder` of project `web` may read it:");
    expect(may).toContain("`Password`");
    const mayNot = hoverText(await client.at("textDocument/hover", path, "/app/other", 2));
    expect(mayNot).toContain("may **not** read it:");
    expect(JSON.stringify([names, may, mayNot, client.published])).not.toContain("hidden-value-1");

    // Somebody creates what is missing; what is read when the file is saved has it.
    expect((await kiln(folder, ["params", "put", "/app/pasword", "y", "--plain"])).exitCode).toBe(0);
    const next = client.nextDiagnostics(path);
    await client.connection.sendNotification("textDocument/didSave", { textDocument: { uri: uriOf(path) } });
    const after = await next;
    expect(after.map(({ code }) => code)).not.toContain("ssm/parameter-not-found");
    await client.end();
    expect(await exited).toEqual([0, null]);
    expect(complaints()).toBe("");
  });

  it("ends when the editor dies, and makes no state of its own", async () => {
    const empty = realpathSync(mkdtempSync(join(tmpdir(), "kiln-lsp-")));
    try {
      const { client, exited } = startEditor();
      await client.initialize([empty]);
      writeFileSync(join(empty, "a.txt"), "");
      await client.open(join(empty, "buildspec.yml"), "version: 0.2\nphases:\n  build:\n    commands: [make]\n");
      client.connection.end();
      expect(await exited).toEqual([1, null]);
      expect((await kiln(empty, ["lsp"])).exitCode).toBe(1);
    } finally {
      rmSync(empty, { recursive: true, force: true });
    }
  });

  it("ends when the editor dies in the middle of a message", async () => {
    const child = spawn(process.execPath, [MAIN, "lsp"], { cwd: tmpdir(), stdio: ["pipe", "ignore", "ignore"] });
    child.stdin.end("Content-Length: 50\r\n\r\n{");
    expect(await once(child, "exit")).toEqual([1, null]);
  });

  it("says the times it takes", async () => {
    const { client, exited } = startEditor();
    await client.initialize([folder]);
    const path = join(folder, "long.yml");
    const commands = Array.from(
      { length: 290 },
      (_, line) => `      - echo "step ${line}" && test -f a.txt || docker build -t "x:$TAG" .\n`,
    );
    const text = `version: 0.2\nenv:\n  variables:\n    TAG: a\nphases:\n  build:\n    commands:\n${commands.join("")}`;
    for (let index = 0; index < 2_000; index++) writeFileSync(join(folder, `file-${index}.txt`), "");
    const startedMs = performance.now();
    await client.open(path, text);
    const openMs = performance.now() - startedMs;
    const took: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      const fromMs = performance.now();
      await client.edit(path, text.length - 2, text.length - 2, "y");
      took.push(performance.now() - fromMs);
    }
    const sorted = took.toSorted((a, b) => a - b);
    process.stdout.write(
      `297 lines, 2000 files: open ${openMs.toFixed(0)} ms; a change to its diagnostics ${sorted[10]?.toFixed(0)} ms, at most ${sorted.at(-1)?.toFixed(0)} ms\n`,
    );
    await client.end();
    await exited;
  });
});
