import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EcrFixture, startEcr } from "../../../../test/support/ecr-fixture.ts";
import { ECR_HOST, pushImage } from "../../../../test/support/registry-fixture.ts";
import { DAY_MS, HOUR_MS } from "../../../core/clock.ts";
import { startLifecycleTimer } from "./expiry-timer.ts";

const repositoryName = "app";
const lifecyclePolicyText = JSON.stringify({
  rules: [
    {
      rulePriority: 1,
      description: "two weeks",
      selection: { tagStatus: "any", countType: "sinceImagePushed", countUnit: "days", countNumber: 14 },
      action: { type: "expire" },
    },
  ],
});

let ecr: EcrFixture;
beforeEach(async () => {
  ecr = await startEcr();
  await ecr.call("CreateRepository", { repositoryName });
});
afterEach(() => ecr.at.close());

const tags = async () =>
  (await ecr.call("ListImages", { repositoryName })).imageIds.map((id: { imageTag?: string }) => id.imageTag);

describe("lifecycle policies", () => {
  it("are put, read and deleted", async () => {
    expect(await ecr.call("PutLifecyclePolicy", { repositoryName, lifecyclePolicyText })).toEqual({
      registryId: "000000000000",
      repositoryName,
      lifecyclePolicyText,
    });
    const policy = { registryId: "000000000000", repositoryName, lifecyclePolicyText, lastEvaluatedAt: 0 };
    expect(await ecr.call("GetLifecyclePolicy", { repositoryName })).toEqual(policy);
    expect(await ecr.call("DeleteLifecyclePolicy", { repositoryName })).toEqual(policy);
    const missing =
      "LifecyclePolicyNotFoundException: Lifecycle policy does not exist for the repository with name 'app' in the registry with id '000000000000'";
    for (const operation of ["GetLifecyclePolicy", "DeleteLifecyclePolicy", "StartLifecyclePolicyPreview"]) {
      expect(await ecr.failure(operation, { repositoryName })).toBe(missing);
    }
    expect(await ecr.failure("PutLifecyclePolicy", { repositoryName, lifecyclePolicyText: "{}" })).toBe(
      "InvalidParameterException: Invalid parameter at 'lifecyclePolicyText' failed to satisfy constraint: 'must have length greater than or equal to 100'",
    );
  });

  it("are previewed without taking anything, in pages", async () => {
    for (const tag of ["v1", "v2"]) await pushImage(ecr.at, `${ECR_HOST}/app`, tag, { annotations: { tag } });
    ecr.at.clock.advance(15 * DAY_MS);
    await pushImage(ecr.at, `${ECR_HOST}/app`, "v3", { annotations: { tag: "v3" } });
    expect(await ecr.failure("GetLifecyclePolicyPreview", { repositoryName })).toBe(
      "LifecyclePolicyPreviewNotFoundException: Lifecycle policy preview does not exist for the repository with name 'app' in the registry with id '000000000000'",
    );
    expect(await ecr.call("StartLifecyclePolicyPreview", { repositoryName, lifecyclePolicyText })).toMatchObject({
      status: "IN_PROGRESS",
    });
    const first = await ecr.call("GetLifecyclePolicyPreview", { repositoryName, maxResults: 1 });
    expect(first).toMatchObject({
      status: "COMPLETE",
      lifecyclePolicyText,
      previewResults: [
        {
          action: { type: "EXPIRE" },
          appliedRulePriority: 1,
          storageClass: "STANDARD",
          imagePushedAt: expect.any(Number),
        },
      ],
      summary: { expiringImageTotalCount: 2 },
    });
    const second = await ecr.call("GetLifecyclePolicyPreview", {
      ...{ repositoryName, maxResults: 1, nextToken: first.nextToken },
    });
    expect(second.nextToken).toBeUndefined();
    const found = [...first.previewResults, ...second.previewResults].flatMap(({ imageTags }) => imageTags);
    expect(found.sort()).toEqual(["v1", "v2"]);
    expect(await tags()).toHaveLength(3);
  });

  it("expire images as time goes by, and say when they last did", async () => {
    await pushImage(ecr.at, `${ECR_HOST}/app`, "v1");
    const { registry, store, clock } = ecr.at;
    const timer = startLifecycleTimer({ registry, store, clock });
    await ecr.call("PutLifecyclePolicy", { repositoryName, lifecyclePolicyText });
    clock.advance(2 * HOUR_MS);
    await timer.settled();
    expect(await tags()).toEqual(["v1"]);
    clock.advance(14 * DAY_MS);
    await timer.settled();
    expect(await tags()).toEqual([]);
    const { lastEvaluatedAt } = await ecr.call("GetLifecyclePolicy", { repositoryName });
    expect(clock.nowMs() - lastEvaluatedAt).toBeLessThanOrEqual(HOUR_MS);
    await pushImage(ecr.at, `${ECR_HOST}/app`, "v2", { annotations: { tag: "v2" } });
    await timer.close();
    clock.advance(30 * DAY_MS);
    await timer.settled();
    expect(await tags()).toEqual(["v2"]);
  });
});
