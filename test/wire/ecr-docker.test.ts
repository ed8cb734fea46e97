/** The docker CLI and a real engine against ECR's stand-in: login, push, immutable tag, denial. */
import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ECR } from "@aws-sdk/client-ecr";
import { IAM } from "@aws-sdk/client-iam";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PUSH_OPERATIONS } from "../support/ecr-push-operations.ts";
import { documentText } from "../support/policy-documents.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

/** The engine must reach 127.0.0.1 of this machine: one in a virtual machine does not. */
const engineHost = process.env["KILN_TEST_DOCKER_HOST"] ?? process.env["DOCKER_HOST"];
const engineEnv = { ...process.env, ...(engineHost === undefined ? {} : { DOCKER_HOST: engineHost }) };
const canRun = process.platform === "linux" && spawnSync("docker", ["info"], { env: engineEnv }).status === 0;
if (!canRun) process.stderr.write("skipped: no docker engine of this machine answers `docker info`\n");

const HOST = `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com`;

let kiln: StartedEndpoint;
let ecr: ECR;
let iam: IAM;
let folder = "";

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const docker = (args: readonly string[], stdin = ""): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { ...engineEnv, HOME: folder, DOCKER_CONFIG: folder };
    const child = execFile("docker", [...args], { env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
    child.stdin?.end(stdin);
  });

beforeAll(async () => {
  if (!canRun) return;
  kiln = await startEndpoint();
  ecr = new ECR(clientSettings(kiln.url));
  iam = new IAM(clientSettings(kiln.url));
  folder = await mkdtemp(join(tmpdir(), "kiln-ecr-docker-"));
  await mkdir(join(folder, "context"));
  await writeFile(join(folder, "context", "Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n");
});

afterAll(async () => {
  if (!canRun) return;
  await docker(["rmi", "--force", ...["v1", "v2"].map((tag) => `${new URL(kiln.url).host}/${HOST}/team/app:${tag}`)]);
  ecr.destroy();
  iam.destroy();
  await kiln.close();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(!canRun)("the docker CLI", () => {
  const place = () => `${new URL(kiln.url).host}/${HOST}/team/app`;
  const build = (tag: string) => docker(["build", "-q", "-t", `${place()}:${tag}`, join(folder, "context")]);
  const userMay = (...actions: string[]) =>
    iam.putUserPolicy({
      ...{ UserName: "dev", PolicyName: "push" },
      PolicyDocument: documentText({
        ...{
          Effect: "Allow",
          Action: ["ecr:GetAuthorizationToken", ...actions.map((name) => `ecr:${name}`)],
          Resource: "*",
        },
      }),
    });

  it("logs in with the password that the API gives", async () => {
    await iam.createUser({ UserName: "dev" });
    const { AccessKey } = await iam.createAccessKey({ UserName: "dev" });
    await userMay(...PUSH_OPERATIONS);
    const credentials = {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    };
    const client = new ECR(clientSettings(kiln.url, credentials));
    const { authorizationData } = await client.getAuthorizationToken({});
    client.destroy();
    const token = Buffer.from(authorizationData?.[0]?.authorizationToken ?? "", "base64").toString();
    const login = await docker(
      ["login", "--username", "AWS", "--password-stdin", new URL(kiln.url).host],
      token.slice("AWS:".length),
    );
    expect([login.code, login.out]).toEqual([0, expect.stringContaining("Login Succeeded")]);
  });

  it("is told that the repository does not exist, pushes, and is told that the tag is taken", async () => {
    expect((await build("v1")).code).toBe(0);
    const missing = await docker(["push", `${place()}:v1`]);
    expect(missing.err).toContain(
      `name unknown: The repository with name 'team/app' does not exist in the registry with id '${ACCOUNT}'`,
    );
    await ecr.createRepository({ repositoryName: "team/app", imageTagMutability: "IMMUTABLE" });
    expect((await docker(["push", `${place()}:v1`])).err).toBe("");
    const again = await docker(["push", `${place()}:v1`]);
    expect(again.err.trim()).toBe(
      "tag invalid: The image tag 'v1' already exists in the 'team/app' repository and cannot be overwritten because the repository is immutable.",
    );
  });

  it("prints AWS's sentence when it is denied", async () => {
    await userMay(...PUSH_OPERATIONS.filter((name) => name !== "PutImage"));
    await build("v2");
    const denied = await docker(["push", `${place()}:v2`]);
    expect(denied.err.trim()).toBe(
      `denied: User: arn:aws:iam::${ACCOUNT}:user/dev is not authorized to perform: ecr:PutImage on resource: arn:aws:ecr:us-east-1:${ACCOUNT}:repository/team/app because no identity-based policy allows the ecr:PutImage action`,
    );
  });
});
