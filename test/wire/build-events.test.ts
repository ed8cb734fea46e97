/** Events of builds over the wire: the stream of Server-Sent Events, the target that events are posted to, badges. */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import * as CodeBuild from "@aws-sdk/client-codebuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Kiln, startKiln } from "../../src/app.ts";
import { clientSettings } from "../support/start-endpoint.ts";
import { makeRepository, makeServiceRole, projectInput, type TestRepository } from "../support/webhook-project.ts";

interface Message {
  readonly id: number;
  readonly name: string;
  readonly data: { readonly id: string; readonly "detail-type": string; readonly detail: Record<string, unknown> };
}

/** Reads a stream until `isEnough` says so, or it ends. */
async function readStream(url: string, isEnough: (messages: Message[]) => boolean, headers = {}): Promise<Message[]> {
  const stop = new AbortController();
  const response = await fetch(url, { headers, signal: stop.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const messages: Message[] = [];
  let text = "";
  try {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString("utf8");
      const parts = text.split("\n\n");
      text = parts.pop() ?? "";
      for (const part of parts) {
        const field = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(part)?.[1] ?? "";
        if (field("data") === "") continue;
        messages.push({ id: Number(field("id")), name: field("event"), data: JSON.parse(field("data")) });
      }
      if (isEnough(messages)) break;
    }
  } finally {
    stop.abort();
  }
  return messages;
}

const isOver = (messages: Message[]): boolean => messages.at(-1)?.data.detail["current-phase"] === "COMPLETED";
const told = (messages: readonly { data: Message["data"] }[]): string[] =>
  messages.map(({ data }) => `${data.detail["completed-phase"] ?? data.detail["build-status"]}`);
const WHOLE_BUILD = [
  ...["IN_PROGRESS", "SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "INSTALL", "PRE_BUILD", "BUILD"],
  ...["POST_BUILD", "UPLOAD_ARTIFACTS", "FINALIZING", "SUCCEEDED"],
];

let repository: TestRepository;
let kiln: Kiln;
let codebuild: CodeBuild.CodeBuild;

async function startBuild(more: Partial<CodeBuild.StartBuildInput> = {}): Promise<string> {
  const { build } = await codebuild.startBuild({ projectName: "app", ...more });
  return build?.id ?? "";
}

beforeAll(async () => {
  repository = makeRepository("true");
  kiln = await startKiln({ memory: true, port: 0 });
  codebuild = new CodeBuild.CodeBuild(clientSettings(kiln.url));
  await makeServiceRole(kiln);
  await codebuild.createProject({
    ...(projectInput("app", repository.dir) as CodeBuild.CreateProjectCommandInput),
    badgeEnabled: true,
  });
});

afterAll(async () => {
  codebuild.destroy();
  await kiln.close();
  repository.remove();
});

describe("GET /_kiln/events", () => {
  it("tells every reader each change of a build as it happens, in CodeBuild's shape", async () => {
    const readers = [readStream(`${kiln.url}/_kiln/events`, isOver), readStream(`${kiln.url}/_kiln/events`, isOver)];
    // Both are connected when the build starts.
    await new Promise((resolve) => setImmediate(resolve));
    const id = await startBuild();
    for await (const event of kiln.events(id)) void event;
    const again = await readStream(`${kiln.url}/_kiln/events?build=${encodeURIComponent(id)}`, () => false);
    expect(told(again)).toEqual(WHOLE_BUILD);
    for (const messages of await Promise.all(readers)) {
      // A reader that connected a moment later has seen the rest.
      expect(WHOLE_BUILD.join()).toContain(told(messages).join());
      expect(messages.every(({ data }, index) => index === 0 || data.id !== messages[index - 1]?.data.id)).toBe(true);
    }
    const last = again.at(-1);
    expect(last?.name).toBe("state");
    expect(last?.data).toMatchObject({
      version: "0",
      "detail-type": "CodeBuild Build State Change",
      source: "aws.codebuild",
      account: "000000000000",
      region: "us-east-1",
      resources: [`arn:aws:codebuild:us-east-1:000000000000:build/${id}`],
      detail: {
        "build-status": "SUCCEEDED",
        "project-name": "app",
        "build-id": `arn:aws:codebuild:us-east-1:000000000000:build/${id}`,
        "current-phase": "COMPLETED",
        "current-phase-context": "[]",
        version: "1",
        "additional-information": {
          "build-complete": true,
          initiator: "root",
          "timeout-in-minutes": 60,
          environment: { image: "aws/codebuild/standard:7.0", "privileged-mode": false, type: "LINUX_CONTAINER" },
        },
      },
    });
  });

  it("goes on after Last-Event-ID", async () => {
    const id = await startBuild();
    const url = `${kiln.url}/_kiln/events?build=${encodeURIComponent(id)}`;
    const all = await readStream(url, () => false);
    const middle = all[5]?.id ?? 0;
    const rest = await readStream(url, () => false, { "last-event-id": String(middle) });
    expect(rest).toEqual(all.slice(6));
    const byQuery = await readStream(`${url}&after=${middle}`, () => false);
    expect(byQuery).toEqual(rest);
  });

  it.each([
    ["POST", "/_kiln/events", {}, 405],
    ["GET", "/_kiln/events/more", {}, 404],
    ["GET", "/_kiln/events?after=x", {}, 400],
    ["GET", "/_kiln/events", { "sec-fetch-site": "cross-site" }, 403],
  ])("refuses %s %s %j", async (method, path, headers, status) => {
    const response = await fetch(`${kiln.url}${path}`, { method, headers });
    expect(response.status).toBe(status);
  });

  it("is refused to other Host headers", async () => {
    const { port } = new URL(kiln.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), "127.0.0.1", () =>
        socket.write("GET /_kiln/events HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"),
      );
      let text = "";
      socket.on("data", (chunk) => (text += chunk.toString()));
      socket.on("end", () => resolve(text));
      socket.on("error", reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
  });

  it("wants an access key where the root key is not the default one", async () => {
    const own = await startKiln({
      memory: true,
      port: 0,
      rootKey: { accessKeyId: "AKIAOWNKEYOWNKEY0001", secretAccessKey: "own secret" },
    });
    try {
      const status = async (credentials?: string): Promise<number> => {
        const stop = new AbortController();
        const headers = credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` };
        const response = await fetch(`${own.url}/_kiln/events`, { headers, signal: stop.signal });
        stop.abort();
        return response.status;
      };
      expect(await status()).toBe(401);
      expect(await status("AKIAOWNKEYOWNKEY0001:wrong")).toBe(401);
      expect(await status("AKIAOWNKEYOWNKEY0001:own secret")).toBe(200);
      await own.root.call("iam", "CreateUser", { UserName: "ada" });
      const { AccessKey: key } = await own.root.call<{ AccessKey: { AccessKeyId: string; SecretAccessKey: string } }>(
        "iam",
        "CreateAccessKey",
        { UserName: "ada" },
      );
      expect(await status(`${key.AccessKeyId}:${key.SecretAccessKey}`)).toBe(403);
    } finally {
      await own.close();
    }
  });

  it("ends when Kiln closes, also for a reader that takes nothing", async () => {
    const other = await startKiln({ memory: true, port: 0 });
    const { port } = new URL(other.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write("GET /_kiln/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    const reader = readStream(`${other.url}/_kiln/events`, () => false);
    // The reader is connected once a later request is answered.
    await fetch(`${other.url}/_kiln/health`);
    await other.close();
    await expect(reader).resolves.toEqual([]);
    socket.destroy();
  });
});

describe("the event target", () => {
  const servers: Server[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  interface Posted {
    readonly headers: IncomingMessage["headers"];
    readonly body: string;
  }

  /** A server that answers with `statusOf(n)` to the n-th request, from 1. */
  async function listen(statusOf: (count: number) => number) {
    const posted: Posted[] = [];
    const waiting: { count: number; resolve: () => void }[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        posted.push({ headers: request.headers, body });
        const status = statusOf(posted.length);
        response.writeHead(status, status === 302 ? { location: "/elsewhere" } : {});
        response.end();
        for (const { count, resolve } of waiting) if (posted.length >= count) resolve();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}/builds`,
      posted,
      until: (count: number) =>
        new Promise<void>((resolve) => (posted.length >= count ? resolve() : waiting.push({ count, resolve }))),
    };
  }

  async function withTarget(url: string, work: (started: Kiln) => Promise<void>): Promise<void> {
    const started = await startKiln({ memory: true, port: 0, eventTarget: url, eventTargetSecret: "hook secret" });
    const client = codebuild;
    try {
      codebuild = new CodeBuild.CodeBuild(clientSettings(started.url));
      await makeServiceRole(started);
      await codebuild.createProject(projectInput("app", repository.dir) as CodeBuild.CreateProjectCommandInput);
      await work(started);
    } finally {
      codebuild.destroy();
      codebuild = client;
      await started.close();
    }
  }

  it("gets each event once, in order and signed, also when it fails at times", async () => {
    const target = await listen((count) => (count === 2 ? 503 : count === 4 ? 302 : 204));
    await withTarget(target.url, async () => {
      await startBuild();
      await target.until(WHOLE_BUILD.length + 2);
    });
    const bodies = target.posted.map(({ body }) => body);
    // What failed was sent again, unchanged.
    expect(bodies[2]).toBe(bodies[1]);
    expect(bodies[4]).toBe(bodies[3]);
    const once = [...new Set(bodies)].map((body) => ({ data: JSON.parse(body) as Message["data"] }));
    expect(told(once)).toEqual(WHOLE_BUILD);
    for (const { headers, body } of target.posted) {
      expect(headers["content-type"]).toBe("application/json");
      expect(headers["x-kiln-event-id"]).toBe((JSON.parse(body) as Message["data"]).id);
      const digest = createHmac("sha256", "hook secret").update(body).digest("hex");
      expect(headers["x-kiln-signature-256"]).toBe(`sha256=${digest}`);
    }
  });

  it("is not tried again with what it refuses for good", async () => {
    const target = await listen(() => 400);
    await withTarget(target.url, async () => {
      await startBuild();
      await target.until(WHOLE_BUILD.length);
    });
    expect(new Set(target.posted.map(({ body }) => body)).size).toBe(target.posted.length);
  });

  it("holds no build back when nobody is there", async () => {
    await withTarget("http://127.0.0.1:9/", async (started) => {
      const id = await startBuild();
      for await (const event of started.events(id)) void event;
      const { builds } = await codebuild.batchGetBuilds({ ids: [id] });
      expect(builds?.[0]?.buildStatus).toBe("SUCCEEDED");
    });
  });

  it.each([
    ["file:///etc/passwd", "events are posted over http or https, not `file:`"],
    ["http://user:secret@127.0.0.1/", "it holds credentials, which would be in every process list"],
    ["nothing", "it is not a URL"],
  ])("cannot be %s", async (eventTarget, why) => {
    await expect(startKiln({ memory: true, port: 0, eventTarget })).rejects.toMatchObject({
      code: "KILN_E_EVENT_TARGET",
      message: "events of builds cannot be posted to the target that was given",
      why,
      exitCode: 2,
    });
  });
});

describe("a badge", () => {
  it("shows the newest build of its branch", async () => {
    const { projects = [] } = await codebuild.batchGetProjects({ names: ["app"] });
    const url = projects[0]?.badge?.badgeRequestUrl ?? "";
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/_kiln\/badges\?uuid=\w{48}&branch=master$/);
    const shown = async (branch: string): Promise<string | undefined> => {
      const response = await fetch(url.replace(/branch=.*/, branch));
      expect(response.headers.get("content-type")).toBe("image/svg+xml; charset=utf-8");
      return /<title>build: (.*)<\/title>/.exec(await response.text())?.[1];
    };
    expect(await shown("branch=main")).toBe("unknown");
    const passing = await startBuild({ sourceVersion: "main" });
    for await (const event of kiln.events(passing)) void event;
    expect(await shown("branch=main")).toBe("passing");
    repository.git("branch", "broken");
    const failing = await startBuild({ sourceVersion: "broken", buildspecOverride: spec("false") });
    for await (const event of kiln.events(failing)) void event;
    expect(await shown("branch=broken")).toBe("failing");
    expect(await shown("branch=main")).toBe("passing");
    const running = await startBuild({ sourceVersion: "main", buildspecOverride: spec("sleep 30") });
    expect(await shown("branch=main")).toBe("in progress");
    await codebuild.stopBuild({ id: running });
    expect(await shown("branch=main")).toBe("failing");
    expect((await fetch(`${kiln.url}/badges${new URL(url).search}`)).status).toBe(200);
    expect((await fetch(`${kiln.url}/_kiln/badges?uuid=nothing`)).status).toBe(404);
  });

  it("is not for every source, and can be switched off", async () => {
    await expect(
      codebuild.createProject({
        ...(projectInput("s3", repository.dir) as CodeBuild.CreateProjectCommandInput),
        source: { type: "S3", location: "bucket/source.zip" },
        badgeEnabled: true,
      }),
    ).rejects.toMatchObject({
      name: "InvalidInputException",
      message: "Invalid badge: build badges are not supported for source type S3",
    });
    const { project: on } = await codebuild.updateProject({ name: "app", description: "x" });
    const { project: off } = await codebuild.updateProject({ name: "app", badgeEnabled: false });
    expect(off?.badge).toEqual({ badgeEnabled: false });
    expect((await fetch(on?.badge?.badgeRequestUrl ?? "")).status).toBe(404);
  });
});

const spec = (command: string): string =>
  JSON.stringify({ version: "0.2", phases: { build: { commands: [command] } } });
