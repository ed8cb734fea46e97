/** Source credentials over the wire: with the SDK and the aws CLI; the token never comes back, and lies nowhere in clear. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as CodeBuild from "@aws-sdk/client-codebuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Kiln, startKiln } from "../../src/app.ts";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { ACCOUNT, clientSettings } from "../support/start-endpoint.ts";
import { makeServiceRole, projectInput } from "../support/webhook-project.ts";

const TOKEN = "ghp_thisIsTheTokenThatNobodyMaySee";
const ARN = `arn:aws:codebuild:us-east-1:${ACCOUNT}:token`;
const folder = mkdtempSync(join(tmpdir(), "kiln-credentials-"));
let kiln: Kiln;
let codebuild: CodeBuild.CodeBuild;

beforeAll(async () => {
  kiln = await startKiln({ stateDir: join(folder, "state"), port: 0 });
  codebuild = new CodeBuild.CodeBuild(clientSettings(kiln.url));
});

afterAll(async () => {
  codebuild.destroy();
  await kiln.close();
  rmSync(folder, { recursive: true, force: true });
});

const github = { serverType: "GITHUB", authType: "PERSONAL_ACCESS_TOKEN", token: TOKEN } as const;

describe("source credentials", () => {
  it("are one for each kind of server, listed without the token, and deleted by ARN", async () => {
    expect((await codebuild.importSourceCredentials(github)).arn).toBe(`${ARN}/github`);
    await codebuild.importSourceCredentials({ ...github, token: `${TOKEN}2` });
    const secret = `arn:aws:secretsmanager:us-east-1:${ACCOUNT}:secret:git-abcdef`;
    await codebuild.importSourceCredentials({ serverType: "GITLAB", authType: "SECRETS_MANAGER", token: secret });
    const { sourceCredentialsInfos } = await codebuild.listSourceCredentials({});
    expect(sourceCredentialsInfos).toEqual([
      { arn: `${ARN}/github`, serverType: "GITHUB", authType: "PERSONAL_ACCESS_TOKEN" },
      { arn: `${ARN}/gitlab`, serverType: "GITLAB", authType: "SECRETS_MANAGER", resource: secret },
    ]);
    expect((await codebuild.deleteSourceCredentials({ arn: `${ARN}/gitlab` })).arn).toBe(`${ARN}/gitlab`);
    await expect(codebuild.deleteSourceCredentials({ arn: `${ARN}/gitlab` })).rejects.toMatchObject({
      name: "ResourceNotFoundException",
      message: `Source credentials cannot be found: ${ARN}/gitlab`,
    });
  });

  it("are of the region they were imported in", async () => {
    await codebuild.importSourceCredentials(github);
    const elsewhere = new CodeBuild.CodeBuild({ ...clientSettings(kiln.url), region: "eu-west-1" });
    expect((await elsewhere.listSourceCredentials({})).sourceCredentialsInfos).toEqual([]);
    elsewhere.destroy();
  });

  it("are kept where shouldOverwrite is false", async () => {
    await codebuild.importSourceCredentials(github);
    await expect(codebuild.importSourceCredentials({ ...github, shouldOverwrite: false })).rejects.toMatchObject({
      name: "ResourceAlreadyExistsException",
      message: `Source credentials already exist: ${ARN}/github`,
    });
  });

  it.each([
    [
      { ...github, authType: "BASIC_AUTH", username: "ada" },
      "Invalid source credentials: BASIC_AUTH is not supported for server type GITHUB",
    ],
    [
      { serverType: "BITBUCKET", authType: "BASIC_AUTH", token: "t" },
      "Invalid source credentials: BASIC_AUTH needs a username",
    ],
    [{ ...github, username: "ada" }, "Invalid source credentials: username is not supported for PERSONAL_ACCESS_TOKEN"],
    [
      { ...github, authType: "SECRETS_MANAGER" },
      "Invalid source credentials: token must be the ARN of a secret for SECRETS_MANAGER",
    ],
    [
      { ...github, authType: "CODECONNECTIONS" },
      "Invalid source credentials: token must be the ARN of a connection for CODECONNECTIONS",
    ],
  ])("are refused as %j", async (input, message) => {
    await expect(
      codebuild.importSourceCredentials(input as CodeBuild.ImportSourceCredentialsInput),
    ).rejects.toMatchObject({ name: "InvalidInputException", message });
  });

  it("reach the git server as the login of a build's download, and no file of the state in clear", async () => {
    const logins: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      logins.push(request.headers.authorization);
      const isKnown = request.headers.authorization !== undefined;
      response.writeHead(isKnown ? 404 : 401, isKnown ? {} : { "www-authenticate": 'Basic realm="git"' });
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      await makeServiceRole(kiln);
      await codebuild.importSourceCredentials(github);
      const { port } = server.address() as AddressInfo;
      await codebuild.createProject({
        ...(projectInput("app", folder) as CodeBuild.CreateProjectCommandInput),
        source: { type: "GITHUB", location: `http://127.0.0.1:${port}/o/r.git` },
      });
      const { build } = await codebuild.startBuild({ projectName: "app" });
      for await (const event of kiln.events(build?.id ?? "")) expect(JSON.stringify(event)).not.toContain(TOKEN);
      expect(logins.filter((login) => login !== undefined)[0]).toBe(`Basic ${btoa(`x-access-token:${TOKEN}`)}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
    const inClear = files.filter((file) => statSync(file).isFile() && readFileSync(file).includes(TOKEN));
    expect(inClear).toEqual([]);
  });
});

describe.each(findAwsClis())("aws CLI $version", (cli) => {
  it("imports, lists and deletes them", async () => {
    const imported = await runAws(cli, kiln.url, [
      ...["codebuild", "import-source-credentials", "--server-type", "BITBUCKET", "--auth-type", "BASIC_AUTH"],
      ...["--username", "ada", "--token", TOKEN, "--query", "arn", "--output", "text"],
    ]);
    expect(imported.stdout).toBe(`${ARN}/bitbucket\n`);
    const listed = await runAws(cli, kiln.url, ["codebuild", "list-source-credentials", "--output", "json"]);
    expect(listed.stdout).toContain(`${ARN}/bitbucket`);
    expect(listed.stdout).not.toContain(TOKEN);
    const deleted = await runAws(cli, kiln.url, [
      ...["codebuild", "delete-source-credentials", "--arn", `${ARN}/bitbucket`],
    ]);
    expect(deleted.exitCode).toBe(0);
  });
});
