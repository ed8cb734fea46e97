import { readdir } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import type { BuildEvent } from "../../../build/run/index.ts";
import { createHostEngine } from "../../../engines/index.ts";

const engine = createHostEngine({ graceMs: 100 });
const spec = (command: string): string =>
  `version: 0.2\nphases:\n  build:\n    commands:\n      - ${JSON.stringify(command)}\n`;

describe("builds", () => {
  let account: TestAccount;
  beforeEach(async () => {
    account = await openTestAccount([engine]);
  });
  afterEach(() => account.close());

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
    expect(await readdir(account.folder)).toEqual([]);
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
    expect(await readdir(account.folder)).toEqual([]);
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
