/** `kiln webhook` and `kiln builds events` on a state folder that another Kiln has made. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKiln } from "../../src/app.ts";
import { memoryIo } from "../../src/cli/io.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import { makeRepository, makeServiceRole, projectInput, type TestRepository } from "../support/webhook-project.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-webhook-cli-"));
const stateDir = join(folder, "state");
let repository: TestRepository;

async function kiln(...argv: string[]) {
  const io = memoryIo({ cwd: repository.dir });
  const exitCode = await runCli([...argv, "--state-dir", stateDir], io);
  return { exitCode, out: io.written(), err: io.complained() };
}

beforeAll(async () => {
  repository = makeRepository("echo built $CODEBUILD_WEBHOOK_TRIGGER");
  const running = await startKiln({ stateDir, port: 0 });
  await makeServiceRole(running);
  const make = async (name: string, type: string, filterGroups: object[]) => {
    await running.root.call("codebuild", "CreateProject", projectInput(name, repository.dir, type));
    await running.root.call("codebuild", "CreateWebhook", { projectName: name, filterGroups });
  };
  await running.root.call("codebuild", "ImportSourceCredentials", {
    serverType: "GITLAB",
    authType: "PERSONAL_ACCESS_TOKEN",
    token: "t",
  });
  await make("app", "GITHUB_ENTERPRISE", [
    [
      { type: "EVENT", pattern: "PUSH" },
      { type: "HEAD_REF", pattern: "^refs/heads/main$" },
      { type: "FILE_PATH", pattern: "^docs/", excludeMatchedPattern: true },
    ],
    [
      { type: "EVENT", pattern: "PULL_REQUEST_CREATED" },
      { type: "COMMIT_MESSAGE", pattern: "\\[CodeBuild\\]" },
    ],
  ]);
  await make("lab", "GITLAB", [[{ type: "EVENT", pattern: "PULL_REQUEST_MERGED" }]]);
  await running.root.call("codebuild", "CreateProject", projectInput("bare", repository.dir));
  await running.close();
});

afterAll(() => {
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe("kiln webhook trigger", () => {
  it("says for each filter whether it passes, without starting anything", async () => {
    repository.git("checkout", "--quiet", "-b", "topic");
    const { exitCode, out } = await kiln("webhook", "trigger", "app", "--dry-run");
    repository.git("checkout", "--quiet", "main");
    expect(exitCode).toBe(0);
    expect(out).toBe(
      [
        "PUSH branch/topic: ignored (no filter group passed)",
        "  group 1: not passed",
        "    ok   EVENT `PUSH`: the event is PUSH, which is in the list",
        "    no   HEAD_REF `^refs/heads/main$`: not found in `refs/heads/topic`",
        "    ok   FILE_PATH not `^docs/`: not found in any of 2 paths, and turned round",
        "  group 2: not passed",
        "    no   EVENT `PULL_REQUEST_CREATED`: the event is PUSH, which is not in the list",
        "    ok   COMMIT_MESSAGE `\\[CodeBuild\\]`: found in `first [CodeBuild]`",
        "",
      ].join("\n"),
    );
  });

  it("builds what the repository here would have pushed, and remembers it", async () => {
    const { exitCode, out, err } = await kiln("webhook", "trigger", "app");
    expect(err).toBe("");
    expect(out).toMatch(/^PUSH branch\/main: started app:[0-9a-f-]{36} \(filter group 1 passed\)\n/);
    expect(out).toContain("built branch/main\n");
    expect(exitCode).toBe(0);
    const listed = await kiln("webhook", "ls", "app");
    expect(listed.out).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d {2}push\n {2}PUSH branch\/main: started app:/);
  });

  it("makes pull requests of every provider", async () => {
    const github = await kiln(
      "webhook",
      "trigger",
      "app",
      "--type",
      "PULL_REQUEST_CREATED",
      "--number",
      "7",
      "--dry-run",
    );
    expect(github.out).toMatch(/^PULL_REQUEST_CREATED pr\/7: would start \(filter group 2 passed\)\n/);
    const gitlab = await kiln("webhook", "trigger", "lab", "--type", "PULL_REQUEST_MERGED", "--dry-run", "-o", "json");
    expect(JSON.parse(gitlab.out)).toMatchObject({
      outcomes: [{ decision: "would start", event: "PULL_REQUEST_MERGED", sourceVersion: repository.head }],
    });
    const unknown = await kiln("webhook", "trigger", "lab", "--type", "PRERELEASED");
    expect(unknown.exitCode).toBe(2);
    expect(unknown.err).toBe(
      "error: `PRERELEASED` is not an event that can be made for a source of type GITLAB\n  fix: take one of PUSH, PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED, PULL_REQUEST_REOPENED, PULL_REQUEST_MERGED, PULL_REQUEST_CLOSED, RELEASED\n",
    );
  });

  it("needs a project with a webhook, and a repository", async () => {
    expect(await kiln("webhook", "trigger", "bare")).toEqual({
      exitCode: 2,
      out: "",
      err: "error: the project `bare` has no webhook\n  fix: projects with a webhook: `app`, `lab`\n  fix: make one: kiln aws codebuild create-webhook --project-name bare\n",
    });
    const elsewhere = await kiln("webhook", "trigger", "app", "--dir", folder);
    expect(elsewhere.err.split("\n")[0]).toBe(`error: \`${folder}\` has no commit in a git repository`);
  });
});

describe("kiln webhook test", () => {
  it("decides on a payload in a file", async () => {
    const file = join(folder, "push.json");
    writeFileSync(
      file,
      JSON.stringify({ ref: "refs/heads/main", after: "1", commits: [{ added: ["docs/x.md"] }], sender: { id: 1 } }),
    );
    const { exitCode, out } = await kiln("webhook", "test", "app", "--event", file);
    expect(exitCode).toBe(0);
    expect(out).toContain("    no   FILE_PATH not `^docs/`: found in `docs/x.md`, and turned round\n");
  });

  it("says why a payload cannot be read, and which project is meant", async () => {
    const absent = await kiln("webhook", "test", "app", "--event", "absent.json");
    expect(absent.err).toBe("error: `absent.json` cannot be read: there is no such file\n");
    expect((await kiln("webhook", "ls", "barre")).err.split("\n")[0]).toBe(
      "error: there is no project `barre`; the nearest is `bare`",
    );
  });

  it("wants to know which event it is where the payload does not tell", async () => {
    const file = join(folder, "other.json");
    writeFileSync(file, "{}");
    const { exitCode, err } = await kiln("webhook", "test", "app", "--event", file);
    expect(exitCode).toBe(2);
    expect(err.split("\n")[0]).toBe("error: `other.json` does not tell which event it is of");
  });
});

describe("kiln webhook ls", () => {
  it("lists projects without their secrets", async () => {
    const { out } = await kiln("webhook", "ls");
    expect(out).toMatch(
      /^PROJECT +SOURCE +FILTER GROUPS +LAST DELIVERY\napp +GITHUB_ENTERPRISE +2 .*\nlab +GITLAB +1 +none yet\n$/,
    );
    const { out: json } = await kiln("webhook", "ls", "-o", "json");
    expect(json).not.toContain('"secret"');
  });
});

describe("kiln builds events", () => {
  it("prints the changes of a build that another process ran", async () => {
    const { exitCode, out } = await kiln("builds", "events");
    expect(exitCode).toBe(0);
    const lines = out.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}app:[0-9a-f-]{36} {2}IN_PROGRESS \(SUBMITTED\)$/);
    expect(lines.at(-1)).toMatch(/SUCCEEDED \(COMPLETED\)$/);
    const uuid = /app:([0-9a-f-]{36})/.exec(lines[0] ?? "")?.[1] ?? "";
    const followed = await kiln("builds", "events", uuid, "-f", "-o", "json");
    const events = followed.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events).toHaveLength(lines.length);
    expect(events[0]).toMatchObject({ source: "aws.codebuild", "detail-type": "CodeBuild Build State Change" });
  });
});
