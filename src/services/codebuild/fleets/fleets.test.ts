import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import { sleep, systemClock } from "../../../core/clock.ts";
import { createFakeEngine, type FakeEngine } from "../../../engines/index.ts";
import type { Build, Fleet } from "../shapes.gen.ts";

const SPEC = "version: 0.2\nphases: {build: {commands: ['long work']}}\n";
const FLEET = {
  name: "my-fleet",
  baseCapacity: 1,
  environmentType: "LINUX_CONTAINER",
  computeType: "BUILD_GENERAL1_SMALL",
};

describe("a fleet", () => {
  let engine: FakeEngine;
  let account: TestAccount;
  beforeEach(async () => {
    engine = createFakeEngine([{ match: "long work", hangs: true }]);
    account = await openTestAccount([engine]);
    await account.makeRole([]);
  });
  afterEach(() => account.close());

  async function create(more: object = {}): Promise<Fleet & { arn: string }> {
    const { fleet } = await account.root.call<{ fleet: Fleet & { arn: string } }>("codebuild", "CreateFleet", {
      ...FLEET,
      ...more,
    });
    return fleet;
  }
  const start = async (more: object = {}): Promise<string> =>
    (await account.root.call<{ build: Build }>("codebuild", "StartBuild", { projectName: "my-project", ...more })).build
      .id ?? "";
  const stop = (id: string) => account.root.call("codebuild", "StopBuild", { id });
  const phaseOf = async (id: string): Promise<string | undefined> =>
    (await account.root.call<{ builds: Build[] }>("codebuild", "BatchGetBuilds", { ids: [id] })).builds[0]
      ?.currentPhase;
  async function running(id: string): Promise<void> {
    while ((await phaseOf(id)) !== "BUILD") await sleep(systemClock, 5);
  }

  it("is made ACTIVE with AWS's shape, changed member by member, listed and deleted", async () => {
    const fleet = await create({ tags: [{ key: "team", value: "a" }] });
    expect(fleet).toMatchObject({
      arn: `arn:aws:codebuild:us-east-1:111122223333:fleet/my-fleet:${fleet.id}`,
      status: { statusCode: "ACTIVE" },
      overflowBehavior: "QUEUE",
      baseCapacity: 1,
    });
    await expect(create()).rejects.toMatchObject({
      code: "ResourceAlreadyExistsException",
      message: "Fleet already exists: my-fleet",
    });
    const changed = await account.root.call<{ fleet: Fleet }>("codebuild", "UpdateFleet", {
      arn: fleet.arn,
      baseCapacity: 2,
      scalingConfiguration: { scalingType: "TARGET_TRACKING_SCALING", maxCapacity: 3 },
    });
    expect(changed.fleet).toMatchObject({
      id: fleet.id,
      baseCapacity: 2,
      tags: [{ key: "team", value: "a" }],
      scalingConfiguration: { maxCapacity: 3, desiredCapacity: 2 },
    });
    expect(await account.root.call("codebuild", "BatchGetFleets", { names: ["my-fleet", fleet.arn, "no"] })).toEqual({
      fleets: [changed.fleet, changed.fleet],
      fleetsNotFound: ["no"],
    });
    expect(await account.root.call("codebuild", "ListFleets", {})).toEqual({ fleets: [fleet.arn] });
    await account.root.call("codebuild", "DeleteFleet", { arn: fleet.arn });
    await account.root.call("codebuild", "DeleteFleet", { arn: fleet.arn });
    await expect(
      account.root.call("codebuild", "UpdateFleet", { arn: fleet.arn, baseCapacity: 1 }),
    ).rejects.toMatchObject({ code: "ResourceNotFoundException", message: `Fleet cannot be found: ${fleet.arn}` });
  });

  it.each([
    [{ baseCapacity: -1 }, "Invalid fleet: baseCapacity must be 0 or more"],
    [{ scalingConfiguration: { maxCapacity: 0 } }, "Invalid fleet: maxCapacity must not be below baseCapacity"],
    [{ computeType: "BUILD_LAMBDA_1GB" }, "Invalid fleet: Lambda compute cannot be reserved"],
    [{ environmentType: "MAC_ARM" }, "kiln does not offer fleets of environment type MAC_ARM (docs/coverage.md)"],
    [
      { computeType: "CUSTOM_INSTANCE_TYPE" },
      "Invalid instance type: InstanceType should be a valid EC2 instance type",
    ],
  ])("refuses %j", async (more, message) => {
    await expect(create(more)).rejects.toMatchObject({ code: "InvalidInputException", message });
  });

  it("runs as many builds at once as it has capacity; the others wait in order", async () => {
    const fleet = await create();
    await account.makeProject(SPEC);
    const fleetOverride = { fleetArn: fleet.arn };
    const first = await start({ fleetOverride });
    const second = await start({ fleetOverride });
    const third = await start({ fleetOverride });
    await running(first);
    expect([await phaseOf(second), await phaseOf(third)]).toEqual(["QUEUED", "QUEUED"]);
    // A build of the machine passes those that wait for the fleet.
    await running(await start());
    await stop(first);
    await running(second);
    expect(await phaseOf(third)).toBe("QUEUED");
    await account.root.call("codebuild", "UpdateFleet", { arn: fleet.arn, baseCapacity: 2 });
    await running(third);
  });

  it("overflows to the machine with ON_DEMAND", async () => {
    const fleet = await create({ overflowBehavior: "ON_DEMAND" });
    await account.makeProject(SPEC);
    const fleetOverride = { fleetArn: fleet.arn };
    const builds = [await start({ fleetOverride }), await start({ fleetOverride }), await start({ fleetOverride })];
    await Promise.all(builds.map(running));
  });

  it("must be there and of the build's environment type", async () => {
    const fleet = await create({ environmentType: "ARM_CONTAINER" });
    await account.makeProject(SPEC);
    const arn = `${fleet.arn}x`;
    await expect(start({ fleetOverride: { fleetArn: arn } })).rejects.toMatchObject({
      message: `Fleet cannot be found: ${arn}`,
    });
    await expect(start({ fleetOverride: { fleetArn: fleet.arn } })).rejects.toMatchObject({
      message: "Invalid environment: fleet my-fleet is of environment type ARM_CONTAINER, not LINUX_CONTAINER",
    });
  });
});
