/** Pushes to ECR by clients that are not ours: what they print, who is let in, and how a denial is explained. */
import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ECR } from "@aws-sdk/client-ecr";
import { IAM } from "@aws-sdk/client-iam";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { explainBuild } from "../../src/explain/index.ts";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { factsOf } from "../support/build-facts.ts";
import { PUSH_OPERATIONS } from "../support/ecr-push-operations.ts";
import { documentText } from "../support/policy-documents.ts";
import { OCI_INDEX, OCI_MANIFEST, sha256 } from "../support/registry-fixture.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const hasSkopeo = spawnSync("skopeo", ["--version"]).status === 0;
if (!hasSkopeo) process.stderr.write("skipped: skopeo is not installed\n");
const cli = findAwsClis().find(({ major }) => major >= 2);
if (!cli) process.stderr.write("skipped: the aws CLI is not installed\n");

const HOST = `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com`;
const ARN = `arn:aws:ecr:us-east-1:${ACCOUNT}:repository/team/app`;
const USER = `arn:aws:iam::${ACCOUNT}:user/dev`;

let kiln: StartedEndpoint;
let ecr: ECR;
let iam: IAM;
let devKeys: { accessKeyId: string; secretAccessKey: string };
let folder = "";

beforeAll(async () => {
  kiln = await startEndpoint();
  ecr = new ECR(clientSettings(kiln.url));
  iam = new IAM(clientSettings(kiln.url));
  await iam.createUser({ UserName: "dev" });
  const { AccessKey } = await iam.createAccessKey({ UserName: "dev" });
  devKeys = { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
  await ecr.createRepository({ repositoryName: "team/app", imageTagMutability: "IMMUTABLE" });
  folder = await mkdtemp(join(tmpdir(), "kiln-ecr-push-"));
  await makeLayout(join(folder, "layout"));
});
afterAll(async () => {
  ecr.destroy();
  iam.destroy();
  await kiln.close();
  await rm(folder, { recursive: true, force: true });
});

/** An OCI layout with one image of one layer. */
async function makeLayout(layout: string): Promise<void> {
  const blobs = join(layout, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const add = async (content: string | Buffer, mediaType: string) => {
    const digest = sha256(content);
    await writeFile(join(blobs, digest.slice("sha256:".length)), content);
    return { mediaType, digest, size: Buffer.byteLength(content) };
  };
  const layer = Buffer.alloc(10_240, 0);
  const rootfs = { type: "layers", diff_ids: [sha256(layer)] };
  const config = JSON.stringify({ architecture: "amd64", os: "linux", rootfs, config: {} });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: await add(config, "application/vnd.oci.image.config.v1+json"),
    layers: [await add(layer, "application/vnd.oci.image.layer.v1.tar")],
  });
  const entry = await add(manifest, OCI_MANIFEST);
  const annotations = { "org.opencontainers.image.ref.name": "v1" };
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ ...entry, annotations }] };
  await writeFile(join(layout, "index.json"), JSON.stringify(index));
  await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
}

interface Ran {
  readonly code: number;
  readonly text: string;
}

const skopeo = (...args: string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const env = { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder };
    const child = execFile("skopeo", ["--insecure-policy", ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, text: stdout + stderr }),
    );
    child.stdin?.end();
  });

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

async function passwordOfUser(): Promise<string> {
  const client = new ECR(clientSettings(kiln.url, devKeys));
  const { authorizationData } = await client.getAuthorizationToken({});
  client.destroy();
  return Buffer.from(authorizationData?.[0]?.authorizationToken ?? "", "base64").toString();
}

/** What clients made with Go say of a connection that ended while they wrote: whichever they notice first. */
const CUT_OFF = /write: broken pipe|(?:write|read): connection reset by peer/;

const push = async (tag: string): Promise<Ran> => {
  const target = `docker://${new URL(kiln.url).host}/${HOST}/team/app:${tag}`;
  const login = ["--dest-tls-verify=false", "--dest-creds", await passwordOfUser()];
  const copy = () => skopeo("copy", "--quiet", ...login, `oci:${join(folder, "layout")}:v1`, target);
  let ran = await copy();
  // Answered while it still writes a layer, it may tell of that instead of the answer.
  for (let attempt = 1; attempt < 5 && CUT_OFF.test(ran.text); attempt++) ran = await copy();
  return ran;
};

/** How a build of the user is explained that ends with what the client printed. */
const explained = ({ text }: Ran) => {
  const line = text.slice(text.indexOf("denied: ")).split("\n", 1)[0] ?? "";
  const command = `docker push ${HOST}/team/app:v1`;
  return explainBuild(
    factsOf({
      buildspec: `version: 0.2\nphases:\n  build:\n    commands:\n      - ${command}\n`,
      ...{ phase: "BUILD", command, output: [line.replace(/"?$/, "")], decisions: kiln.decisions({}) },
    }),
  );
};

describe.skipIf(!hasSkopeo)("skopeo", () => {
  it.each(PUSH_OPERATIONS)("is told, and explained, that %s is missing", async (missing) => {
    await userMay("BatchGetImage", ...PUSH_OPERATIONS.filter((name) => name !== missing));
    const ran = await push("v1");
    if (missing === "BatchCheckLayerAvailability") {
      // A HEAD has no body: the client only knows the status.
      expect(ran.text).toContain("403 (Forbidden)");
      return;
    }
    const sentence = `User: ${USER} is not authorized to perform: ecr:${missing} on resource: ${ARN} because no identity-based policy allows the ecr:${missing} action`;
    expect([ran.code, ran.text]).toEqual([1, expect.stringContaining(`denied: ${sentence}`)]);
    expect(explained(ran)).toMatchObject({ code: "iam/ecr-denied", fix: { kind: "policy" } });
  });

  it("pushes once under an immutable tag", async () => {
    await userMay("BatchGetImage", ...PUSH_OPERATIONS);
    expect(await push("v1")).toEqual({ code: 0, text: "" });
    const again = await push("v1");
    expect([again.code, again.text]).toEqual([
      1,
      expect.stringContaining(
        "tag invalid: The image tag 'v1' already exists in the 'team/app' repository and cannot be overwritten because the repository is immutable.",
      ),
    ]);
  });

  it.each([
    [
      "registry policy of 000000000000 in us-east-1",
      (text: string) => ecr.putRegistryPolicy({ policyText: text }),
      { Resource: "*" },
    ],
    [
      `repository policy of ${ARN}`,
      (policyText: string) => ecr.setRepositoryPolicy({ repositoryName: "team/app", policyText }),
      {},
    ],
  ] as const)("is denied by a %s, which the explanation names", async (name, put, more) => {
    await userMay("BatchGetImage", ...PUSH_OPERATIONS);
    await put(documentText({ Sid: "Frozen", Effect: "Deny", Principal: "*", Action: "ecr:PutImage", ...more }));
    const ran = await push("v2");
    expect(ran.text).toContain(
      `denied: User: ${USER} is not authorized to perform: ecr:PutImage on resource: ${ARN} with an explicit deny in a resource-based policy`,
    );
    const { code, evidence, next } = explained(ran);
    expect({ code, next }).toEqual({
      code: "iam/ecr-denied",
      next: "remove the Deny, or narrow it: an Allow does not outweigh it",
    });
    expect(evidence?.at(-1)).toBe(`statement \`Frozen\` of ${name} denies it`);
    await ecr.deleteRegistryPolicy({}).catch(() => undefined);
  });
});

describe.skipIf(!cli || !hasSkopeo)("the aws CLI", () => {
  const run = async (...args: string[]) => {
    if (!cli) throw new Error("no aws CLI");
    const { stdout, stderr, exitCode } = await runAws(cli, kiln.url, ["ecr", ...args]);
    expect([exitCode, stderr]).toEqual([0, ""]);
    return stdout;
  };

  it("logs other clients in, and keeps lifecycle policies, layers and settings", async () => {
    const password = (await run("get-login-password")).trim();
    const host = new URL(kiln.url).host;
    await ecr.createRepository({ repositoryName: "cli" });
    const target = `docker://${host}/${HOST}/cli:v1`;
    const login = ["--dest-tls-verify=false", "--dest-creds", `AWS:${password}`];
    expect(await skopeo("copy", "--quiet", ...login, `oci:${join(folder, "layout")}:v1`, target)).toEqual({
      ...{ code: 0, text: "" },
    });
    const { imageIds } = JSON.parse(await run("list-images", "--repository-name", "cli"));
    expect(imageIds).toMatchObject([{ imageTag: "v1" }]);
    const rules = [
      {
        ...{ rulePriority: 1, action: { type: "expire" } },
        selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 1 },
      },
    ];
    const policy = ["--lifecycle-policy-text", JSON.stringify({ rules })];
    await run("put-lifecycle-policy", "--repository-name", "cli", ...policy);
    await run("start-lifecycle-policy-preview", "--repository-name", "cli");
    const preview = JSON.parse(await run("get-lifecycle-policy-preview", "--repository-name", "cli"));
    expect(preview).toMatchObject({ status: "COMPLETE", summary: { expiringImageTotalCount: 0 } });
    const part = join(folder, "part");
    await writeFile(part, "a layer");
    const { uploadId } = JSON.parse(await run("initiate-layer-upload", "--repository-name", "cli"));
    const upload = ["--repository-name", "cli", "--upload-id", uploadId];
    const bytes = ["--part-first-byte", "0", "--part-last-byte", "6", "--layer-part-blob", `fileb://${part}`];
    await run("upload-layer-part", ...upload, ...bytes);
    await run("complete-layer-upload", ...upload, "--layer-digests", sha256("a layer"));
    const { downloadUrl } = JSON.parse(
      await run("get-download-url-for-layer", "--repository-name", "cli", "--layer-digest", sha256("a layer")),
    );
    expect(await (await fetch(downloadUrl)).text()).toBe("a layer");
    const described = JSON.parse(await run("describe-registry"));
    expect(described).toEqual({ registryId: ACCOUNT, replicationConfiguration: { rules: [] } });
  });
});
