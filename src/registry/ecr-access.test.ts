/** What each request to an ECR repository must be allowed, and which conditions its policies can make. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  DEPLOYER,
  ECR_HOST,
  pushBlob,
  type RegistryFixture,
  SCOPE,
  sha256,
  startRegistry,
} from "../../test/support/registry-fixture.ts";

const ARN = "arn:aws:ecr:us-east-1:000000000000:repository/team/app";
const PATH = `/v2/${ECR_HOST}/team/app`;
const DIGEST = sha256("blob");
const UPLOAD = `${PATH}/blobs/uploads/11111111-1111-4111-8111-111111111111`;

let at: RegistryFixture;
beforeEach(async () => {
  at = await startRegistry();
  await at.createEcrRepository("team/app", { tags: { team: "blue" } });
});
afterEach(() => at.close());

const may = (...Statement: object[]): void => {
  at.policies = [{ name: "inline policy p of user deployer", document: { Version: "2012-10-17", Statement } }];
};
const allow = (Action: readonly string[], more: object = {}) => ({
  ...{ Effect: "Allow", Action: Action.map((name) => `ecr:${name}`), Resource: ARN, ...more },
});
const auth = (): string => `AWS:${at.registry.issueEcrToken(DEPLOYER, SCOPE).password}`;

describe("a request to an ECR repository", () => {
  const WHOLE = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"];
  it.each<[string, string, readonly string[], string?]>([
    ["HEAD", `${PATH}/blobs/${DIGEST}`, ["BatchCheckLayerAvailability"]],
    ["GET", `${PATH}/blobs/${DIGEST}`, ["GetDownloadUrlForLayer"]],
    ["DELETE", `${PATH}/blobs/${DIGEST}`, ["BatchDeleteImage"]],
    ["POST", `${PATH}/blobs/uploads/`, ["InitiateLayerUpload"]],
    ["POST", `${PATH}/blobs/uploads/?mount=${DIGEST}&from=other`, ["InitiateLayerUpload"]],
    ["POST", `${PATH}/blobs/uploads/?digest=${sha256("new")}`, WHOLE, "new"],
    ["GET", UPLOAD, ["UploadLayerPart"]],
    ["PATCH", UPLOAD, ["UploadLayerPart"]],
    ["PUT", UPLOAD, ["CompleteLayerUpload"]],
    ["PUT", UPLOAD, ["UploadLayerPart", "CompleteLayerUpload"], "new"],
    ["DELETE", UPLOAD, ["UploadLayerPart"]],
    ["GET", `${PATH}/manifests/v1`, ["BatchGetImage"]],
    ["HEAD", `${PATH}/manifests/v1`, ["BatchGetImage"]],
    ["PUT", `${PATH}/manifests/v1`, ["PutImage"]],
    ["DELETE", `${PATH}/manifests/v1`, ["BatchDeleteImage"]],
    ["GET", `${PATH}/tags/list`, ["ListImages"]],
    ["GET", `${PATH}/referrers/${DIGEST}`, ["BatchGetImage"]],
  ])("%s %s needs %j, all of it and nothing more", async (method, path, actions, body) => {
    const { accountId } = SCOPE;
    const statusWith = async (...names: string[]) => {
      may(allow(names));
      return (await at.send(method, path, { auth: auth(), ...(body !== undefined && { body }) })).status;
    };
    for (const missing of actions) {
      expect([missing, await statusWith("GetAuthorizationToken", ...actions.filter((one) => one !== missing))]).toEqual(
        [missing, 403],
      );
    }
    at.asked.length = 0;
    expect(await statusWith(...actions)).not.toBe(403);
    expect(at.asked).toEqual(
      actions.map((name) => `ecr:${name} arn:aws:ecr:us-east-1:${accountId}:repository/team/app`),
    );
  });

  it.each<[string, object, boolean]>([
    ["a tag of the repository", { StringEquals: { "ecr:ResourceTag/team": "blue" } }, true],
    ["the global key of the tag", { StringEquals: { "aws:ResourceTag/team": "blue" } }, true],
    ["another tag", { StringEquals: { "ecr:ResourceTag/team": "red" } }, false],
    ["the client's address", { IpAddress: { "aws:SourceIp": "127.0.0.0/8" } }, true],
    ["another address", { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } }, false],
    ["the client's name", { StringLike: { "aws:UserAgent": "docker/*" } }, true],
    ["another name", { StringLike: { "aws:UserAgent": "podman/*" } }, false],
    ["a secure connection", { Bool: { "aws:SecureTransport": "true" } }, true],
  ])("can depend on %s", async (_name, Condition, isAllowed) => {
    may(allow(["ListImages"], { Condition }));
    const headers = { "user-agent": "docker/28.0" };
    const { status } = await at.send("GET", `${PATH}/tags/list`, { auth: auth(), headers });
    expect(status).toBe(isAllowed ? 200 : 403);
  });

  it("follows the repository's policy as it is now", async () => {
    const policy = (Condition: object) =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Principal: { AWS: DEPLOYER.arn }, Action: "ecr:ListImages", Condition }],
      });
    for (const [address, status] of [
      ["127.0.0.1", 200],
      ["10.0.0.1", 403],
      ["127.0.0.1", 200],
    ] as const) {
      await at.createEcrRepository("team/app", { policyText: policy({ IpAddress: { "aws:SourceIp": address } }) });
      expect((await at.send("GET", `${PATH}/tags/list`, { auth: auth() })).status).toBe(status);
    }
  });
});

describe("the catalog of an ECR registry", () => {
  const headers = { host: ECR_HOST };

  it("lists its repositories, in pages, to whoever may describe them", async () => {
    await at.createEcrRepository("another");
    await pushBlob(at, "local", "x");
    const denied = await at.send("GET", "/v2/_catalog", { auth: auth(), headers });
    expect([denied.status, denied.json.errors[0].message]).toEqual([
      403,
      `User: ${DEPLOYER.arn} is not authorized to perform: ecr:DescribeRepositories on resource: arn:aws:ecr:us-east-1:000000000000:repository/* because no identity-based policy allows the ecr:DescribeRepositories action`,
    ]);
    may(allow(["DescribeRepositories"], { Resource: "*" }));
    expect((await at.send("GET", "/v2/_catalog", { auth: auth(), headers })).json).toEqual({
      repositories: ["another", "team/app"],
    });
    const page = await at.send("GET", "/v2/_catalog?n=1", { auth: auth(), headers });
    expect([page.json, page.headers["link"]]).toEqual([
      { repositories: ["another"] },
      '</v2/_catalog?n=1&last=another>; rel="next"',
    ]);
  });

  it("asks strangers to log in as ECR does", async () => {
    const reply = await at.send("GET", "/v2/_catalog", { auth: null, headers });
    expect([reply.status, reply.headers["www-authenticate"]]).toEqual([
      401,
      `Basic realm="https://${ECR_HOST}/",service="ecr.amazonaws.com"`,
    ]);
  });
});
