import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  DEPLOYER,
  ECR_HOST,
  pushImage,
  type RegistryFixture,
  type Reply,
  SCOPE,
  startRegistry,
} from "../../test/support/registry-fixture.ts";

const ARN = "arn:aws:ecr:us-east-1:000000000000:repository/team/app";
const REPOSITORY = `${ECR_HOST}/team/app`;
const UPLOADS = `/v2/${REPOSITORY}/blobs/uploads/`;

let at: RegistryFixture;
beforeEach(async () => {
  at = await startRegistry();
  await at.createEcrRepository("team/app");
});
afterEach(() => at.close());

const allow = (...actions: string[]): void => {
  const Statement = [{ Effect: "Allow", Action: actions, Resource: ARN }];
  at.policies = [{ name: "inline policy p of user deployer", document: { Version: "2012-10-17", Statement } }];
};

const token = (): string => `AWS:${at.registry.issueEcrToken(DEPLOYER, SCOPE).password}`;
const firstError = (reply: Reply) => reply.json.errors[0];

describe("an ECR repository", () => {
  it("challenges with ECR's Basic realm", async () => {
    const reply = await at.send("GET", `/v2/${REPOSITORY}/tags/list`, { auth: null });
    expect(reply.status).toBe(401);
    expect(reply.headers["www-authenticate"]).toBe(`Basic realm="https://${ECR_HOST}/",service="ecr.amazonaws.com"`);
    expect(reply.headers["docker-distribution-api-version"]).toBe("registry/2.0");
  });

  it("denies with AWS's sentence, which clients print, and with an empty body on HEAD", async () => {
    const reply = await at.send("POST", UPLOADS, { auth: token() });
    expect(reply.status).toBe(403);
    expect(reply.json).toEqual({
      errors: [
        {
          code: "DENIED",
          message: `User: arn:aws:iam::000000000000:user/deployer is not authorized to perform: ecr:InitiateLayerUpload on resource: ${ARN} because no identity-based policy allows the ecr:InitiateLayerUpload action`,
          detail: null,
        },
      ],
    });
    const head = await at.send("HEAD", `/v2/${REPOSITORY}/manifests/v1`, { auth: token() });
    expect([head.status, head.body.length]).toEqual([403, 0]);
  });

  it("asks for the ECR action of each request", async () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const upload = `${UPLOADS}11111111-1111-4111-8111-111111111111`;
    for (const [method, path, action] of [
      ["HEAD", `/v2/${REPOSITORY}/blobs/${digest}`, "BatchCheckLayerAvailability"],
      ["GET", `/v2/${REPOSITORY}/blobs/${digest}`, "GetDownloadUrlForLayer"],
      ["HEAD", `/v2/${REPOSITORY}/manifests/v1`, "BatchGetImage"],
      ["GET", `/v2/${REPOSITORY}/manifests/v1`, "BatchGetImage"],
      ["POST", UPLOADS, "InitiateLayerUpload"],
      ["PATCH", upload, "UploadLayerPart"],
      ["PUT", upload, "CompleteLayerUpload"],
      ["PUT", `/v2/${REPOSITORY}/manifests/v1`, "PutImage"],
      ["GET", `/v2/${REPOSITORY}/tags/list`, "ListImages"],
    ] as const) {
      at.asked.length = 0;
      expect((await at.send(method, path, { auth: token() })).status).toBe(403);
      expect(at.asked).toEqual([`ecr:${action} ${ARN}`]);
    }
  });

  it("takes a push of a principal that may", async () => {
    allow("ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload");
    const begun = await at.send("POST", UPLOADS, { auth: token() });
    expect(begun.status).toBe(202);
    const patched = await at.send("PATCH", String(begun.headers.location), { auth: "AKIADEPLOYER:deploys", body: "x" });
    expect(patched.status).toBe(202);
  });

  it("counts its policy, which needs no Resource", async () => {
    const Statement = [{ Effect: "Allow", Principal: { AWS: DEPLOYER.arn }, Action: "ecr:ListImages" }];
    const policyText = JSON.stringify({ Version: "2012-10-17", Statement });
    await at.createEcrRepository("team/app", { policyText });
    expect((await at.send("GET", `/v2/${REPOSITORY}/tags/list`, { auth: token() })).status).toBe(200);
  });

  it("of another account is closed without its policy", async () => {
    const Statement = [{ Effect: "Allow", Action: "*", Resource: "*" }];
    at.policies = [{ name: "everything", document: { Version: "2012-10-17", Statement } }];
    const reply = await at.send("GET", "/v2/111111111111.dkr.ecr.us-east-1.amazonaws.com/app/tags/list", {
      auth: token(),
    });
    expect(reply.status).toBe(403);
    expect(firstError(reply).message).toMatch(/because no resource-based policy allows the ecr:ListImages action$/);
  });

  it("must have been created", async () => {
    const reply = await at.send("POST", `/v2/${ECR_HOST}/nothing/blobs/uploads/`);
    expect(reply.status).toBe(404);
    expect(firstError(reply)).toMatchObject({
      code: "NAME_UNKNOWN",
      message: "The repository with name 'nothing' does not exist in the registry with id '000000000000'",
    });
  });

  it("tells missing images in ECR's words", async () => {
    const reply = await at.send("GET", `/v2/${REPOSITORY}/manifests/v9`);
    expect(firstError(reply)).toMatchObject({ code: "MANIFEST_UNKNOWN", message: "Requested image not found" });
  });

  it("mounts nothing and deletes nothing over HTTP", async () => {
    const { digest } = await pushImage(at, REPOSITORY, "v1");
    await at.createEcrRepository("team/other");
    const mount = `/v2/${ECR_HOST}/team/other/blobs/uploads/?mount=${digest}&from=team/app`;
    expect((await at.send("POST", mount)).status).toBe(202);
    const reply = await at.send("DELETE", `/v2/${REPOSITORY}/manifests/${digest}`);
    expect(reply.status).toBe(405);
    expect(firstError(reply).code).toBe("UNSUPPORTED");
  });
});

describe("immutable tags", () => {
  const refused = (tag: string, what: "repository" | "tag" = "repository") => ({
    code: "TAG_INVALID",
    message: `The image tag '${tag}' already exists in the 'team/app' repository and cannot be overwritten because the ${what} is immutable.`,
    detail: null,
  });

  it("cannot be pushed again, not even with the same digest", async () => {
    await at.createEcrRepository("team/app", { tagMutability: "IMMUTABLE" });
    expect((await pushImage(at, REPOSITORY, "v1")).reply.status).toBe(201);
    const again = await pushImage(at, REPOSITORY, "v1");
    expect(again.reply.status).toBe(400);
    expect(firstError(again.reply)).toEqual(refused("v1"));
    expect((await pushImage(at, REPOSITORY, "v2")).reply.status).toBe(201);
  });

  it.each([
    ["IMMUTABLE_WITH_EXCLUSION", "dev-1", "v1"],
    ["MUTABLE_WITH_EXCLUSION", "v1", "dev-1"],
  ] as const)("follow the filters of %s", async (tagMutability, mutable, immutable) => {
    await at.createEcrRepository("team/app", { tagMutability, exclusionFilters: ["dev-*"] });
    await pushImage(at, REPOSITORY, mutable);
    await pushImage(at, REPOSITORY, immutable);
    expect((await pushImage(at, REPOSITORY, mutable)).reply.status).toBe(201);
    expect(firstError((await pushImage(at, REPOSITORY, immutable)).reply)).toEqual(refused(immutable, "tag"));
  });
});

describe("an ECR token", () => {
  it("ends after 12 hours with ECR's text", async () => {
    allow("ecr:ListImages");
    const auth = token();
    at.clock.advance(12 * 60 * 60 * 1000 - 1);
    expect((await at.send("GET", `/v2/${REPOSITORY}/tags/list`, { auth })).status).toBe(200);
    at.clock.advance(1);
    const reply = await at.send("GET", `/v2/${REPOSITORY}/tags/list`, { auth });
    expect(reply.status).toBe(403);
    expect(firstError(reply)).toMatchObject({
      code: "DENIED",
      message: "Your authorization token has expired. Reauthenticate and try again.",
    });
  });

  it("that is none answers 400", async () => {
    const reply = await at.send("GET", "/v2/", { auth: "AWS:hunter2" });
    expect(reply.status).toBe(400);
    expect(firstError(reply)).toMatchObject({ code: "DENIED", message: "Your Authorization Token is invalid." });
  });

  it("is good for its region and for ECR only", async () => {
    const password = at.registry.issueEcrToken(DEPLOYER, { ...SCOPE, region: "eu-west-1" }).password;
    const elsewhere = await at.send("GET", `/v2/${REPOSITORY}/tags/list`, { auth: `AWS:${password}` });
    expect(elsewhere.status).toBe(401);
    const hub = await at.send("POST", "/v2/docker.io/me/app/blobs/uploads/", { auth: token() });
    expect(hub.status).toBe(403);
    expect(firstError(hub).message).toBe("requested access to the resource is denied");
  });

  it("also opens the token route, for engines that learn of Bearer from GET /v2/", async () => {
    allow("ecr:ListImages");
    const scope = `repository:${REPOSITORY}:pull`;
    const bearer = await at.send("GET", `/v2/_kiln/token?service=kiln&scope=${scope}`, { auth: token() });
    const auth = `Bearer ${bearer.json.token}`;
    expect((await at.send("GET", `/v2/${REPOSITORY}/tags/list`, { auth })).status).toBe(200);
    expect((await at.send("POST", UPLOADS, { auth })).status).toBe(403);
  });

  it("is the login at the ECR host itself", async () => {
    const headers = { host: ECR_HOST };
    const challenge = await at.send("GET", "/v2/", { auth: null, headers });
    expect(challenge.headers["www-authenticate"]).toBe(
      `Basic realm="https://${ECR_HOST}/",service="ecr.amazonaws.com"`,
    );
    expect((await at.send("GET", "/v2/", { auth: token(), headers })).status).toBe(200);
    allow("ecr:ListImages");
    expect((await at.send("GET", "/v2/team/app/tags/list", { auth: token(), headers })).json.name).toBe("team/app");
  });

  it("does not show its principal", () => {
    const { password } = at.registry.issueEcrToken(DEPLOYER, SCOPE);
    expect(Buffer.from(password, "base64").toString("latin1")).not.toContain("deployer");
  });
});
