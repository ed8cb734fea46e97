import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, ROLE, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { sleep, systemClock } from "../../../core/clock.ts";
import { ownMark } from "../../../core/process-mark.ts";
import { createHostEngine } from "../../../engines/index.ts";
import { recordsIn } from "../records.ts";
import type { CommandExecution, Sandbox } from "../shapes.gen.ts";

const engine = createHostEngine({ graceMs: 100 });
const SPEC = "version: 0.2\nphases: {build: {commands: ['true']}}\n";

describe("a sandbox", () => {
  let account: TestAccount;
  beforeEach(async () => {
    account = await openTestAccount([engine]);
    await account.makeRole(["ssm:GetParameters"]);
  });
  afterEach(() => account.close());

  async function start(): Promise<Sandbox & { id: string }> {
    const { sandbox } = await account.root.call<{ sandbox: Sandbox & { id: string } }>("codebuild", "StartSandbox", {
      projectName: "my-project",
    });
    return sandbox;
  }
  const get = async (id: string): Promise<Sandbox | undefined> =>
    (await account.root.call<{ sandboxes: Sandbox[] }>("codebuild", "BatchGetSandboxes", { ids: [id] })).sandboxes[0];

  async function submit(sandboxId: string, command: string): Promise<string> {
    const { commandExecution } = await account.root.call<{ commandExecution: CommandExecution }>(
      "codebuild",
      "StartCommandExecution",
      { sandboxId, command },
    );
    expect(commandExecution).toMatchObject({ status: "SUBMITTED", command, type: "SHELL", sandboxId });
    return commandExecution.id ?? "";
  }
  async function outcome(sandboxId: string, id: string): Promise<CommandExecution> {
    for (;;) {
      const { commandExecutions } = await account.root.call<{ commandExecutions: CommandExecution[] }>(
        "codebuild",
        "BatchGetCommandExecutions",
        { sandboxId, commandExecutionIds: [id] },
      );
      const found = commandExecutions[0];
      if (found?.endTime !== undefined) return found;
      await sleep(systemClock, 5);
    }
  }
  const run = async (sandboxId: string, command: string): Promise<CommandExecution> =>
    outcome(sandboxId, await submit(sandboxId, command));

  it("runs commands one after the other, standard output and standard error apart, and carries their state", async () => {
    await account.makeProject(SPEC);
    const { id } = await start();
    expect(await run(id, "echo out; echo err >&2; exit 3")).toMatchObject({
      status: "FAILED",
      exitCode: "3",
      standardOutputContent: "out\n",
      standardErrContent: "err\n",
    });
    const first = await submit(id, "mkdir here && cd here && export A=1");
    const second = await submit(id, 'echo "$A ${PWD##*/}"');
    expect(await outcome(id, first)).toMatchObject({ status: "SUCCEEDED", exitCode: "0" });
    expect(await outcome(id, second)).toMatchObject({ standardOutputContent: "1 here\n", standardErrContent: "" });
    const listed = await account.root.call<{ commandExecutions: CommandExecution[] }>(
      "codebuild",
      "ListCommandExecutionsForSandbox",
      { sandboxId: id, sortOrder: "ASCENDING" },
    );
    expect(listed.commandExecutions.map((one) => one.exitCode)).toEqual(["3", "0", "0"]);
  });

  it("says syntax errors as CodeBuild does: the command stands in line 4 of its script", async () => {
    await account.makeProject(SPEC);
    const { id } = await start();
    const done = await run(id, "echo )");
    expect(done.standardErrContent).toMatch(/script\.sh: (line )?4: [Ss]yntax error/);
    expect(done.standardOutputContent).toBe("");
  });

  it("resolves the project's variables as the service role and hides them", async () => {
    await account.root.call("ssm", "PutParameter", { Name: "token", Value: "the-secret-value", Type: "SecureString" });
    await account.makeProject(SPEC, {
      environment: {
        type: "LINUX_CONTAINER",
        image: "aws/codebuild/standard:7.0",
        computeType: "BUILD_GENERAL1_SMALL",
        environmentVariables: [{ name: "TOKEN", value: "token", type: "PARAMETER_STORE" }],
      },
    });
    const { id } = await start();
    expect(await run(id, 'echo "$TOKEN"; echo "$TOKEN" >&2; test "$TOKEN" = the-secret-""value')).toMatchObject({
      exitCode: "0",
      standardOutputContent: "***\n",
      standardErrContent: "***\n",
    });
  });

  it("shows its phases, and stopping it ends the command that runs and leaves nothing behind", async () => {
    await account.makeProject(SPEC);
    const started = await start();
    expect(started).toMatchObject({
      arn: `arn:aws:codebuild:us-east-1:111122223333:sandbox/${started.id}`,
      projectName: "my-project",
      status: "QUEUED",
      serviceRole: ROLE,
      currentSession: { currentPhase: "QUEUED", phases: [{ phaseType: "SUBMITTED" }, { phaseType: "QUEUED" }] },
    });
    const command = await submit(started.id, "sleep 1000");
    while ((await get(started.id))?.status !== "RUN_SANDBOX") await sleep(systemClock, 5);
    const waiting = await submit(started.id, "echo never");
    const records = recordsIn(account.store);
    const workDir = records.sandboxes.list([])[0]?.value.workDir ?? "";
    expect(existsSync(workDir)).toBe(true);
    const { sandbox } = await account.root.call<{ sandbox: Sandbox }>("codebuild", "StopSandbox", { id: started.id });
    expect(sandbox).toMatchObject({
      status: "STOPPED",
      currentSession: { currentPhase: "COMPLETED", status: "STOPPED" },
    });
    expect(sandbox.currentSession?.phases?.map((phase) => [phase.phaseType, phase.phaseStatus])).toEqual([
      ["SUBMITTED", "SUCCEEDED"],
      ["QUEUED", "SUCCEEDED"],
      ["PROVISIONING", "SUCCEEDED"],
      ["DOWNLOAD_SOURCE", "SUCCEEDED"],
      ["RUN_SANDBOX", "SUCCEEDED"],
      ["COMPLETED", undefined],
    ]);
    expect(existsSync(workDir)).toBe(false);
    expect((await outcome(started.id, command)).status).toBe("STOPPED");
    expect((await outcome(started.id, waiting)).status).toBe("STOPPED");
    const late = account.root.call("codebuild", "StartCommandExecution", { sandboxId: started.id, command: "true" });
    await expect(late).rejects.toMatchObject({
      code: "InvalidInputException",
      message: `Sandbox is not running: ${started.id}`,
    });
  });

  it("fails in the phase that failed, with AWS's text", async () => {
    await account.makeProject(SPEC, { logsConfig: { cloudWatchLogs: { status: "ENABLED" } } });
    const { id } = await start();
    let sandbox = await get(id);
    while (sandbox?.endTime === undefined) {
      await sleep(systemClock, 5);
      sandbox = await get(id);
    }
    expect(sandbox.status).toBe("FAILED");
    expect(sandbox.currentSession?.phases?.at(-2)).toMatchObject({
      phaseType: "QUEUED",
      phaseStatus: "FAILED",
      contexts: [{ statusCode: "ACCESS_DENIED", message: expect.stringContaining("logs:CreateLogStream") }],
    });
  });

  it("gives the same sandbox for the same token, lists newest first, and names what it does not know", async () => {
    await account.makeProject(SPEC);
    const input = { projectName: "my-project", idempotencyToken: "t" };
    const one = await account.root.call<{ sandbox: Sandbox }>("codebuild", "StartSandbox", input);
    const two = await account.root.call<{ sandbox: Sandbox }>("codebuild", "StartSandbox", input);
    expect(two.sandbox.id).toBe(one.sandbox.id);
    const other = await start();
    const ids = [other.id, one.sandbox.id];
    expect(await account.root.call("codebuild", "ListSandboxes", {})).toEqual({ ids: expect.arrayContaining(ids) });
    const listed = await account.root.call<{ ids: string[]; nextToken: string }>(
      "codebuild",
      "ListSandboxesForProject",
      {
        projectName: "my-project",
        maxResults: 1,
      },
    );
    expect(listed.ids).toHaveLength(1);
    const rest = await account.root.call<{ ids: string[] }>("codebuild", "ListSandboxesForProject", {
      projectName: "my-project",
      nextToken: listed.nextToken,
    });
    expect([...listed.ids, ...rest.ids].sort()).toEqual([...ids].sort());
    expect(await account.root.call("codebuild", "BatchGetSandboxes", { ids: ["my-project:nope"] })).toEqual({
      sandboxes: [],
      sandboxesNotFound: ["my-project:nope"],
    });
    await expect(account.root.call("codebuild", "StopSandbox", { id: "my-project:nope" })).rejects.toMatchObject({
      code: "ResourceNotFoundException",
      message: "Sandbox cannot be found: my-project:nope",
    });
    await expect(account.root.call("codebuild", "StartSandbox", {})).rejects.toMatchObject({
      message: "Invalid input: projectName must be set",
    });
  });

  it("is closed by the next process when its own died", async () => {
    await account.makeProject(SPEC);
    const { id } = await start();
    await account.root.call("codebuild", "StopSandbox", { id });
    const records = recordsIn(account.store);
    const [entry] = records.sandboxes.list([]);
    if (!entry) throw new Error("no record");
    const left = {
      ...entry.value,
      sandbox: { ...entry.value.sandbox, status: "RUN_SANDBOX" },
      phases: [{ phaseType: "RUN_SANDBOX", phaseStatus: "IN_PROGRESS" as const, startTime: 0 }],
      owner: { ...ownMark(), started: "another start" },
    };
    await account.store.write(() => records.sandboxes.put(entry.key, left));
    await account.service.runner.recover();
    expect(await get(id)).toMatchObject({
      status: "FAULT",
      currentSession: {
        phases: [
          {
            phaseStatus: "FAULT",
            contexts: [
              {
                statusCode: "INTERNAL_SERVICE_ERROR",
                message: `Kiln was interrupted while the sandbox was open (process ${process.pid} ended); start another one`,
              },
            ],
          },
          { phaseType: "COMPLETED" },
        ],
      },
    });
  });
});
