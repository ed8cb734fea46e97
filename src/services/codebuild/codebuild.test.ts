import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, SCOPE, type TestAccount } from "../../../test/support/codebuild-account.ts";
import type { BuildEvent } from "../../build/run/index.ts";
import type { UserPrincipal } from "../../core/aws.ts";
import { createHostEngine } from "../../engines/index.ts";
import { ownMark } from "./builds/process-mark.ts";
import { buildKey, recordsIn } from "./records.ts";

const engine = createHostEngine({ graceMs: 100 });
const spec = (command: string): string =>
  `version: 0.2\nphases:\n  build:\n    commands:\n      - ${JSON.stringify(command)}\n`;

describe("CodeBuild", () => {
  let account: TestAccount;
  beforeEach(async () => {
    account = await openTestAccount([engine]);
  });
  afterEach(() => account.close());

  it("fills in AWS's defaults of a project", async () => {
    await account.makeRole([]);
    const { project } = await account.root.call<{ project: Record<string, unknown> }>("codebuild", "CreateProject", {
      name: "my-project",
      source: { type: "GITHUB", location: "https://github.com/o/r" },
      artifacts: { type: "S3", location: "bucket" },
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
      },
      serviceRole: ROLE,
    });
    expect(project).toMatchObject({
      arn: "arn:aws:codebuild:us-east-1:111122223333:project/my-project",
      encryptionKey: "arn:aws:kms:us-east-1:111122223333:alias/aws/s3",
      timeoutInMinutes: 60,
      queuedTimeoutInMinutes: 480,
      badge: { badgeEnabled: false },
      cache: { type: "NO_CACHE" },
      source: { insecureSsl: false },
      environment: { privilegedMode: false, imagePullCredentialsType: "CODEBUILD", environmentVariables: [] },
      artifacts: { namespaceType: "NONE", packaging: "NONE", name: "my-project", encryptionDisabled: false },
    });
  });

  it("refuses a role that does not exist or does not trust CodeBuild", async () => {
    await expect(account.makeProject(spec("true"))).rejects.toMatchObject({
      code: "InvalidInputException",
      message:
        "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy configured.",
    });
  });

  it.each([
    [
      { artifacts: { type: "NO_ARTIFACTS", location: "b" } },
      "Invalid artifacts: artifact type NO_ARTIFACTS should have null location",
    ],
    [
      { artifacts: { type: "NO_ARTIFACTS", name: "n" } },
      "Invalid artifacts: artifact type NO_ARTIFACTS should have null output name",
    ],
    [{ artifacts: { type: "S3", location: "b/c" } }, "Invalid artifacts: location should not have a forward-slash"],
  ])("refuses %j", async (more, message) => {
    await account.makeRole([]);
    await expect(account.makeProject(spec("true"), more)).rejects.toMatchObject({
      code: "InvalidInputException",
      message,
    });
  });

  it("needs iam:PassRole for the service role", async () => {
    await account.makeRole([]);
    const { User } = await account.root.call<{ User: { Arn: string; UserId: string } }>("iam", "CreateUser", {
      UserName: "dev",
    });
    await account.root.call("iam", "PutUserPolicy", {
      UserName: "dev",
      PolicyName: "builds",
      PolicyDocument: JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action: "codebuild:*", Resource: "*" }],
      }),
    });
    const caller: UserPrincipal = {
      type: "User",
      arn: User.Arn,
      accountId: SCOPE.accountId,
      userId: User.UserId,
      userName: "dev",
    };
    const asUser = account.callerFor(caller);
    await expect(
      asUser.call("codebuild", "CreateProject", {
        name: "p2",
        source: { type: "NO_SOURCE", buildspec: spec("true") },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
        },
        serviceRole: ROLE,
      }),
    ).rejects.toMatchObject({
      code: "AccessDeniedException",
      message: `User: ${caller.arn} is not authorized to perform: iam:PassRole on resource: ${ROLE} because no identity-based policy allows the iam:PassRole action`,
    });
  });

  it("answers StartBuild at once with AWS's first shape, then runs the build", async () => {
    await account.makeRole([]);
    await account.makeProject(spec("echo hello"));
    const { build } = await account.root.call<{ build: Record<string, unknown> }>("codebuild", "StartBuild", {
      projectName: "my-project",
      environmentVariablesOverride: [{ name: "A", value: "1" }],
    });
    expect(build).toMatchObject({
      buildNumber: 1,
      currentPhase: "QUEUED",
      buildStatus: "IN_PROGRESS",
      buildComplete: false,
      initiator: "root",
      secondarySources: [],
      artifacts: { location: "" },
      environment: { environmentVariables: [{ name: "A", value: "1", type: "PLAINTEXT" }] },
      logs: { cloudWatchLogsArn: "arn:aws:logs:us-east-1:111122223333:log-group:null:log-stream:null" },
    });
    expect((build["phases"] as { phaseType: string }[]).map((phase) => phase.phaseType)).toEqual([
      "SUBMITTED",
      "QUEUED",
    ]);
    const texts: string[] = [];
    for await (const event of account.service.runner.events(String(build["id"]))) {
      if (event.type === "log") texts.push(event.text);
    }
    expect(texts).toContain("hello");
    const done = await account.root.call<{ builds: Record<string, unknown>[] }>("codebuild", "BatchGetBuilds", {
      ids: [build["id"], "my-project:nope"],
    });
    expect(done).toMatchObject({
      builds: [{ buildStatus: "SUCCEEDED", buildComplete: true, currentPhase: "COMPLETED" }],
      buildsNotFound: ["my-project:nope"],
    });
    expect(await readdir(account.folder)).toEqual([expect.stringMatching(/^kiln-builds-/)]);
  });

  it("reads parameters as the service role: denied, then allowed, then hidden", async () => {
    await account.makeRole([]);
    await account.root.call("ssm", "PutParameter", {
      Name: "my_app_user",
      Value: "the-user-name",
      Type: "SecureString",
    });
    await account.makeProject(
      `version: 0.2\nenv:\n  parameter-store:\n    USER_NAME: my_app_user\nphases:\n  build:\n    commands: ['echo "I am $USER_NAME"']\n`,
    );
    const first = await account.build();
    expect(first["buildStatus"]).toBe("FAILED");
    const uuid = String(first["id"]).split(":")[1];
    const phases = first["phases"] as { phaseType: string; contexts?: { statusCode: string; message: string }[] }[];
    const context = phases.find((phase) => phase.phaseType === "DOWNLOAD_SOURCE")?.contexts?.[0];
    expect(context?.statusCode).toBe("Decrypted Variables Error");
    expect(context?.message.replace(/[0-9a-f-]{36}$/, "ID")).toBe(
      `AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${uuid} is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:111122223333:parameter/my_app_user because no identity-based policy allows the ssm:GetParameters action\n\tstatus code: 400, request id: ID`,
    );
    await account.root.call("iam", "AttachRolePolicy", {
      RoleName: "CodeBuildServiceRole",
      PolicyArn: "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess",
    });
    const { build } = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    const events: BuildEvent[] = [];
    for await (const event of account.service.runner.events(build.id)) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: "build-finished", buildStatus: "SUCCEEDED" });
    expect(events.filter((event) => event.type === "log").map((event) => event.text)).toContain("I am ***");
    expect(JSON.stringify(events)).not.toContain("the-user-name");
  });

  it("writes the log as the service role, one event a line", async () => {
    await account.makeRole(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]);
    await account.makeProject(spec("echo hello"), { logsConfig: undefined });
    const build = await account.build();
    const logs = build["logs"] as { groupName: string; streamName: string };
    expect(logs.groupName).toBe("/aws/codebuild/my-project");
    const { events } = await account.root.call<{ events: { message: string }[] }>("logs", "GetLogEvents", {
      logGroupName: logs.groupName,
      logStreamName: logs.streamName,
      startFromHead: true,
    });
    const messages = events.map((event) => event.message);
    expect(messages[0]).toMatch(
      /^\[Container\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} Running on CodeBuild On-demand\n$/,
    );
    expect(messages).toContain("hello\n");
    expect(messages.at(-1)).toMatch(/Phase context status code: {2}Message: \n$/);
  });

  it("stops a running build and leaves nothing behind", async () => {
    await account.makeRole([]);
    await account.makeProject(spec("echo started; sleep 1000"));
    const { build } = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    for await (const event of account.service.runner.events(build.id)) {
      if (event.type === "log" && event.text === "started") break;
    }
    const stopped = await account.root.call("codebuild", "StopBuild", { id: build.id });
    expect(stopped).toMatchObject({
      build: { buildStatus: "STOPPED", buildComplete: true, currentPhase: "COMPLETED" },
    });
    expect(await account.root.call("codebuild", "StopBuild", { id: build.id })).toMatchObject({
      build: { buildStatus: "STOPPED" },
    });
    expect(await readdir(account.folder)).toHaveLength(1);
  });

  it("numbers builds, lists them newest first, retries with the same overrides, deletes finished ones", async () => {
    await account.makeRole([]);
    await account.makeProject(spec('test "$A" = 1'));
    const first = await account.build({ environmentVariablesOverride: [{ name: "A", value: "1" }] });
    const { build: again } = await account.root.call<{ build: { id: string; buildNumber: number } }>(
      "codebuild",
      "RetryBuild",
      { id: first["id"] },
    );
    for await (const event of account.service.runner.events(again.id)) void event;
    const { builds } = await account.root.call<{ builds: { buildStatus: string }[] }>("codebuild", "BatchGetBuilds", {
      ids: [again.id],
    });
    expect([again.buildNumber, builds[0]?.buildStatus]).toEqual([2, "SUCCEEDED"]);
    expect(await account.root.call("codebuild", "ListBuildsForProject", { projectName: "my-project" })).toEqual({
      ids: [again.id, first["id"]],
    });
    expect(await account.root.call("codebuild", "ListBuilds", { sortOrder: "ASCENDING" })).toEqual({
      ids: [first["id"], again.id],
    });
    expect(await account.root.call("codebuild", "BatchDeleteBuilds", { ids: [first["id"]] })).toEqual({
      buildsDeleted: [first["arn"]],
    });
    expect(await account.root.call("codebuild", "ListBuilds", {})).toEqual({ ids: [again.id] });
    expect((await account.build())["buildNumber"]).toBe(3);
  });

  it("gives the same build for the same idempotency token", async () => {
    await account.makeRole([]);
    await account.makeProject(spec("true"));
    const input = { projectName: "my-project", idempotencyToken: "t" };
    const one = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", input);
    const two = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", input);
    expect(two.build.id).toBe(one.build.id);
    await expect(account.root.call("codebuild", "StartBuild", { ...input, sourceVersion: "x" })).rejects.toMatchObject({
      code: "InvalidInputException",
    });
  });

  it("gives container credentials of the role to who knows the token only", async () => {
    await account.makeRole([]);
    await account.makeProject(
      spec(
        'echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI $(echo $AWS_CONTAINER_AUTHORIZATION_TOKEN | cut -c1-20) $AWS_CONTAINER_AUTHORIZATION_TOKEN"; sleep 1000',
      ),
    );
    const { build } = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    let line = "";
    for await (const event of account.service.runner.events(build.id)) {
      if (event.type === "log" && event.text.startsWith("http://127.0.0.1:1/_kiln/credentials/")) {
        line = event.text;
        break;
      }
    }
    const [uri = "", start, token] = line.split(" ");
    const found = account.service.runner.credentialsFor(uri.slice(uri.lastIndexOf("/") + 1));
    expect(found?.token.slice(0, 20)).toBe(start);
    expect(token).toBe("***");
    expect(await found?.session.credentials()).toMatchObject({
      accessKeyId: expect.stringMatching(/^ASIA/),
      roleArn: ROLE,
    });
    await account.root.call("codebuild", "StopBuild", { id: build.id });
  });
});

describe("a build that another process runs", () => {
  it("can be followed and stopped through the state folder", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "kiln-state-"));
    const owner = await openTestAccount([engine], stateDir);
    const other = await openTestAccount([engine], stateDir);
    try {
      await owner.makeRole([]);
      await owner.makeProject(spec("echo started; sleep 1000"));
      const { build } = await owner.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
        projectName: "my-project",
      });
      const events: BuildEvent[] = [];
      for await (const event of other.service.runner.events(build.id)) {
        events.push(event);
        if (event.type !== "log" || event.text !== "started") continue;
        expect(await other.root.call("codebuild", "StopBuild", { id: build.id })).toMatchObject({
          build: { buildStatus: "STOPPED", buildComplete: true },
        });
      }
      expect(events.at(-1)).toMatchObject({ type: "build-finished", buildStatus: "STOPPED" });
    } finally {
      await other.close();
      await owner.close();
      await rm(stateDir, { recursive: true, force: true });
    }
  });
});

describe("a build whose process died", () => {
  it("is shown as interrupted, and its processes and folders are removed", async () => {
    const stateDir = await mkdtemp(join(tmpdir(), "kiln-state-"));
    const account = await openTestAccount([engine], stateDir);
    try {
      await account.makeRole([]);
      await account.makeProject(spec("true"));
      const done = await account.build();
      const [projectName = "", uuid = ""] = String(done["id"]).split(":");
      const records = recordsIn(account.store);
      const key = buildKey(SCOPE, projectName, uuid);
      const record = records.builds.get(key);
      if (!record) throw new Error("no record");
      const workDir = join(account.folder, "left");
      await mkdir(workDir);
      const left = spawn("sleep", ["1000"], { cwd: workDir, detached: true, stdio: "ignore" });
      const exited = new Promise((resolve) => left.once("exit", resolve));
      await account.store.write(() =>
        records.builds.put(key, {
          ...record,
          workDir,
          privateDir: workDir,
          build: { ...record.build, buildComplete: false, buildStatus: "IN_PROGRESS" },
          phases: [{ phaseType: "BUILD", startTimeMs: 0 }],
          owner: { ...ownMark(), started: "another start" },
        }),
      );
      await account.service.runner.recover();
      await exited;
      expect(existsSync(workDir)).toBe(false);
      const { builds } = await account.root.call<{ builds: unknown[] }>("codebuild", "BatchGetBuilds", {
        ids: [done["id"]],
      });
      expect(builds[0]).toMatchObject({
        buildStatus: "FAULT",
        buildComplete: true,
        phases: [
          {
            phaseType: "BUILD",
            phaseStatus: "FAULT",
            contexts: [
              {
                statusCode: "INTERNAL_SERVICE_ERROR",
                message: `Kiln was interrupted while the build ran (process ${process.pid} ended); start the build again`,
              },
            ],
          },
          { phaseType: "COMPLETED" },
        ],
      });
      expect(await readFile(join(stateDir, "builds", uuid, "events.log"), "utf8")).toContain('"buildStatus":"FAULT"');
    } finally {
      await account.close();
      await rm(stateDir, { recursive: true, force: true });
    }
  });
});
