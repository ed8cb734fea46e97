/** A webhook that starts batches, and events of what another process on the same state folder does. */
import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Kiln, startKiln } from "../../src/app.ts";
import {
  makeRepository,
  makeServiceRole,
  projectInput,
  ROLE,
  type TestRepository,
} from "../support/webhook-project.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-webhook-batch-"));
let kiln: Kiln;
let repository: TestRepository;

beforeAll(async () => {
  repository = makeRepository("true");
  writeFileSync(
    join(repository.dir, "buildspec.yml"),
    JSON.stringify({
      version: "0.2",
      env: { "exported-variables": ["CODEBUILD_WEBHOOK_TRIGGER", "CODEBUILD_BATCH_BUILD_IDENTIFIER"] },
      batch: { "build-list": [{ identifier: "one" }, { identifier: "two" }] },
      phases: { build: { commands: ["true"] } },
    }),
  );
  repository.git("commit", "--quiet", "-am", "batch");
  kiln = await startKiln({ stateDir: join(folder, "state"), port: 0 });
  await makeServiceRole(kiln);
  await kiln.root.call("iam", "PutRolePolicy", {
    RoleName: "CodeBuildServiceRole",
    PolicyName: "batch",
    PolicyDocument: JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "codebuild:*", Resource: "*" }],
    }),
  });
});

afterAll(async () => {
  await kiln.close();
  repository.remove();
  rmSync(folder, { recursive: true, force: true });
});

describe("a webhook of build type BUILD_BATCH", () => {
  it("starts a batch whose builds have the webhook's variables, seen by another process too", async () => {
    const other = await startKiln({ stateDir: join(folder, "state"), port: 0 });
    const seen: string[] = [];
    const stop = new AbortController();
    const reading = (async () => {
      for await (const { event } of other.buildEvents({ afterSequence: 0, follow: true, signal: stop.signal })) {
        seen.push(
          `${event["detail-type"]} ${event.detail["build-batch-status"] ?? event.detail["build-status"] ?? ""}`,
        );
        if (event.detail["build-batch-status"] !== undefined && event.detail["build-batch-status"] !== "IN_PROGRESS")
          break;
      }
    })();
    await kiln.root.call("codebuild", "CreateProject", {
      ...projectInput("batches", repository.dir, "GITHUB_ENTERPRISE"),
      buildBatchConfig: { serviceRole: ROLE },
    });
    const { webhook } = await kiln.root.call<{ webhook: { payloadUrl: string; secret: string } }>(
      "codebuild",
      "CreateWebhook",
      { projectName: "batches", buildType: "BUILD_BATCH" },
    );
    const body = JSON.stringify({ ref: "refs/heads/main", after: repository.git("rev-parse", "HEAD"), commits: [] });
    const signature = createHmac("sha256", webhook.secret).update(body).digest("hex");
    const response = await fetch(webhook.payloadUrl, {
      method: "POST",
      body,
      headers: { "x-github-event": "push", "x-hub-signature-256": `sha256=${signature}` },
    });
    const answer = (await response.json()) as { decision: string; buildBatchId: string };
    expect(answer).toMatchObject({ decision: "started", buildBatchId: expect.stringMatching(/^batches:/) });
    await reading;
    stop.abort();
    await other.close();
    expect(seen[0]).toBe("CodeBuild Build Batch State Change IN_PROGRESS");
    expect(seen.at(-1)).toBe("CodeBuild Build Batch State Change SUCCEEDED");
    const { ids } = await kiln.root.call<{ ids: string[] }>("codebuild", "ListBuildsForProject", {
      projectName: "batches",
    });
    const { builds } = await kiln.root.call<{
      builds: { initiator: string; exportedEnvironmentVariables: { name: string; value: string }[] }[];
    }>("codebuild", "BatchGetBuilds", { ids });
    const members = builds.filter(({ exportedEnvironmentVariables }) => exportedEnvironmentVariables.length > 0);
    expect(members).toHaveLength(2);
    for (const { initiator, exportedEnvironmentVariables } of members) {
      expect(initiator).toBe("GitHub-Hookshot/kiln");
      expect(exportedEnvironmentVariables).toContainEqual({ name: "CODEBUILD_WEBHOOK_TRIGGER", value: "branch/main" });
    }
  });
});
