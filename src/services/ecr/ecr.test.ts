import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  DEPLOYER,
  ECR_HOST,
  OCI_INDEX,
  pushImage,
  type RegistryFixture,
  SCOPE,
  sha256,
  startRegistry,
} from "../../../test/support/registry-fixture.ts";
import { systemIds } from "../../core/ids.ts";
import { createDispatcher, type Dispatcher } from "../index.ts";
import { ecrService } from "./index.ts";

let at: RegistryFixture;
let dispatcher: Dispatcher;
beforeEach(async () => {
  at = await startRegistry();
  const { registry, store, clock } = at;
  const identity = { policiesOf: () => ({ identity: at.policies }), tagsOf: () => ({}) };
  dispatcher = createDispatcher({ services: [ecrService({ registry })], identity, store, clock, ids: systemIds });
  permit("ecr:*", "*");
});
afterEach(() => at.close());

const permit = (Action: string, Resource: string): void => {
  const document = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] };
  at.policies = [{ name: "inline policy p of user deployer", document }];
};

// biome-ignore lint/suspicious/noExplicitAny: each operation answers its own shape
const call = (operation: string, input: object = {}): Promise<any> =>
  dispatcher.invoke({ service: "ecr", operation, input, principal: DEPLOYER, scope: SCOPE });

const failure = (operation: string, input: object): Promise<{ code: string; message: string }> =>
  call(operation, input).then(
    () => Promise.reject(new Error(`${operation} succeeded`)),
    ({ code, message }) => ({ code, message }),
  );

const MISSING = {
  code: "RepositoryNotFoundException",
  message: "The repository with name 'nothing' does not exist in the registry with id '000000000000'",
};

describe("GetAuthorizationToken", () => {
  it("answers user AWS with a password that opens the registry", async () => {
    const { authorizationData } = await call("GetAuthorizationToken");
    expect(authorizationData).toEqual([
      {
        authorizationToken: expect.any(String),
        expiresAt: at.clock.nowMs() + 12 * 60 * 60 * 1000,
        proxyEndpoint: "https://000000000000.dkr.ecr.us-east-1.amazonaws.com",
      },
    ]);
    const auth = Buffer.from(authorizationData[0].authorizationToken, "base64").toString();
    expect(auth).toMatch(/^AWS:/);
    expect((await at.send("GET", "/v2/", { auth })).status).toBe(200);
  });

  it("asks for `*`", async () => {
    permit("ecr:ListImages", "*");
    expect(await failure("GetAuthorizationToken", {})).toEqual({
      code: "AccessDeniedException",
      message:
        "User: arn:aws:iam::000000000000:user/deployer is not authorized to perform: ecr:GetAuthorizationToken on resource: * because no identity-based policy allows the ecr:GetAuthorizationToken action",
    });
  });
});

describe("repositories", () => {
  it("are created, described in pages, and deleted", async () => {
    const { repository } = await call("CreateRepository", { repositoryName: "team/app" });
    expect(repository).toEqual({
      repositoryArn: "arn:aws:ecr:us-east-1:000000000000:repository/team/app",
      registryId: "000000000000",
      repositoryName: "team/app",
      repositoryUri: "000000000000.dkr.ecr.us-east-1.amazonaws.com/team/app",
      createdAt: at.clock.nowMs(),
      imageTagMutability: "MUTABLE",
      imageScanningConfiguration: { scanOnPush: false },
      encryptionConfiguration: { encryptionType: "AES256" },
    });
    await call("CreateRepository", { repositoryName: "other" });
    const first = await call("DescribeRepositories", { maxResults: 1 });
    expect(first.repositories.map((r: { repositoryName: string }) => r.repositoryName)).toEqual(["other"]);
    const second = await call("DescribeRepositories", { maxResults: 1, nextToken: first.nextToken });
    expect(second).toEqual({ repositories: [repository] });
    expect(await call("DescribeRepositories", { repositoryNames: ["team/app"] })).toEqual({
      repositories: [repository],
    });
    expect(await call("DeleteRepository", { repositoryName: "team/app" })).toEqual({ repository });
    expect(await failure("DescribeRepositories", { repositoryNames: ["nothing"] })).toEqual(MISSING);
  });

  it("say what is wrong in ECR's words", async () => {
    await call("CreateRepository", { repositoryName: "app" });
    expect(await failure("CreateRepository", { repositoryName: "app" })).toEqual({
      code: "RepositoryAlreadyExistsException",
      message: "The repository with name 'app' already exists in the registry with id '000000000000'",
    });
    await pushImage(at, `${ECR_HOST}/app`, "v1");
    expect(await failure("DeleteRepository", { repositoryName: "app" })).toEqual({
      code: "RepositoryNotEmptyException",
      message:
        "The repository with name 'app' in registry with id '000000000000' cannot be deleted because it still contains images",
    });
    await call("DeleteRepository", { repositoryName: "app", force: true });
    expect(await failure("DeleteRepository", { repositoryName: "nothing" })).toEqual(MISSING);
    expect((await failure("CreateRepository", { repositoryName: "Upper" })).code).toBe("InvalidParameterException");
    const encryptionConfiguration = { encryptionType: "KMS" };
    expect(await failure("CreateRepository", { repositoryName: "secret", encryptionConfiguration })).toEqual({
      code: "InvalidParameterException",
      message:
        "kiln does not encrypt images with KMS keys: `encryptionConfiguration.encryptionType` is `KMS`, expected `AES256`",
    });
  });

  it("come back empty after a forced delete", async () => {
    await call("CreateRepository", { repositoryName: "app" });
    await pushImage(at, `${ECR_HOST}/app`, "v1");
    await call("DeleteRepository", { repositoryName: "app", force: true });
    await call("CreateRepository", { repositoryName: "app" });
    expect(await call("ListImages", { repositoryName: "app" })).toEqual({ imageIds: [] });
    expect((await at.send("GET", `/v2/${ECR_HOST}/app/blobs/${sha256("{}")}`)).status).toBe(404);
  });

  it("ask without names for every repository", async () => {
    permit("ecr:DescribeRepositories", "arn:aws:ecr:us-east-1:000000000000:repository/app");
    expect((await failure("DescribeRepositories", {})).message).toContain(
      "on resource: arn:aws:ecr:us-east-1:000000000000:repository/* because",
    );
  });

  it("become immutable, with filters where the value wants them", async () => {
    await call("CreateRepository", { repositoryName: "app" });
    const imageTagMutabilityExclusionFilters = [{ filterType: "WILDCARD", filter: "dev-*" }];
    expect(
      await call("PutImageTagMutability", {
        repositoryName: "app",
        imageTagMutability: "IMMUTABLE_WITH_EXCLUSION",
        imageTagMutabilityExclusionFilters,
      }),
    ).toMatchObject({ imageTagMutability: "IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters });
    for (const [tag, status] of [
      ["dev-1", 201],
      ["v1", 400],
    ] as const) {
      await pushImage(at, `${ECR_HOST}/app`, tag);
      expect((await pushImage(at, `${ECR_HOST}/app`, tag)).reply.status).toBe(status);
    }
    expect(
      await failure("PutImageTagMutability", {
        repositoryName: "app",
        imageTagMutability: "IMMUTABLE",
        imageTagMutabilityExclusionFilters,
      }),
    ).toEqual({
      code: "InvalidParameterException",
      message:
        "Invalid parameter at 'imageTagMutabilityExclusionFilters' failed to satisfy constraint: 'must not be given with IMMUTABLE'",
    });
  });
});

describe("images", () => {
  let one: Awaited<ReturnType<typeof pushImage>>;
  let index = "";
  beforeEach(async () => {
    await call("CreateRepository", { repositoryName: "app" });
    one = await pushImage(at, `${ECR_HOST}/app`, "v1");
    await at.send("PUT", `/v2/${ECR_HOST}/app/manifests/latest`, {
      body: one.manifest,
      headers: { "content-type": "application/vnd.oci.image.manifest.v1+json" },
    });
    const child = {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: one.digest,
      size: one.manifest.length,
    };
    const body = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] });
    index = sha256(body);
    await at.send("PUT", `/v2/${ECR_HOST}/app/manifests/${index}`, { body, headers: { "content-type": OCI_INDEX } });
  });

  it("are listed by tag and digest", async () => {
    const { imageIds } = await call("ListImages", { repositoryName: "app" });
    expect(imageIds).toHaveLength(3);
    expect(imageIds).toContainEqual({ imageDigest: index });
    const tagged = await call("ListImages", { repositoryName: "app", filter: { tagStatus: "TAGGED" } });
    expect(tagged.imageIds).toEqual([
      { imageDigest: one.digest, imageTag: "latest" },
      { imageDigest: one.digest, imageTag: "v1" },
    ]);
  });

  it("are described, an index with the size of its largest image", async () => {
    const { imageDetails } = await call("DescribeImages", { repositoryName: "app", imageIds: [{ imageTag: "v1" }] });
    const bytes = `layer of ${ECR_HOST}/app`.length + 2;
    expect(imageDetails).toEqual([
      {
        registryId: "000000000000",
        repositoryName: "app",
        imageDigest: one.digest,
        imageTags: ["latest", "v1"],
        imageSizeInBytes: bytes,
        imagePushedAt: at.clock.nowMs(),
        imageManifestMediaType: "application/vnd.oci.image.manifest.v1+json",
        artifactMediaType: "application/vnd.oci.image.config.v1+json",
        imageStatus: "ACTIVE",
      },
    ]);
    const untagged = await call("DescribeImages", { repositoryName: "app", filter: { tagStatus: "UNTAGGED" } });
    expect(untagged.imageDetails).toEqual([
      expect.objectContaining({ imageDigest: index, imageSizeInBytes: bytes, imageManifestMediaType: OCI_INDEX }),
    ]);
    expect(await failure("DescribeImages", { repositoryName: "app", imageIds: [{ imageTag: "v9" }] })).toEqual({
      code: "ImageNotFoundException",
      message:
        "The image with imageId {imageDigest:'null', imageTag:'v9'} does not exist within the repository with name 'app' in the registry with id '000000000000'",
    });
  });

  it("are got in one call, failures apart", async () => {
    const imageIds = [{ imageTag: "v1" }, { imageTag: "v9" }, {}, { imageTag: "v1", imageDigest: index }];
    const { images, failures } = await call("BatchGetImage", { repositoryName: "app", imageIds });
    expect(images).toEqual([
      {
        registryId: "000000000000",
        repositoryName: "app",
        imageId: { imageDigest: one.digest, imageTag: "v1" },
        imageManifest: one.manifest,
        imageManifestMediaType: "application/vnd.oci.image.manifest.v1+json",
      },
    ]);
    expect(failures.map(({ failureCode }: { failureCode: string }) => failureCode)).toEqual([
      "ImageNotFound",
      "MissingDigestAndTag",
      "ImageTagDoesNotMatchDigest",
    ]);
    expect(failures[0].failureReason).toBe("Requested image not found");
    const described = await call("DescribeImages", { repositoryName: "app", imageIds: [{ imageTag: "v1" }] });
    expect(described.imageDetails[0].lastRecordedPullTime).toBe(at.clock.nowMs());
  });

  it("lose a tag, then go with their last one, unless an index needs them", async () => {
    const remove = (...imageIds: object[]) => call("BatchDeleteImage", { repositoryName: "app", imageIds });
    expect(await remove({ imageTag: "latest" })).toEqual({
      imageIds: [{ imageDigest: one.digest, imageTag: "latest" }],
      failures: [],
    });
    expect((await remove({ imageTag: "v1" })).failures).toEqual([
      {
        imageId: { imageTag: "v1" },
        failureCode: "ImageReferencedByManifestList",
        failureReason: `Requested image referenced by manifest list: [${index}]`,
      },
    ]);
    expect(await remove({ imageDigest: index }, { imageTag: "v1" }, { imageTag: "v1" })).toEqual({
      imageIds: [{ imageDigest: index }, { imageDigest: one.digest, imageTag: "v1" }],
      failures: [
        { imageId: { imageTag: "v1" }, failureCode: "ImageNotFound", failureReason: "Requested image not found" },
      ],
    });
    await call("DeleteRepository", { repositoryName: "app" });
  });

  it("are put as manifests, with the registry's rules as exceptions", async () => {
    const put = { repositoryName: "app", imageManifest: one.manifest };
    expect((await call("PutImage", { ...put, imageTag: "v2" })).image.imageId).toEqual({
      imageDigest: one.digest,
      imageTag: "v2",
    });
    expect(await failure("PutImage", { ...put, imageTag: "v2" })).toEqual({
      code: "ImageAlreadyExistsException",
      message: `Image with digest '${one.digest}' and tag 'v2' already exists in the repository with name 'app' in registry with id '000000000000'`,
    });
    await call("PutImageTagMutability", { repositoryName: "app", imageTagMutability: "IMMUTABLE" });
    expect(await failure("PutImage", { ...put, imageTag: "v1" })).toEqual({
      code: "ImageTagAlreadyExistsException",
      message:
        "The image tag 'v1' already exists in the 'app' repository and cannot be overwritten because the repository is immutable.",
    });
    const imageManifest = one.manifest.replace(sha256("{}"), sha256("other"));
    expect((await failure("PutImage", { ...put, imageManifest, imageTag: "v3" })).code).toBe("LayersNotFoundException");
    expect((await failure("PutImage", { ...put, imageDigest: index })).code).toBe("ImageDigestDoesNotMatchException");
  });
});

describe("repository policies", () => {
  const policyText = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Sid: "pull", Effect: "Allow", Principal: "*", Action: ["ecr:BatchGetImage"] }],
  });

  it("are set, read and deleted", async () => {
    await call("CreateRepository", { repositoryName: "app" });
    const answer = { registryId: "000000000000", repositoryName: "app", policyText };
    expect(await call("SetRepositoryPolicy", { repositoryName: "app", policyText })).toEqual(answer);
    expect(await call("GetRepositoryPolicy", { repositoryName: "app" })).toEqual(answer);
    expect(await call("DeleteRepositoryPolicy", { repositoryName: "app" })).toEqual(answer);
    expect(await failure("GetRepositoryPolicy", { repositoryName: "app" })).toEqual({
      code: "RepositoryPolicyNotFoundException",
      message:
        "Repository policy does not exist for the repository with name 'app' in the registry with id '000000000000'",
    });
    const statement = { Effect: "Allow", Principal: "*", Action: "ecr:*", Resource: "*" };
    const withResource = JSON.stringify({ Version: "2012-10-17", Statement: statement });
    expect(await failure("SetRepositoryPolicy", { repositoryName: "app", policyText: withResource })).toEqual({
      code: "InvalidParameterException",
      message: "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
    });
    expect(await failure("SetRepositoryPolicy", { repositoryName: "app", policyText: "{}" })).toEqual({
      code: "InvalidParameterException",
      message: "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid repository policy provided'",
    });
  });

  it("are refused when they would lock the caller out, unless forced", async () => {
    await call("CreateRepository", { repositoryName: "app" });
    const Statement = [{ Effect: "Deny", Principal: "*", Action: "ecr:SetRepositoryPolicy" }];
    const policyText = JSON.stringify({ Version: "2012-10-17", Statement });
    expect(await failure("SetRepositoryPolicy", { repositoryName: "app", policyText })).toEqual({
      code: "InvalidParameterException",
      message:
        "Invalid parameter at 'PolicyText' failed to satisfy constraint: 'The policy would prevent you from setting another repository policy; use force to set it'",
    });
    await call("SetRepositoryPolicy", { repositoryName: "app", policyText, force: true });
    expect((await failure("SetRepositoryPolicy", { repositoryName: "app", policyText })).code).toBe(
      "AccessDeniedException",
    );
  });

  it("deny what the principal's own policy allows", async () => {
    await call("CreateRepository", { repositoryName: "app" });
    await call("SetRepositoryPolicy", { repositoryName: "app", policyText: policyText.replace("Allow", "Deny") });
    const input = { repositoryName: "app", imageIds: [{ imageTag: "v1" }] };
    expect((await failure("BatchGetImage", input)).message).toMatch(
      /with an explicit deny in a resource-based policy$/,
    );
  });
});

describe("tags", () => {
  const resourceArn = "arn:aws:ecr:us-east-1:000000000000:repository/app";

  it("are set, listed and removed, and count as conditions", async () => {
    await call("CreateRepository", { repositoryName: "app", tags: [{ Key: "team", Value: "a" }] });
    await call("TagResource", { resourceArn, tags: [{ Key: "env", Value: "dev" }] });
    expect(await call("ListTagsForResource", { resourceArn })).toEqual({
      tags: [
        { Key: "team", Value: "a" },
        { Key: "env", Value: "dev" },
      ],
    });
    await call("UntagResource", { resourceArn, tagKeys: ["env"] });
    expect((await call("ListTagsForResource", { resourceArn })).tags).toEqual([{ Key: "team", Value: "a" }]);
    const Condition = { StringEquals: { "aws:ResourceTag/team": "b" } };
    const Statement = [{ Effect: "Allow", Action: "*", Resource: "*", Condition }];
    at.policies = [{ name: "tagged", document: { Version: "2012-10-17", Statement } }];
    expect((await failure("ListImages", { repositoryName: "app" })).code).toBe("AccessDeniedException");
  });

  it("are refused beyond 50 and for other resources", async () => {
    const tags = Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    await call("CreateRepository", { repositoryName: "app" });
    expect((await failure("TagResource", { resourceArn, tags })).code).toBe("TooManyTagsException");
    expect((await failure("TagResource", { resourceArn: "arn:aws:s3:::bucket", tags: [] })).code).toBe(
      "InvalidParameterException",
    );
  });
});
