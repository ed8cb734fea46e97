import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureOf, openServices, type ServicesFixture } from "../../../test/support/services-fixture.ts";
import { kms } from "../kms/index.ts";
import { ssm } from "./index.ts";

let services: ServicesFixture;
const call = <O = Record<string, unknown>>(operation: string, input: object): Promise<O> =>
  services.root.call<O>("ssm", operation, input);
const put = (Name: string, Value: string, input: object = {}) =>
  call("PutParameter", { Name, Value, Type: "String", ...input });
const get = async (Name: string) =>
  (await call<{ Parameter: Record<string, unknown> }>("GetParameter", { Name })).Parameter;

const ARN = "arn:aws:ssm:us-east-1:000000000000:parameter";
const PATH_TEXT = "sub-paths divided by slash symbol";

beforeEach(async () => {
  services = await openServices([ssm, kms]);
});
afterEach(() => services.close());

describe("GetParameter", () => {
  it("answers in the form of the request: name with or without slash, or the plain name for an ARN", async () => {
    await put("x", "1");
    await put("/a/b", "2");
    expect(await get("x")).toMatchObject({ Name: "x", ARN: `${ARN}/x` });
    expect(await get("/x")).toMatchObject({ Name: "/x", ARN: `${ARN}/x` });
    expect(await get(`${ARN}/x`)).toMatchObject({ Name: "x", Value: "1" });
    expect(await get(`${ARN}/a/b`)).toMatchObject({ Name: "/a/b", Value: "2" });
  });

  it("selects by version and by label", async () => {
    await put("x", "1");
    await call("PutParameter", { Name: "x", Value: "2", Overwrite: true });
    await call("LabelParameterVersion", { Name: "x", ParameterVersion: 1, Labels: ["prod"] });
    expect(await get("x:1")).toMatchObject({ Name: "x", Value: "1", Version: 1, Selector: ":1" });
    expect(await get("x:prod")).toMatchObject({ Name: "x", Value: "1", Selector: ":prod" });
    expect(await get(`${ARN}/x:prod`)).toMatchObject({ Name: "x", Value: "1", Selector: ":prod" });
    expect(await get("x")).not.toHaveProperty("Selector");
    expect(await failureOf(get("x:5"))).toBe(
      "ParameterVersionNotFound: Systems Manager could not find version 5 of x. Verify the version and try again.",
    );
    expect(await failureOf(get("x:constructor"))).toBe(
      "ParameterVersionNotFound: Systems Manager could not find label constructor of x. Verify the label and try again.",
    );
  });

  it("has no text for an unknown name", async () => {
    expect(await failureOf(get("nothing"))).toBe("ParameterNotFound");
    expect(await failureOf(get("arn:aws:ssm:us-east-1:111111111111:parameter/x"))).toContain(
      "because no resource-based policy allows the ssm:GetParameter action",
    );
  });

  it.each(["/p//b//c", "p/b/c", "/a b", "ssmx", "/ä"])("refuses the name %s", async (name) => {
    expect(await failureOf(get(name))).toContain(PATH_TEXT);
  });

  it.each(["x:", "x:1:2", "/x:a b", "arn:aws:secretsmanager:us-east-1:000000000000:secret:x"])(
    "refuses the selector of %s",
    async (name) => {
      expect(await failureOf(get(name))).toBe(
        "ValidationException: Invalid parameter name. Please use correct syntax for referencing a version/label  " +
          "<name>:<version/label>",
      );
    },
  );

  it("authorises on the ARN without selector, and on `*` when the name cannot be in an ARN", async () => {
    await put("/a/b", "1");
    const reader = services.role("Reader", [{ Effect: "Allow", Action: "ssm:GetParameter", Resource: `${ARN}/a/*` }]);
    await reader.call("ssm", "GetParameter", { Name: "/a/b:1" });
    const session = "User: arn:aws:sts::000000000000:assumed-role/Reader/session is not authorized to perform:";
    const reason = "because no identity-based policy allows the ssm:GetParameter action";
    expect(await failureOf(reader.call("ssm", "GetParameter", { Name: "/other" }))).toBe(
      `AccessDeniedException: ${session} ssm:GetParameter on resource: ${ARN}/other ${reason}`,
    );
    expect(await failureOf(reader.call("ssm", "GetParameter", { Name: "a b" }))).toBe(
      `AccessDeniedException: ${session} ssm:GetParameter on resource: arn:aws:ssm:us-east-1:000000000000:* ${reason}`,
    );
  });
});

describe("GetParameters", () => {
  it("sorts what it finds, lists what it does not, answers duplicates once", async () => {
    await put("/b", "2");
    await put("/a", "1");
    const answer = await call<{ Parameters: { Name: string }[]; InvalidParameters: string[] }>("GetParameters", {
      Names: ["/b", "/none", "/a", "/b", "/a:7", "/a:label"],
    });
    expect(answer.Parameters.map((parameter) => parameter.Name)).toEqual(["/a", "/b"]);
    expect(answer.InvalidParameters).toEqual(["/none", "/a:7", "/a:label"]);
  });

  it("fails as a whole for one denied name", async () => {
    await put("/a", "1");
    const reader = services.role("Reader", [{ Effect: "Allow", Action: "ssm:GetParameters", Resource: `${ARN}/a` }]);
    await reader.call("ssm", "GetParameters", { Names: ["/a"] });
    expect(await failureOf(reader.call("ssm", "GetParameters", { Names: ["/a", "/b"] }))).toContain(
      `ssm:GetParameters on resource: ${ARN}/b because no identity-based policy allows the ssm:GetParameters action`,
    );
  });

  it("takes ten names at most", async () => {
    const names = Array.from({ length: 11 }, (_, n) => `p${n}`);
    expect(await failureOf(call("GetParameters", { Names: names }))).toBe(
      `ValidationException: 1 validation error detected: Value '[${names.join(", ")}]' at 'names' failed to satisfy ` +
        "constraint: Member must have length less than or equal to 10",
    );
  });
});

describe("GetParameterHistory", () => {
  it("shows every version with its labels and who made it, oldest first, page by page", async () => {
    await put("x", "1", { Description: "first" });
    await call("PutParameter", { Name: "x", Value: "2", Overwrite: true, Description: "second" });
    await call("LabelParameterVersion", { Name: "x", Labels: ["b", "a"] });
    const first = await call<{ Parameters: object[]; NextToken: string }>("GetParameterHistory", {
      Name: "x",
      MaxResults: 1,
    });
    expect(first.Parameters).toEqual([
      {
        Name: "x",
        Type: "String",
        LastModifiedDate: services.clock.nowMs(),
        LastModifiedUser: "arn:aws:iam::000000000000:root",
        Description: "first",
        Value: "1",
        Version: 1,
        Labels: [],
        Tier: "Standard",
        Policies: [],
        DataType: "text",
      },
    ]);
    const second = await call("GetParameterHistory", { Name: "x", MaxResults: 1, NextToken: first.NextToken });
    expect(second).toMatchObject({ Parameters: [{ Version: 2, Labels: ["a", "b"], Description: "second" }] });
    expect(second).not.toHaveProperty("NextToken");
    expect(await failureOf(call("GetParameterHistory", { Name: "x", NextToken: "zzz" }))).toBe(
      "InvalidNextToken: The specified token isn't valid.",
    );
  });
});

describe("labels", () => {
  it("move between versions; wrong ones are listed", async () => {
    await put("x", "1");
    await call("PutParameter", { Name: "x", Value: "2", Overwrite: true });
    await call("LabelParameterVersion", { Name: "x", ParameterVersion: 1, Labels: ["prod"] });
    expect(await call("LabelParameterVersion", { Name: "x", Labels: ["prod", "1st", "AWSx", "ssm", "a b"] })).toEqual({
      InvalidLabels: ["1st", "AWSx", "ssm", "a b"],
      ParameterVersion: 2,
    });
    expect(await get("x:prod")).toMatchObject({ Version: 2 });
    expect(
      await call("UnlabelParameterVersion", { Name: "x", ParameterVersion: 2, Labels: ["prod", "other"] }),
    ).toEqual({ RemovedLabels: ["prod"], InvalidLabels: ["other"] });
    expect(await failureOf(call("LabelParameterVersion", { Name: "x", ParameterVersion: 9, Labels: ["a"] }))).toMatch(
      /^ParameterVersionNotFound: /,
    );
    const labels = (from: number) => Array.from({ length: 6 }, (_, n) => `l${from + n}`);
    await call("LabelParameterVersion", { Name: "x", Labels: labels(0) });
    expect(await failureOf(call("LabelParameterVersion", { Name: "x", Labels: labels(6) }))).toBe(
      "ParameterVersionLabelLimitExceeded: A parameter version can have maximum 10 labels. Move one or " +
        "more labels to another version and try again.",
    );
  });
});

describe("deletion", () => {
  it("removes versions too, in either slash form", async () => {
    await put("x", "1");
    await call("PutParameter", { Name: "x", Value: "2", Overwrite: true });
    expect(await call("DeleteParameter", { Name: "/x" })).toEqual({});
    expect(await failureOf(call("DeleteParameter", { Name: "x" }))).toBe("ParameterNotFound");
    expect(await put("x", "again")).toMatchObject({ Version: 1 });
    expect(await call("DeleteParameters", { Names: ["x", "none"] })).toEqual({
      DeletedParameters: ["x"],
      InvalidParameters: ["none"],
    });
    expect(services.store.collection("ssm/versions").list([])).toEqual([]);
    expect(await failureOf(call("DeleteParameter", { Name: "aws-x" }))).toBe(
      "AccessDeniedException: No access to reserved parameter name: aws-x.",
    );
  });
});

describe("tags", () => {
  it("belong to the parameter in either slash form, and feed the condition keys", async () => {
    await put("x", "1", { Tags: [{ Key: "team", Value: "a" }] });
    const resource = { ResourceType: "Parameter", ResourceId: "/x" };
    await call("AddTagsToResource", { ...resource, Tags: [{ Key: "app", Value: "b" }] });
    await call("RemoveTagsFromResource", { ...resource, TagKeys: ["team"] });
    expect(await call("ListTagsForResource", resource)).toEqual({ TagList: [{ Key: "app", Value: "b" }] });
    const condition = { StringEquals: { "aws:ResourceTag/app": "b" } };
    const statement = { Effect: "Allow", Action: "ssm:GetParameter", Resource: "*", Condition: condition };
    await services.role("Tagged", [statement]).call("ssm", "GetParameter", { Name: "x" });
    await call("AddTagsToResource", { ...resource, Tags: [{ Key: "app", Value: "c" }] });
    expect(await failureOf(services.role("Tagged").call("ssm", "GetParameter", { Name: "x" }))).toMatch(
      /^AccessDenied/,
    );
  });

  it("need a parameter that exists", async () => {
    const list = (ResourceType: string) => failureOf(call("ListTagsForResource", { ResourceType, ResourceId: "x" }));
    expect(await list("Parameter")).toBe("InvalidResourceId");
    expect(await list("Document")).toBe("InvalidResourceType");
    await put("x", "1");
    const tags = Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: "v" }));
    const resource = { ResourceType: "Parameter", ResourceId: "x" };
    expect(await failureOf(call("AddTagsToResource", { ...resource, Tags: tags }))).toBe("TooManyTagsError");
  });
});
