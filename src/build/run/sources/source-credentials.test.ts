/** Credentials of git sources: where they come from, who gets them, and where they must not be found. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GitServer, serveGit, TestRepository } from "../../../../test/support/git-repository.ts";
import { denied, testBuild } from "../../../../test/support/run-test-build.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";
import { createHostEngine } from "../../../engines/index.ts";

const TOKEN = "tok'en-$(x)-1234";
const bench = new SourceBench();
let server: GitServer;
let open: GitServer;

beforeAll(async () => {
  const root = await bench.folder();
  new TestRepository(join(root, "app")).commit({
    "buildspec.yml": [
      "version: 0.2",
      "env:",
      "  git-credential-helper: yes",
      "phases:",
      "  build:",
      "    commands:",
      "      - git ls-remote origin HEAD",
      "      - cat .git/config; printenv | grep -i git",
      "",
    ].join("\n"),
  });
  server = await serveGit(root, { credentials: `robot:${TOKEN}` });
  open = await serveGit(root);
});
afterAll(async () => {
  await server.close();
  await open.close();
  await bench.remove();
});

const source = (more: object = {}) => ({ type: "GITHUB", location: `${server.url}/app`, ...more });
const imported = { sourceCredentials: async () => ({ username: "robot", password: TOKEN }) };
const secret = (value: object) => ({ GetSecretValue: () => ({ SecretString: JSON.stringify(value) }) });
const auth = { type: "SECRETS_MANAGER", resource: "arn:aws:secretsmanager:us-east-1:111122223333:secret:git-AbCdEf" };

describe("a source that needs credentials", () => {
  it("fails with CodeBuild's words without them, and with wrong ones", async () => {
    const required = {
      statusCode: "CLIENT_ERROR",
      message: "authentication required for primary source and source version ",
    };
    expect((await bench.take({ source: source() })).failure).toEqual(required);
    const wrong = { sourceCredentials: async () => ({ username: "robot", password: "wrong" }) };
    expect((await bench.take({ source: source(), dependencies: wrong })).failure).toEqual(required);
  });

  it("is taken with imported ones, which stay out of the repository and the log", async () => {
    const { taken, events, workDir } = await bench.take({ source: source(), dependencies: imported });
    expect(taken?.resolvedVersion).toMatch(/^[0-9a-f]{40}$/);
    expect(JSON.stringify(events)).not.toContain("tok'en");
    const found = readdirSync(workDir, { recursive: true, withFileTypes: true, encoding: "utf8" })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((file) => readFileSync(file).includes(TOKEN));
    expect(found.map((file) => file.slice(workDir.length))).toEqual(["/private/git-credentials/source-0/0"]);
    expect(statSync(found[0] ?? "").mode & 0o777).toBe(0o600);
    await taken?.credentials.remove();
    expect(existsSync(join(workDir, "private", "git-credentials"))).toBe(false);
  });

  it("is taken with those of its URL, which no variable shows", async () => {
    const location = `${server.url.replace("://", `://robot:${encodeURIComponent(TOKEN)}@`)}/app`;
    const { taken, events } = await bench.take({ source: source({ location }) });
    expect(taken?.variables["CODEBUILD_SOURCE_REPO_URL"]).toBe(`${server.url}/app`);
    const config = readFileSync(join(taken?.srcDir ?? "", ".git", "config"), "utf8");
    expect(config).toContain(`url = ${server.url}/app\n`);
    expect(config + JSON.stringify(events)).not.toContain(encodeURIComponent(TOKEN));
  });

  it("is taken with a token of Secrets Manager, read as the service role", async () => {
    const asked: object[] = [];
    const role = {
      GetSecretValue: (input: object) => {
        asked.push(input);
        return { SecretString: JSON.stringify({ ServerType: "GITHUB", Token: TOKEN, Username: "robot" }) };
      },
    };
    const { taken } = await bench.take({ source: source({ auth }), role });
    expect(taken?.resolvedVersion).toBeDefined();
    expect(asked).toEqual([{ SecretId: auth.resource }]);
  });

  it("fails when the role may not read the secret, when that holds no token, and for connections", async () => {
    const action = "secretsmanager:GetSecretValue";
    const role = {
      GetSecretValue: () => {
        throw denied(action, auth.resource);
      },
    };
    expect((await bench.take({ source: source({ auth }), role })).failure?.message).toBe(
      `AccessDeniedException: ${denied(action, auth.resource).message}\n\tstatus code: 400, request id: request-1`,
    );
    expect((await bench.take({ source: source({ auth }), role: secret({}) })).failure?.message).toBe(
      `the secret \`${auth.resource}\` has no member \`Token\`; CodeBuild expects {"ServerType", "AuthType", "Token"}`,
    );
    const connection = {
      type: "CODECONNECTIONS",
      resource: "arn:aws:codeconnections:us-east-1:111122223333:connection/x",
    };
    expect((await bench.take({ source: source({ auth: connection }), version: "main" })).failure).toEqual({
      statusCode: "CLIENT_ERROR",
      message: "authorization failed for primary source and source version main",
    });
  });

  it("gives its credentials to no other server", async () => {
    const { taken } = await bench.take({ source: source(), dependencies: imported });
    const helper = (await taken?.credentials.keepForCommands())?.["GIT_CONFIG_VALUE_0"] ?? "";
    const ask = (host: string, protocol = "http"): string =>
      execFileSync("sh", ["-c", `${helper.slice(1)} get`], {
        input: `protocol=${protocol}\nhost=${host}\n\n`,
        encoding: "utf8",
      });
    expect(ask(new URL(server.url).host)).toBe(`username=robot\npassword=${TOKEN}\n`);
    expect(ask(new URL(server.url).host, "https")).toBe("");
    expect(ask(new URL(open.url).host)).toBe("");
    expect(ask("*")).toBe("");
  });

  it("asks the role for codecommit:GitPull before a repository of CodeCommit", async () => {
    const asked: unknown[] = [];
    const { failure } = await bench.take({
      source: { type: "CODECOMMIT", location: "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/app" },
      dependencies: {
        authorizeAsRole: async (requests) => {
          asked.push(...requests);
          throw denied("codecommit:GitPull", "x");
        },
      },
    });
    expect(asked).toEqual([
      { action: "codecommit:GitPull", resource: "arn:aws:codecommit:eu-west-1:111122223333:app" },
    ]);
    expect(failure?.message).toBe("authorization failed for primary source and source version ");
  });
});

describe("env.git-credential-helper", () => {
  const engine = createHostEngine({ graceMs: 100 });
  const run = (dependencies: object, buildspec?: string) =>
    testBuild({
      engine,
      request: { source: { ...source(), buildspec } },
      dependencies,
    });

  it("gives git in the build the credentials of the source, and shows none of them", async () => {
    const { log, result } = await run(imported);
    expect(log).toMatch(/[0-9a-f]{40}\tHEAD\n/);
    expect(log).toContain("GIT_CONFIG_KEY_0=credential.helper\n");
    expect(log).not.toContain("tok'en");
    expect(result.buildStatus).toBe("SUCCEEDED");
  });

  it("is what git in the build has its credentials from: without it there are none", async () => {
    const { log } = await run(
      imported,
      'version: 0.2\nphases:\n  build:\n    commands:\n      - find "$CODEBUILD_SRC_DIR/../../../../../.." -name "git-credentials" | head\n      - GIT_TERMINAL_PROMPT=0 git ls-remote origin HEAD\n',
    );
    expect(log).toContain("could not read Username");
    expect(log).not.toContain("/git-credentials");
  });
});
