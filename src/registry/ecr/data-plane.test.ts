/** What ECR does beyond the specification on a push and a pull, over HTTP; the settings come through its JSON API. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EcrFixture, startEcr } from "../../../test/support/ecr-fixture.ts";
import {
  DEPLOYER,
  ECR_HOST,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  SCOPE,
  sha256,
} from "../../../test/support/registry-fixture.ts";

const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const LOCAL = "arn:aws:ecr:us-east-1:000000000000:repository";

let ecr: EcrFixture;
beforeEach(async () => {
  ecr = await startEcr();
});
afterEach(() => ecr.at.close());

const auth = (): string => `AWS:${ecr.at.registry.issueEcrToken(DEPLOYER, SCOPE).password}`;
const allow = (Action: string | readonly string[], Resource = "*") => ({ Effect: "Allow", Action, Resource });
const startUpload = (name: string) => ecr.at.send("POST", `/v2/${ECR_HOST}/${name}/blobs/uploads/`, { auth: auth() });
const errorOf = (reply: { readonly status: number; readonly json: { errors: { message: string }[] } }) => [
  reply.status,
  reply.json.errors[0]?.message,
];

describe("a push into a repository that does not exist", () => {
  const lifecyclePolicy = JSON.stringify({
    rules: [
      {
        rulePriority: 1,
        selection: { tagStatus: "any", countType: "imageCountMoreThan", countNumber: 5 },
        action: { type: "expire" },
      },
    ],
  });
  beforeEach(() =>
    ecr.call("CreateRepositoryCreationTemplate", {
      prefix: "team",
      appliedFor: ["CREATE_ON_PUSH"],
      imageTagMutability: "IMMUTABLE",
      resourceTags: [{ Key: "made", Value: "by-push" }],
      lifecyclePolicy,
    }),
  );

  it("makes it as the template says, if the pusher may", async () => {
    const missing = "The repository with name 'team/app' does not exist in the registry with id '000000000000'";
    ecr.permit(allow("ecr:BatchCheckLayerAvailability"));
    const head = await ecr.at.send("GET", `/v2/${ECR_HOST}/team/app/tags/list`);
    expect(errorOf(head)).toEqual([404, missing]);
    ecr.permit(allow("ecr:InitiateLayerUpload"));
    expect(errorOf(await startUpload("team/app"))).toEqual([
      403,
      `User: ${DEPLOYER.arn} is not authorized to perform: ecr:CreateRepository on resource: ${LOCAL}/team/app because no identity-based policy allows the ecr:CreateRepository action`,
    ]);
    ecr.permit(allow(["ecr:InitiateLayerUpload", "ecr:CreateRepository"]));
    expect((await startUpload("team/app")).status).toBe(202);
    expect((await ecr.call("DescribeRepositories", { repositoryNames: ["team/app"] })).repositories).toMatchObject([
      { imageTagMutability: "IMMUTABLE" },
    ]);
    const tags = await ecr.call("ListTagsForResource", { resourceArn: `${LOCAL}/team/app` });
    expect(tags).toEqual({ tags: [{ Key: "made", Value: "by-push" }] });
    const policy = await ecr.call("GetLifecyclePolicy", { repositoryName: "team/app" });
    expect(policy.lifecyclePolicyText).toBe(lifecyclePolicy);
  });

  it("is refused without a template for pushes, and where the prefix is only the beginning of a word", async () => {
    ecr.permit(allow("ecr:*"));
    for (const name of ["other/app", "teamwork/app"]) {
      expect(errorOf(await startUpload(name))).toEqual([
        404,
        `The repository with name '${name}' does not exist in the registry with id '000000000000'`,
      ]);
    }
    await ecr.call("CreateRepositoryCreationTemplate", { prefix: "ROOT", appliedFor: ["PULL_THROUGH_CACHE"] });
    expect((await startUpload("other/app")).status).toBe(404);
    await ecr.call("UpdateRepositoryCreationTemplate", { prefix: "ROOT", appliedFor: ["CREATE_ON_PUSH"] });
    expect((await startUpload("other/app")).status).toBe(202);
  });
});

describe("a layer of another repository", () => {
  const digest = sha256("layer");
  const mount = (from: string) =>
    ecr.at.send("POST", `/v2/${ECR_HOST}/app/blobs/uploads/?mount=${digest}&from=${from}`, { auth: auth() });
  beforeEach(async () => {
    for (const repositoryName of ["app", "base"]) await ecr.call("CreateRepository", { repositoryName });
    await pushBlob(ecr.at, `${ECR_HOST}/base`, "layer");
    ecr.permit(allow("ecr:*"));
  });

  it("is mounted only where the account setting says so, within one registry, by who may read it", async () => {
    const setting = { name: "BLOB_MOUNTING" };
    expect(await ecr.call("GetAccountSetting", setting)).toEqual({ ...setting, value: "DISABLED" });
    expect((await mount(`${ECR_HOST}/base`)).status).toBe(202);
    await ecr.call("PutAccountSetting", { ...setting, value: "ENABLED" });
    ecr.permit(allow("ecr:*", `${LOCAL}/app`));
    expect((await mount(`${ECR_HOST}/base`)).status).toBe(202);
    ecr.permit(allow("ecr:*", `${LOCAL}/app`), allow("ecr:GetDownloadUrlForLayer", `${LOCAL}/base`));
    expect((await mount("000000000000.dkr.ecr.eu-west-1.amazonaws.com/base")).status).toBe(202);
    expect((await mount(`${ECR_HOST}/base`)).status).toBe(201);
  });

  it("stays where it is when the setting's value is not one", async () => {
    expect(await ecr.failure("PutAccountSetting", { name: "BLOB_MOUNTING", value: "YES" })).toBe(
      "ValidationException: Invalid value 'YES' for account setting 'BLOB_MOUNTING'. Valid values: DISABLED, ENABLED",
    );
    expect(await ecr.failure("GetAccountSetting", { name: "OTHER" })).toBe(
      "ValidationException: Invalid account setting name 'OTHER'. Valid values: BASIC_SCAN_TYPE_VERSION, REGISTRY_POLICY_SCOPE, BLOB_MOUNTING",
    );
  });
});

describe("a pull of a form that is not stored", () => {
  const get = (reference: string, accept: string) =>
    ecr.at.send("GET", `/v2/${ECR_HOST}/app/manifests/${reference}`, { headers: { accept } });
  let digest: string;
  beforeEach(async () => {
    await ecr.call("CreateRepository", { repositoryName: "app" });
    ({ digest } = await pushImage(ecr.at, `${ECR_HOST}/app`, "v1", { annotations: { a: "b" } }));
  });

  it("is converted by tag, never by digest", async () => {
    const converted = await get("v1", DOCKER_MANIFEST);
    expect(converted.headers["content-type"]).toBe(DOCKER_MANIFEST);
    expect(converted.headers["docker-content-digest"]).toBe(sha256(converted.body));
    expect(converted.json).toMatchObject({
      mediaType: DOCKER_MANIFEST,
      config: { mediaType: "application/vnd.docker.container.image.v1+json" },
      layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar" }],
    });
    expect(converted.json.annotations).toBeUndefined();
    for (const [reference, accept] of [
      ["v1", `${DOCKER_MANIFEST}, ${OCI_MANIFEST}`],
      ["v1", "*/*"],
      [digest, DOCKER_MANIFEST],
    ] as const) {
      expect((await get(reference, accept)).headers["content-type"]).toBe(OCI_MANIFEST);
    }
  });

  it("is converted for the JSON API by acceptedMediaTypes", async () => {
    const ask = async (imageId: object) =>
      (
        await ecr.call("BatchGetImage", {
          ...{ repositoryName: "app", imageIds: [imageId], acceptedMediaTypes: [DOCKER_MANIFEST] },
        })
      ).images[0].imageManifestMediaType;
    expect(await ask({ imageTag: "v1" })).toBe(DOCKER_MANIFEST);
    expect(await ask({ imageDigest: digest })).toBe(OCI_MANIFEST);
  });
});

describe("an archived image", () => {
  it("cannot be pulled until it is restored", async () => {
    await ecr.call("CreateRepository", { repositoryName: "app" });
    await pushImage(ecr.at, `${ECR_HOST}/app`, "v1");
    const move = (targetStorageClass: string) =>
      ecr.call("UpdateImageStorageClass", { repositoryName: "app", imageId: { imageTag: "v1" }, targetStorageClass });
    expect(await move("ARCHIVE")).toMatchObject({ imageStatus: "ARCHIVED" });
    const text = "The image 'v1' is archived and must be restored before it can be pulled";
    expect(errorOf(await ecr.at.send("GET", `/v2/${ECR_HOST}/app/manifests/v1`))).toEqual([404, text]);
    const got = await ecr.call("BatchGetImage", { repositoryName: "app", imageIds: [{ imageTag: "v1" }] });
    expect(got.failures).toMatchObject([{ failureCode: "ImageInaccessible", failureReason: text }]);
    expect(await ecr.call("ListImages", { repositoryName: "app" })).toEqual({ imageIds: [] });
    const archived = await ecr.call("DescribeImages", { repositoryName: "app", filter: { imageStatus: "ARCHIVED" } });
    expect(archived.imageDetails).toMatchObject([{ imageStatus: "ARCHIVED", lastArchivedAt: ecr.at.clock.nowMs() }]);
    expect(await move("STANDARD")).toMatchObject({ imageStatus: "ACTIVE" });
    expect((await ecr.at.send("GET", `/v2/${ECR_HOST}/app/manifests/v1`)).status).toBe(200);
  });
});

it("an archived image is restored by pushing it again", async () => {
  await ecr.call("CreateRepository", { repositoryName: "app" });
  await pushImage(ecr.at, `${ECR_HOST}/app`, "v1");
  const imageId = { imageTag: "v1" };
  await ecr.call("UpdateImageStorageClass", { repositoryName: "app", imageId, targetStorageClass: "ARCHIVE" });
  await pushImage(ecr.at, `${ECR_HOST}/app`, "v1");
  const { imageDetails } = await ecr.call("DescribeImages", { repositoryName: "app" });
  expect(imageDetails).toMatchObject([{ imageStatus: "ACTIVE", lastActivatedAt: ecr.at.clock.nowMs() }]);
});

describe("the time of the last pull", () => {
  it("does not move for principals that are excluded", async () => {
    await ecr.call("CreateRepository", { repositoryName: "app" });
    await pushImage(ecr.at, `${ECR_HOST}/app`, "v1");
    ecr.permit(allow("ecr:*"));
    const exclusion = { principalArn: DEPLOYER.arn };
    await ecr.call("RegisterPullTimeUpdateExclusion", exclusion);
    expect(await ecr.failure("RegisterPullTimeUpdateExclusion", exclusion)).toMatch(
      /^ExclusionAlreadyExistsException: /,
    );
    expect(await ecr.call("ListPullTimeUpdateExclusions")).toEqual({ pullTimeUpdateExclusions: [DEPLOYER.arn] });
    const pull = () => ecr.at.send("GET", `/v2/${ECR_HOST}/app/manifests/v1`, { auth: auth() });
    const lastPull = async () =>
      (await ecr.call("DescribeImages", { repositoryName: "app" })).imageDetails[0].lastRecordedPullTime;
    await pull();
    expect(await lastPull()).toBeUndefined();
    await ecr.call("DeregisterPullTimeUpdateExclusion", exclusion);
    expect(await ecr.failure("DeregisterPullTimeUpdateExclusion", exclusion)).toMatch(/^ExclusionNotFoundException: /);
    await pull();
    expect(await lastPull()).toBe(ecr.at.clock.nowMs());
  });
});
