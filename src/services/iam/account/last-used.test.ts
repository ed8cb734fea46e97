import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity, scope } from "../../../../test/support/identity-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText, trusting } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";

let at: IdentityFixture;
let accessKeyId: string;
beforeEach(async () => {
  at = await openIdentity();
  await at.user("ann", [allow("*")]);
  accessKeyId = (await at.iam("ListAccessKeys", { UserName: "ann" }))["AccessKeyMetadata"][0].AccessKeyId;
});
afterEach(() => at.close());

const MINUTE = 60_000;
const ANN = `arn:aws:iam::${accountId}:user/ann`;

/** A call as it comes over HTTP, signed with ann's key. */
async function callAsAnn(service: "iam" | "sts", operation: string, input: object = {}, region = "eu-west-1") {
  const principal = at.identity.findAccessKey(accessKeyId)?.principal;
  if (!principal) throw new Error("ann has no key");
  const call = { service, operation, input, principal, accessKeyId, scope: { ...scope, region } };
  const answer = await at.dispatcher.invoke(call);
  await at.dispatcher.flush();
  return answer;
}

const lastUsed = () => at.iam("GetAccessKeyLastUsed", { AccessKeyId: accessKeyId });

describe("an access key", () => {
  it("that was never used says so in words", async () => {
    expect(await lastUsed()).toEqual({
      UserName: "ann",
      AccessKeyLastUsed: { ServiceName: "N/A", Region: "N/A" },
    });
  });

  it("shows the minute, the service and the region of its last use", async () => {
    at.clock.advance(30_000);
    await callAsAnn("sts", "GetCallerIdentity");
    const minute = at.clock.nowMs() - (at.clock.nowMs() % MINUTE);
    expect((await lastUsed())["AccessKeyLastUsed"]).toEqual({
      LastUsedDate: minute,
      ServiceName: "sts",
      Region: "eu-west-1",
    });
    at.clock.advance(20 * MINUTE);
    await callAsAnn("iam", "GetUser");
    expect((await lastUsed())["AccessKeyLastUsed"]).toEqual({
      LastUsedDate: minute + 20 * MINUTE,
      ServiceName: "iam",
      Region: "us-east-1",
    });
  });

  it("keeps the first of several uses within a quarter of an hour", async () => {
    await callAsAnn("sts", "GetCallerIdentity");
    const first = (await lastUsed())["AccessKeyLastUsed"];
    at.clock.advance(14 * MINUTE);
    await callAsAnn("sts", "GetCallerIdentity", {}, "us-west-2");
    expect((await lastUsed())["AccessKeyLastUsed"]).toEqual(first);
    at.clock.advance(MINUTE);
    await callAsAnn("sts", "GetCallerIdentity", {}, "us-west-2");
    expect((await lastUsed())["AccessKeyLastUsed"].Region).toBe("us-west-2");
  });

  it("that does not exist is told so", async () => {
    const AccessKeyId = "AKIAAAAAAAAAAAAAAAAA";
    expect(await failureOf(at.iam("GetAccessKeyLastUsed", { AccessKeyId }))).toBe(
      `NoSuchEntity: The Access Key with id ${AccessKeyId} cannot be found.`,
    );
  });
});

it("a role shows when and where it was used last", async () => {
  await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: trusting({ AWS: accountId }) });
  const { Credentials } = await at.as(accessKeyId).call<{ Credentials: { AccessKeyId: string } }>("sts", "AssumeRole", {
    RoleArn: `arn:aws:iam::${accountId}:role/R`,
    RoleSessionName: "session",
  });
  const lastUse = async () => (await at.iam("GetRole", { RoleName: "R" }))["Role"].RoleLastUsed;
  expect(await lastUse()).toEqual({});
  await at.as(Credentials.AccessKeyId).call("sts", "GetCallerIdentity", {});
  await at.dispatcher.flush();
  expect(await lastUse()).toEqual({ LastUsedDate: at.clock.nowMs(), Region: "us-east-1" });
  await at.iam("DeleteRole", { RoleName: "R" });
  await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST });
  expect(await lastUse()).toEqual({});
});

describe("the services that an identity used", () => {
  const servicesOf = async (Arn: string) => {
    const { JobId } = await at.iam("GenerateServiceLastAccessedDetails", { Arn });
    const answer = await at.iam("GetServiceLastAccessedDetails", { JobId });
    expect(answer).toMatchObject({ JobStatus: "COMPLETED", JobType: "SERVICE_LEVEL", IsTruncated: false });
    return answer["ServicesLastAccessed"];
  };

  it("are those its policies allow, with their last use", async () => {
    const PolicyDocument = documentText(allow(["sts:*", "ssm:GetParameter"]));
    await at.iam("PutUserPolicy", { UserName: "ann", PolicyName: "test", PolicyDocument });
    await callAsAnn("sts", "GetCallerIdentity");
    expect(await servicesOf(ANN)).toEqual([
      { ServiceName: "AWS Systems Manager", ServiceNamespace: "ssm", TotalAuthenticatedEntities: 0 },
      {
        ServiceName: "AWS Security Token Service",
        LastAuthenticated: at.clock.nowMs(),
        ServiceNamespace: "sts",
        LastAuthenticatedEntity: ANN,
        LastAuthenticatedRegion: "eu-west-1",
        TotalAuthenticatedEntities: 1,
      },
    ]);
  });

  it("of a group and of a policy are those of their users", async () => {
    const PolicyDocument = documentText(allow("sts:*"));
    const { Policy } = await at.iam("CreatePolicy", { PolicyName: "p", PolicyDocument });
    const { Group } = await at.iam("CreateGroup", { GroupName: "g" });
    await at.iam("AttachGroupPolicy", { GroupName: "g", PolicyArn: Policy.Arn });
    await at.iam("AddUserToGroup", { GroupName: "g", UserName: "ann" });
    await callAsAnn("sts", "GetCallerIdentity");
    const expected = [{ ServiceNamespace: "sts", LastAuthenticatedEntity: ANN, TotalAuthenticatedEntities: 1 }];
    expect(await servicesOf(Group.Arn)).toMatchObject(expected);
    expect(await servicesOf(Policy.Arn)).toMatchObject(expected);
  });

  it("are refused by action, and for what does not exist", async () => {
    const input = { Arn: ANN, Granularity: "ACTION_LEVEL" };
    expect(await failureOf(at.iam("GenerateServiceLastAccessedDetails", input))).toBe(
      "NotImplemented: kiln does not offer `iam:GenerateServiceLastAccessedDetails with ACTION_LEVEL`; it offers SERVICE_LEVEL (docs/coverage.md)",
    );
    const Arn = `arn:aws:iam::${accountId}:user/nobody`;
    expect(await failureOf(at.iam("GenerateServiceLastAccessedDetails", { Arn }))).toBe(
      `NoSuchEntity: ARN ${Arn} was not found.`,
    );
    const JobId = "00000000-0000-4000-8000-000000000000";
    expect(await failureOf(at.iam("GetServiceLastAccessedDetails", { JobId }))).toBe(
      `NoSuchEntity: Job ${JobId} was not found.`,
    );
  });
});

describe("the credential report", () => {
  const rows = async () => {
    const { Content } = await at.iam("GetCredentialReport");
    return Buffer.from(Content).toString().split("\n");
  };

  it("is made on request and has a line for root and each user", async () => {
    expect(await failureOf(at.iam("GetCredentialReport"))).toBe("ReportNotPresent");
    await callAsAnn("sts", "GetCallerIdentity");
    await at.iam("CreateAccessKey", { UserName: "ann" });
    const keys = (await at.iam("ListAccessKeys", { UserName: "ann" }))["AccessKeyMetadata"];
    const second = keys.find((key: { AccessKeyId: string }) => key.AccessKeyId !== accessKeyId).AccessKeyId;
    await at.iam("UpdateAccessKey", { UserName: "ann", AccessKeyId: second, Status: "Inactive" });
    await at.iam("CreateUser", { UserName: "a,b" });
    expect(await at.iam("GenerateCredentialReport")).toEqual({
      State: "STARTED",
      Description: "No report exists. Starting a new report generation task",
    });
    expect(await at.iam("GenerateCredentialReport")).toEqual({ State: "COMPLETE" });
    const [header, root, withComma, ann, ...rest] = await rows();
    expect(header?.split(",")).toHaveLength(22);
    expect(header).toMatch(
      /^user,arn,user_creation_time,password_enabled,.*,access_key_1_active,.*,cert_2_last_rotated$/,
    );
    const rootUse = ",true,N/A,2026-01-02T03:04:05Z,us-east-1,iam,";
    expect(root).toBe(
      `<root_account>,arn:aws:iam::${accountId}:root,N/A,not_supported,no_information,not_supported,not_supported,false${rootUse}false,N/A,N/A,N/A,N/A,false,N/A,false,N/A`,
    );
    expect(withComma).toMatch(/^"a,b","arn:aws:iam::111122223333:user\/a,b",2026-01-02T03:04:05Z,false,N\/A,/);
    const used = "true,2026-01-02T03:04:05Z,2026-01-02T03:04:05Z,eu-west-1,sts";
    const unused = "false,2026-01-02T03:04:05Z,N/A,N/A,N/A";
    const inOrder = accessKeyId < second ? `${used},${unused}` : `${unused},${used}`;
    expect(ann).toBe(`ann,${ANN},2026-01-02T03:04:05Z,false,N/A,N/A,N/A,false,${inOrder},false,N/A,false,N/A`);
    expect(rest).toEqual([]);
  });

  it("stays the same for four hours, then expires", async () => {
    await at.iam("GenerateCredentialReport");
    await at.iam("CreateUser", { UserName: "bob" });
    at.clock.advance(4 * 60 * MINUTE);
    expect(await at.iam("GenerateCredentialReport")).toEqual({ State: "COMPLETE" });
    expect(await rows()).toHaveLength(3);
    at.clock.advance(1);
    expect(await failureOf(at.iam("GetCredentialReport"))).toBe("ReportExpired");
    expect(await at.iam("GenerateCredentialReport")).toMatchObject({ State: "STARTED" });
    expect(await rows()).toHaveLength(4);
  });
});
