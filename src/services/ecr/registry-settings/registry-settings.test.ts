import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EcrFixture, startEcr } from "../../../../test/support/ecr-fixture.ts";
import { DEPLOYER, ECR_HOST, pushImage } from "../../../../test/support/registry-fixture.ts";

let ecr: EcrFixture;
beforeEach(async () => {
  ecr = await startEcr();
  await ecr.call("CreateRepository", { repositoryName: "team/app" });
});
afterEach(() => ecr.at.close());

const document = (...Statement: object[]) => JSON.stringify({ Version: "2012-10-17", Statement });
const allow = (Action: string, more: object = {}) => ({ Effect: "Allow", Action, Resource: "*", ...more });
const Principal = { AWS: DEPLOYER.arn };
const listImages = () => ecr.callAsDeployer("ListImages", { repositoryName: "team/app" });

describe("a registry policy", () => {
  it("is put, read and deleted", async () => {
    const policyText = document(allow("ecr:ListImages", { Principal }));
    const missing =
      "RegistryPolicyNotFoundException: Registry policy does not exist in the registry with id '000000000000'";
    expect(await ecr.failure("GetRegistryPolicy", {})).toBe(missing);
    const policy = { registryId: "000000000000", policyText };
    expect(await ecr.call("PutRegistryPolicy", { policyText })).toEqual(policy);
    expect(await ecr.call("GetRegistryPolicy")).toEqual(policy);
    expect(await ecr.call("DeleteRegistryPolicy")).toEqual(policy);
    expect(await ecr.failure("DeleteRegistryPolicy", {})).toBe(missing);
    for (const text of ["{", document({ Effect: "Allow", Principal, Action: "ecr:ListImages" })]) {
      expect(await ecr.failure("PutRegistryPolicy", { policyText: text })).toBe(
        "InvalidParameterException: Invalid parameter at 'PolicyText' failed to satisfy constraint: 'Invalid registry policy provided'",
      );
    }
  });

  it("allows and denies beside the repository's own", async () => {
    await expect(listImages()).rejects.toMatchObject({ code: "AccessDeniedException" });
    await ecr.call("PutRegistryPolicy", { policyText: document(allow("ecr:ListImages", { Principal })) });
    await listImages();
    await ecr.call("SetRepositoryPolicy", {
      repositoryName: "team/app",
      policyText: document({ Effect: "Deny", Principal: "*", Action: "ecr:ListImages" }),
    });
    await expect(listImages()).rejects.toMatchObject({
      message: `User: ${DEPLOYER.arn} is not authorized to perform: ecr:ListImages on resource: arn:aws:ecr:us-east-1:000000000000:repository/team/app with an explicit deny in a resource-based policy`,
    });
    await ecr.call("SetRepositoryPolicy", {
      repositoryName: "team/app",
      policyText: document({ Effect: "Allow", Principal, Action: "ecr:ListImages" }),
    });
    await ecr.call("PutRegistryPolicy", {
      policyText: document({ ...allow("ecr:ListImages", { Principal: "*" }), Effect: "Deny" }),
    });
    await expect(listImages()).rejects.toMatchObject({ code: "AccessDeniedException" });
  });

  it("counts in scope V1 for importing, replicating and creating alone", async () => {
    await ecr.call("PutRegistryPolicy", { policyText: document(allow("ecr:*", { Principal })) });
    await ecr.call("PutAccountSetting", { name: "REGISTRY_POLICY_SCOPE", value: "V1" });
    await expect(listImages()).rejects.toMatchObject({ code: "AccessDeniedException" });
    await ecr.callAsDeployer("CreateRepository", { repositoryName: "new" });
  });
});

describe("scanning", () => {
  it("is configured and told, and finds nothing because nothing is scanned", async () => {
    const rules = [
      { scanFrequency: "SCAN_ON_PUSH", repositoryFilters: [{ filter: "team/*", filterType: "WILDCARD" }] },
    ];
    const put = await ecr.call("PutRegistryScanningConfiguration", { scanType: "BASIC", rules });
    expect(put).toEqual({ registryScanningConfiguration: { scanType: "BASIC", rules } });
    expect((await ecr.call("GetRegistryScanningConfiguration")).scanningConfiguration).toEqual({
      ...{ scanType: "BASIC", rules },
    });
    expect(
      await ecr.call("BatchGetRepositoryScanningConfiguration", { repositoryNames: ["team/app", "missing"] }),
    ).toEqual({
      scanningConfigurations: [
        {
          repositoryArn: "arn:aws:ecr:us-east-1:000000000000:repository/team/app",
          repositoryName: "team/app",
          scanOnPush: true,
          scanFrequency: "SCAN_ON_PUSH",
          appliedScanFilters: [{ filter: "team/*", filterType: "WILDCARD" }],
        },
      ],
      failures: [
        {
          repositoryName: "missing",
          failureCode: "REPOSITORY_NOT_FOUND",
          failureReason: "The repository with name 'missing' does not exist in the registry with id '000000000000'",
        },
      ],
    });
    const { digest } = await pushImage(ecr.at, `${ECR_HOST}/team/app`, "v1");
    const image = { repositoryName: "team/app", imageId: { imageTag: "v1" } };
    expect(await ecr.failure("DescribeImageScanFindings", image)).toBe(
      `ScanNotFoundException: Image scan does not exist for the image with '{imageDigest:'${digest}', imageTag:'v1'}' in the repository with name 'team/app' in the registry with id '000000000000'`,
    );
    expect(await ecr.failure("StartImageScan", image)).toMatch(/^NotImplemented: kiln does not offer `/);
  });
});

describe("creation templates", () => {
  it("are created, changed, listed in pages and deleted", async () => {
    const template = { prefix: "team", appliedFor: ["CREATE_ON_PUSH"], description: "ours" };
    const { repositoryCreationTemplate } = await ecr.call("CreateRepositoryCreationTemplate", template);
    expect(repositoryCreationTemplate).toEqual({
      ...template,
      encryptionConfiguration: { encryptionType: "AES256" },
      imageTagMutability: "MUTABLE",
      resourceTags: [],
      createdAt: ecr.at.clock.nowMs(),
      updatedAt: ecr.at.clock.nowMs(),
    });
    expect(await ecr.failure("CreateRepositoryCreationTemplate", template)).toMatch(
      /^TemplateAlreadyExistsException: /,
    );
    await ecr.call("CreateRepositoryCreationTemplate", { prefix: "ROOT", appliedFor: ["REPLICATION"] });
    ecr.at.clock.advance(1000);
    const changed = await ecr.call("UpdateRepositoryCreationTemplate", {
      prefix: "team",
      imageTagMutability: "IMMUTABLE",
    });
    expect(changed.repositoryCreationTemplate).toEqual({
      ...repositoryCreationTemplate,
      imageTagMutability: "IMMUTABLE",
      updatedAt: ecr.at.clock.nowMs(),
    });
    const prefixesOf = (page: { repositoryCreationTemplates: { prefix: string }[] }) =>
      page.repositoryCreationTemplates.map(({ prefix }) => prefix);
    const first = await ecr.call("DescribeRepositoryCreationTemplates", { maxResults: 1 });
    const second = await ecr.call("DescribeRepositoryCreationTemplates", { nextToken: first.nextToken });
    expect([...prefixesOf(first), ...prefixesOf(second)]).toEqual(["ROOT", "team"]);
    await ecr.call("DeleteRepositoryCreationTemplate", { prefix: "team" });
    for (const operation of ["DeleteRepositoryCreationTemplate", "UpdateRepositoryCreationTemplate"]) {
      expect(await ecr.failure(operation, { prefix: "team" })).toMatch(/^TemplateNotFoundException: /);
    }
    expect(await ecr.failure("DescribeRepositoryCreationTemplates", { prefixes: ["team"] })).toMatch(
      /^TemplateNotFoundException: /,
    );
    expect(await ecr.failure("CreateRepositoryCreationTemplate", { ...template, lifecyclePolicy: "{}" })).toContain(
      "Lifecycle policy validation failure",
    );
    expect(await ecr.failure("CreateRepositoryCreationTemplate", { ...template, repositoryPolicy: "{}" })).toBe(
      "InvalidParameterException: Invalid parameter at 'RepositoryPolicy' failed to satisfy constraint: 'Invalid repository policy provided'",
    );
  });
});
