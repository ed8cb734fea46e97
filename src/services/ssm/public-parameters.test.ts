import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { TestIds } from "../../core/ids.ts";
import { openStore, type Store } from "../../store/index.ts";
import { ssm } from "./index.ts";
import { findPublicParameter } from "./public-parameters.ts";

const REGIONS = "/aws/service/global-infrastructure/regions";

describe("public parameters", () => {
  let services: ServicesFixture;
  const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
    services.root.call<O>("ssm", operation, input);
  beforeEach(async () => {
    services = await openServices([ssm]);
  });
  afterEach(() => services.close());

  it("are there for every account, without one in their ARN", async () => {
    const Name = `${REGIONS}/eu-west-1/partition`;
    const answer = {
      Parameter: {
        ...{ Name, Type: "String", Value: "aws", Version: 1, LastModifiedDate: 0, DataType: "text" },
        ARN: `arn:aws:ssm:us-east-1::parameter${Name}`,
      },
    };
    expect(await call("GetParameter", { Name })).toEqual(answer);
    expect(await call("GetParameter", { Name: answer.Parameter.ARN })).toEqual(answer);
    expect(await call("GetParameters", { Names: [`${REGIONS}/us-east-1`, `${REGIONS}/mars-1`] })).toMatchObject({
      Parameters: [{ Value: "us-east-1" }],
      InvalidParameters: [`${REGIONS}/mars-1`],
    });
    expect(await failureOf(call("GetParameter", { Name: "/aws/service/none" }))).toBe("ParameterNotFound");
    expect(await failureOf(call("GetParameterHistory", { Name }))).toBe("ParameterNotFound");
  });

  it("are found below their path and by name, and never among one's own", async () => {
    const page = await call<{ Parameters: { Value: string }[]; NextToken: string }>("GetParametersByPath", {
      Path: REGIONS,
    });
    expect(page.Parameters).toHaveLength(10);
    expect(page.Parameters[0]).toMatchObject({ Value: "af-south-1" });
    const next = await call("GetParametersByPath", { Path: REGIONS, NextToken: page.NextToken });
    expect(next).toMatchObject({
      Parameters: expect.arrayContaining([expect.objectContaining({ Value: "ap-southeast-4" })]),
    });
    const filter = (Option: string, value: string) => ({
      ParameterFilters: [{ Key: "Name", Option, Values: [value] }],
    });
    expect(await call("DescribeParameters", filter("BeginsWith", `${REGIONS}/cn-north-1/`))).toMatchObject({
      Parameters: [{ Name: `${REGIONS}/cn-north-1/domain` }, { Name: `${REGIONS}/cn-north-1/partition` }],
    });
    expect(await call("DescribeParameters", filter("Equals", `${REGIONS}/us-east-1`))).toEqual({
      Parameters: [
        {
          Name: `${REGIONS}/us-east-1`,
          ARN: `arn:aws:ssm:us-east-1::parameter${REGIONS}/us-east-1`,
          ...{ Type: "String", LastModifiedDate: 0, Version: 1, Tier: "Standard", Policies: [], DataType: "text" },
        },
      ],
    });
    expect(await call("DescribeParameters", {})).toEqual({ Parameters: [] });
  });

  it("need permission on their ARN, and belong to AWS", async () => {
    const Name = `${REGIONS}/us-east-1`;
    const get = (Resource: string) =>
      services
        .role(`R${Resource.length}`, [{ Effect: "Allow", Action: "ssm:GetParameter", Resource }])
        .call("ssm", "GetParameter", { Name });
    await get("arn:aws:ssm:*::parameter/aws/service/*");
    expect(await failureOf(get("arn:aws:ssm:*:000000000000:parameter/*"))).toContain(
      `is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:us-east-1::parameter${Name}`,
    );
    expect(await failureOf(call("DeleteParameter", { Name }))).toBe(
      `AccessDeniedException: No access to reserved parameter name: ${Name.slice(1)}.`,
    );
  });
});

describe("the file of public parameters", () => {
  let folder: string;
  let store: Store;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "kiln-public-"));
    store = await openStore({ stateDir: folder, ids: new TestIds() });
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const write = (text: string) => writeFileSync(join(folder, "public-parameters.json"), text);
  const image = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

  it("adds to them and wins, and is read anew when it changes", () => {
    expect(findPublicParameter(store, image)).toBeUndefined();
    write(JSON.stringify({ [image]: "ami-1", [`${REGIONS}/us-east-1`]: "mine" }));
    expect(findPublicParameter(store, image)?.latest.value).toBe("ami-1");
    expect(findPublicParameter(store, `${REGIONS}/us-east-1`)?.latest.value).toBe("mine");
    expect(findPublicParameter(store, `${REGIONS}/us-east-2`)?.latest.value).toBe("us-east-2");
  });

  it.each([
    ["{", /^the public parameters in `.*public-parameters\.json` cannot be read: .*JSON/],
    ["[]", /cannot be read: not an object$/],
    ['{"/app/x":"1"}', /cannot be read: `\/app\/x` does not start with `\/aws\/service\/`$/],
    ['{"/aws/service/x":1}', /cannot be read: `\/aws\/service\/x` has no text as its value$/],
  ])("is refused when it is %s", (text, expected) => {
    write(text);
    expect(() => findPublicParameter(store, image)).toThrow(expected);
  });
});
