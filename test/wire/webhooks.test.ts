/** Webhooks over the wire: made with the SDK and the aws CLI, delivered by plain HTTP, builds started or not, and why. */
import { createHmac } from "node:crypto";
import * as CodeBuild from "@aws-sdk/client-codebuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";
import { makeRepository, makeServiceRole, projectInput, type TestRepository } from "../support/webhook-project.ts";

let kiln: StartedEndpoint;
let codebuild: CodeBuild.CodeBuild;
let repository: TestRepository;

beforeAll(async () => {
  repository = makeRepository("true");
  kiln = await startEndpoint();
  codebuild = new CodeBuild.CodeBuild(clientSettings(kiln.url));
  await makeServiceRole(kiln);
});

afterAll(async () => {
  codebuild.destroy();
  await kiln.close();
  repository.remove();
});

async function makeWebhook(name: string, more: Partial<CodeBuild.CreateWebhookInput> = {}, type = "GITHUB") {
  await codebuild.createProject(projectInput(name, repository.dir, type) as CodeBuild.CreateProjectCommandInput);
  const { webhook } = await codebuild.createWebhook({
    projectName: name,
    ...(type.startsWith("GITHUB") ? { manualCreation: true } : {}),
    ...more,
  });
  if (!webhook?.payloadUrl || !webhook.secret) throw new Error("no payload URL or no secret");
  return { url: webhook.payloadUrl, secret: webhook.secret, webhook };
}

const push = (ref = "refs/heads/main", files: readonly string[] = ["src/app.txt"]) => ({
  ref,
  before: "1".repeat(40),
  after: repository.head,
  head_commit: { id: repository.head, message: "fix [CodeBuild]", modified: files },
  commits: [{ id: repository.head, message: "fix [CodeBuild]", modified: files }],
  repository: { name: "r", clone_url: "https://github.com/o/r.git", owner: { login: "o" } },
  sender: { id: 42 },
});

interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

async function post(url: string, body: string, headers: Record<string, string>): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const sign = (secret: string, body: string): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

function postGithub(target: { url: string; secret: string }, event: string, payload: object): Promise<Answer> {
  const body = JSON.stringify(payload);
  return post(target.url, body, {
    "x-github-event": event,
    "x-hub-signature-256": sign(target.secret, body),
    "user-agent": "GitHub-Hookshot/044aadd",
  });
}

async function ended(id: string): Promise<CodeBuild.Build> {
  for await (const event of kiln.events(id)) void event;
  const { builds = [] } = await codebuild.batchGetBuilds({ ids: [id] });
  return builds[0] as CodeBuild.Build;
}

describe("CreateWebhook", () => {
  it("answers payload URL and secret once, and shows the webhook without the secret", async () => {
    const { webhook } = await makeWebhook("shown", {
      filterGroups: [[{ type: "EVENT", pattern: "PUSH" }]],
      buildType: "BUILD",
    });
    expect(webhook).toMatchObject({
      manualCreation: true,
      buildType: "BUILD",
      status: "ACTIVE",
      filterGroups: [[{ type: "EVENT", pattern: "PUSH", excludeMatchedPattern: false }]],
    });
    expect(webhook.lastModifiedSecret).toBeInstanceOf(Date);
    const { projects = [] } = await codebuild.batchGetProjects({ names: ["shown"] });
    expect(projects[0]?.webhook).toEqual({ ...webhook, secret: undefined });
  });

  it("refuses a second one, and what a source cannot have", async () => {
    await makeWebhook("twice");
    await expect(codebuild.createWebhook({ projectName: "twice", manualCreation: true })).rejects.toMatchObject({
      name: "ResourceAlreadyExistsException",
      message: `Webhook already exists for project: arn:aws:codebuild:us-east-1:${ACCOUNT}:project/twice`,
    });
    await expect(codebuild.createWebhook({ projectName: "nothing" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: `Project cannot be found: arn:aws:codebuild:us-east-1:${ACCOUNT}:project/nothing`,
    });
    await codebuild.createProject({
      ...projectInput("no-source", repository.dir, "NO_SOURCE"),
      source: { type: "NO_SOURCE", buildspec: "version: 0.2" },
    } as CodeBuild.CreateProjectCommandInput);
    await expect(codebuild.createWebhook({ projectName: "no-source" })).rejects.toMatchObject({
      name: "InvalidInputException",
      message: "Invalid webhook: projects with source type NO_SOURCE cannot have a webhook",
    });
  });

  it("needs the provider's token where CodeBuild would register the webhook itself", async () => {
    await codebuild.createProject({
      ...projectInput("needs-token", repository.dir),
      source: { type: "GITHUB", location: "https://github.com/o/r.git" },
    } as CodeBuild.CreateProjectCommandInput);
    await expect(codebuild.createWebhook({ projectName: "needs-token" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: "Could not find access token for server type github",
    });
  });

  it("needs no token for a repository on this machine, which has no provider", async () => {
    await codebuild.createProject(projectInput("local", repository.dir) as CodeBuild.CreateProjectCommandInput);
    const { webhook } = await codebuild.createWebhook({ projectName: "local" });
    expect(webhook?.payloadUrl).toMatch(/^http:/);
  });

  it.each([
    [
      { filterGroups: [[{ type: "HEAD_REF", pattern: "main" }]] },
      "Invalid webhook: each filter group must have a filter of type EVENT",
    ],
    [
      { filterGroups: [[{ type: "EVENT", pattern: "PUSH, PULL" }]] },
      "Invalid webhook: PULL is not an event of source type GITHUB; the events are PUSH, PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED, PULL_REQUEST_MERGED, PULL_REQUEST_CLOSED, PULL_REQUEST_REOPENED, RELEASED, PRERELEASED, WORKFLOW_JOB_QUEUED",
    ],
    [
      {
        filterGroups: [
          [
            { type: "EVENT", pattern: "PUSH" },
            { type: "HEAD_REF", pattern: "(" },
          ],
        ],
      },
      "Invalid webhook: the pattern of filter HEAD_REF is not a regular expression: /(/: Unterminated group",
    ],
    [
      { branchFilter: "main", filterGroups: [[{ type: "EVENT", pattern: "PUSH" }]] },
      "Invalid webhook: branchFilter and filterGroups cannot be used together",
    ],
    [
      { buildType: "RUNNER_BUILDKITE_BUILD" },
      "kiln does not offer webhooks of build type RUNNER_BUILDKITE_BUILD (docs/coverage.md)",
    ],
    [
      { filterGroups: [[{ type: "EVENT", pattern: "WORKFLOW_JOB_QUEUED" }]] },
      "kiln does not offer runners (WORKFLOW_JOB_QUEUED) (docs/coverage.md)",
    ],
  ])("refuses %j", async (more, message) => {
    await codebuild.createProject(projectInput("refusing", repository.dir) as CodeBuild.CreateProjectCommandInput);
    try {
      await expect(
        codebuild.createWebhook({
          projectName: "refusing",
          manualCreation: true,
          ...more,
        } as CodeBuild.CreateWebhookInput),
      ).rejects.toMatchObject({ name: "InvalidInputException", message });
    } finally {
      await codebuild.deleteProject({ name: "refusing" });
    }
  });
});

describe("a delivery", () => {
  it("starts a build of the pushed commit with the webhook's variables", async () => {
    const target = await makeWebhook("pushed", {
      filterGroups: [
        [{ type: "EVENT", pattern: "PULL_REQUEST_CREATED" }],
        [
          { type: "EVENT", pattern: "PUSH" },
          { type: "HEAD_REF", pattern: "^refs/heads/main$" },
          { type: "FILE_PATH", pattern: "^src/" },
        ],
      ],
    });
    const { status, body } = await postGithub(target, "push", push());
    expect({ status, ...body }).toMatchObject({
      status: 200,
      project: "pushed",
      decision: "started",
      event: "PUSH",
      trigger: "branch/main",
      why: "filter group 2 passed",
      filters: { passed: true, group: 1 },
    });
    const build = await ended(String(body["buildId"]));
    expect(build).toMatchObject({
      buildStatus: "SUCCEEDED",
      initiator: "GitHub-Hookshot/044aadd",
      sourceVersion: repository.head,
      resolvedSourceVersion: repository.head,
    });
    const exported = (build.exportedEnvironmentVariables ?? []).filter(({ value }) => value !== "");
    expect(Object.fromEntries(exported.map(({ name = "", value }) => [name, value]))).toEqual({
      CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID: "42",
      CODEBUILD_WEBHOOK_EVENT: "PUSH",
      CODEBUILD_WEBHOOK_HEAD_REF: "refs/heads/main",
      CODEBUILD_WEBHOOK_PREV_COMMIT: "1".repeat(40),
      CODEBUILD_WEBHOOK_TRIGGER: "branch/main",
    });
  });

  it("is answered with the reasons where no group passes", async () => {
    const target = await makeWebhook("ignored", {
      filterGroups: [
        [
          { type: "EVENT", pattern: "PUSH" },
          { type: "HEAD_REF", pattern: "^refs/heads/main$" },
        ],
      ],
    });
    const { status, body } = await postGithub(target, "push", push("refs/heads/other"));
    expect(status).toBe(200);
    expect(body).toMatchObject({ decision: "ignored", why: "no filter group passed" });
    expect(body["filters"]).toMatchObject({
      groups: [{ filters: [{ passed: true }, { passed: false, why: "not found in `refs/heads/other`" }] }],
    });
    expect(body).not.toHaveProperty("buildId");
  });

  it("is refused with a wrong signature, without one, and at an unknown address", async () => {
    const target = await makeWebhook("signed");
    const body = JSON.stringify(push());
    const wrong = { "x-github-event": "push", "x-hub-signature-256": sign("another secret", body) };
    expect(await post(target.url, body, wrong)).toEqual({
      status: 403,
      body: { project: "signed", decision: "refused", why: "the signature is not the one of this webhook's secret" },
    });
    expect((await post(target.url, body, { "x-github-event": "push" })).status).toBe(403);
    expect((await post(target.url, body, {})).status).toBe(400);
    expect((await post(target.url.replace(/t=\w+/, "t=nothing"), body, wrong)).status).toBe(404);
    expect((await post(`${kiln.url}/_kiln/webhooks?t=%00`, body, wrong)).status).toBe(404);
    const { ids } = await codebuild.listBuildsForProject({ projectName: "signed" });
    expect(ids).toEqual([]);
    expect(kiln.webhooks.deliveries(kiln.scope, "signed").map(({ outcomes }) => outcomes[0]?.decision)).toEqual([
      "refused",
      "refused",
      "refused",
    ]);
  });

  it("is not trusted with the old secret once it was rotated", async () => {
    const target = await makeWebhook("rotated", { filterGroups: [[{ type: "EVENT", pattern: "RELEASED" }]] });
    const { webhook } = await codebuild.updateWebhook({ projectName: "rotated", rotateSecret: true });
    expect(webhook?.secret).not.toBe(target.secret);
    expect((await postGithub(target, "push", push())).status).toBe(403);
    expect((await postGithub({ ...target, secret: webhook?.secret ?? "" }, "push", push())).status).toBe(200);
  });

  it("may be a ping, and may come to AWS's path", async () => {
    const target = await makeWebhook("pinged");
    const url = target.url.replace("/_kiln/webhooks", "/webhooks");
    const { status, body } = await postGithub({ ...target, url }, "ping", { zen: "Design for failure." });
    expect({ status, decision: body["decision"] }).toEqual({ status: 200, decision: "ping" });
  });

  it.each([
    ["no JSON", "{", 400, "the body is not JSON"],
    ["a list", "[]", 400, "the body is not a JSON object"],
    ["deep nesting", `{"ref":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, 200, "the push names no ref or no commit"],
    [
      "foreign members",
      `{"__proto__":{"ref":"refs/heads/main"},"after":"1"}`,
      200,
      "the push names no ref or no commit",
    ],
  ])("survives %s", async (what, body, status, why) => {
    const target = await makeWebhook(`hostile-${what.replaceAll(" ", "-")}`);
    const headers = { "x-github-event": "push", "x-hub-signature-256": sign(target.secret, body) };
    const answer = await post(target.url, body, headers);
    expect({ status: answer.status, why: answer.body["why"] }).toEqual({ status, why });
  });

  it("is refused when it is too large", async () => {
    const target = await makeWebhook("large");
    const body = Buffer.alloc(10 * 1024 * 1024 + 1, 32);
    const response = await fetch(target.url, { method: "POST", body, headers: { "x-github-event": "push" } });
    expect(response.status).toBe(413);
  });

  it("that passes says so when the role cannot be assumed any more", async () => {
    const target = await makeWebhook("roleless");
    await codebuild.updateProject({ name: "roleless", description: "x" });
    const key = [ACCOUNT, "us-east-1", "roleless"];
    const projects = kiln.store.collection<CodeBuild.Project>("codebuild.projects");
    await kiln.store.write(() => projects.put(key, { ...projects.get(key), serviceRole: `${ACCOUNT}-gone` }));
    const { status, body } = await postGithub(target, "push", push());
    expect(status).toBe(422);
    expect(body).toMatchObject({ decision: "failed" });
    expect(String(body["why"])).toMatch(
      /^InvalidInputException: CodeBuild is not authorized to perform: sts:AssumeRole/,
    );
  });

  it("of GitLab and Bitbucket is checked their way", async () => {
    const credentials = [
      { serverType: "GITLAB", authType: "PERSONAL_ACCESS_TOKEN", token: "glpat" },
      { serverType: "BITBUCKET", authType: "BASIC_AUTH", username: "ada", token: "app password" },
    ] as const;
    for (const credential of credentials) await codebuild.importSourceCredentials(credential);
    const gitlab = await makeWebhook("gitlab", {}, "GITLAB");
    const gitlabPush = JSON.stringify({ ref: "refs/heads/main", after: repository.head, user_id: 1, commits: [] });
    const wrong = await post(gitlab.url, gitlabPush, { "x-gitlab-event": "Push Hook", "x-gitlab-token": "wrong" });
    expect(wrong.body["why"]).toBe("the token is not the one of this webhook's secret");
    const right = await post(gitlab.url, gitlabPush, {
      "x-gitlab-event": "Push Hook",
      "x-gitlab-token": gitlab.secret,
    });
    expect(right.body).toMatchObject({ decision: "started", sourceVersion: repository.head });
    await ended(String(right.body["buildId"]));
    const bitbucket = await makeWebhook("bitbucket", { branchFilter: "^main$" }, "BITBUCKET");
    const bitbucketPush = JSON.stringify({
      push: { changes: [{ new: { type: "branch", name: "main", target: { hash: repository.head, message: "m" } } }] },
    });
    const answer = await post(bitbucket.url, bitbucketPush, {
      "x-event-key": "repo:push",
      "x-hub-signature": sign(bitbucket.secret, bitbucketPush),
    });
    expect(answer.body).toMatchObject({ decision: "started", event: "PUSH" });
    await ended(String(answer.body["buildId"]));
  });

  it("of a pull request waits where the policy asks for an approval", async () => {
    const target = await makeWebhook("approved", {
      pullRequestBuildPolicy: { requiresCommentApproval: "FORK_PULL_REQUESTS", approverRoles: ["GITHUB_WRITE"] },
    });
    const request = (headRepository: string) => ({
      action: "opened",
      number: 7,
      pull_request: {
        head: { ref: "topic", sha: repository.head, repo: { full_name: headRepository } },
        base: { ref: "main", repo: { full_name: "o/r" } },
      },
    });
    const fork = await postGithub(target, "pull_request", request("else/r"));
    expect(fork.body).toMatchObject({
      decision: "ignored",
      why: "Pull request approval required for starting a build",
    });
    const own = await postGithub(target, "pull_request", request("o/r"));
    expect(own.body).toMatchObject({ decision: "started", trigger: "pr/7", sourceVersion: repository.head });
    await ended(String(own.body["buildId"]));
  });
});

describe("DeleteWebhook", () => {
  it("takes the address away; so does DeleteProject", async () => {
    const target = await makeWebhook("deleted");
    await codebuild.deleteWebhook({ projectName: "deleted" });
    expect((await postGithub(target, "push", push())).status).toBe(404);
    await expect(codebuild.deleteWebhook({ projectName: "deleted" })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: `Webhook cannot be found for project: arn:aws:codebuild:us-east-1:${ACCOUNT}:project/deleted`,
    });
    const other = await makeWebhook("deleted-with-project");
    await codebuild.deleteProject({ name: "deleted-with-project" });
    expect((await postGithub(other, "push", push())).status).toBe(404);
  });
});

describe.each(findAwsClis())("aws CLI $version", (cli) => {
  it("makes, changes and deletes a webhook", async () => {
    const name = `cli-${cli.major}`;
    // Older CLIs do not know --manual-creation; GitHub Enterprise's webhooks are registered by hand anyway.
    const input = projectInput(name, repository.dir, "GITHUB_ENTERPRISE");
    await codebuild.createProject(input as CodeBuild.CreateProjectCommandInput);
    const made = await runAws(cli, kiln.url, [
      ...["codebuild", "create-webhook", "--project-name", name],
      ...[
        "--filter-groups",
        '[[{"type":"EVENT","pattern":"PUSH"}]]',
        "--query",
        "webhook.payloadUrl",
        "--output",
        "text",
      ],
    ]);
    expect(made.stderr).toBe("");
    expect(made.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/_kiln\/webhooks\?t=\w{64}&v=1\n$/);
    const changed = await runAws(cli, kiln.url, [
      ...["codebuild", "update-webhook", "--project-name", name, "--branch-filter", "main"],
      ...["--query", "webhook.[branchFilter,filterGroups]", "--output", "json"],
    ]);
    expect(JSON.parse(changed.stdout)).toEqual(["main", null]);
    const deleted = await runAws(cli, kiln.url, ["codebuild", "delete-webhook", "--project-name", name]);
    expect(deleted).toMatchObject({ exitCode: 0, stderr: "" });
  });
});
