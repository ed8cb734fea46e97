/** IAM over HTTP: unmodified aws CLIs and the SDK v3 client against a started Kiln. */
import { IAM } from "@aws-sdk/client-iam";
import { SSM } from "@aws-sdk/client-ssm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../support/policy-documents.ts";
import { rawRequest } from "../support/raw-request.ts";
import { signedHeaders } from "../support/sign.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const clis = findAwsClis();
const NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/";
const ALLOW_ALL = documentText(allow("*"));

let kiln: StartedEndpoint;
beforeAll(async () => {
  kiln = await startEndpoint();
});
afterAll(() => kiln.close());

describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  async function aws(...words: string[]) {
    const result = await runAws(cli, kiln.url, ["iam", ...words]);
    expect(result.stderr).toBe("");
    return result.stdout.trim() === "" ? undefined : JSON.parse(result.stdout);
  }

  async function failure(...words: string[]): Promise<string> {
    const result = await runAws(cli, kiln.url, ["iam", ...words]);
    expect(result.exitCode).not.toBe(0);
    return result.stderr.trim();
  }

  const name = `cli${cli.major}`;

  it("renames a user and a group", async () => {
    const ann = ["--user-name", `${name}-ann`];
    const { User } = await aws("create-user", ...ann);
    const { AccessKey } = await aws("create-access-key", ...ann);
    await aws("create-group", "--group-name", `${name}-g`);
    await aws("add-user-to-group", ...ann, "--group-name", `${name}-g`);
    await aws("update-user", ...ann, "--new-user-name", `${name}-bob`, "--new-path", "/x/");
    await aws("update-group", "--group-name", `${name}-g`, "--new-group-name", `${name}-h`);
    const bob = ["--user-name", `${name}-bob`];
    expect((await aws("get-user", ...bob)).User).toMatchObject({ UserId: User.UserId, Path: "/x/" });
    expect((await aws("list-groups-for-user", ...bob)).Groups).toMatchObject([{ GroupName: `${name}-h` }]);
    expect(await aws("get-access-key-last-used", "--access-key-id", AccessKey.AccessKeyId)).toEqual({
      UserName: `${name}-bob`,
      AccessKeyLastUsed: { ServiceName: "N/A", Region: "N/A" },
    });
    await aws("delete-access-key", ...bob, "--access-key-id", AccessKey.AccessKeyId);
    await aws("remove-user-from-group", ...bob, "--group-name", `${name}-h`);
    await aws("delete-user", ...bob);
    await aws("delete-group", "--group-name", `${name}-h`);
  });

  it("answers what a forced deletion of a user asks", async () => {
    const bob = ["--user-name", `${name}-bob`];
    await aws("create-user", ...bob);
    const lists = ["mfa-devices", "signing-certificates", "ssh-public-keys", "service-specific-credentials"];
    for (const list of lists) expect(Object.values(await aws(`list-${list}`, ...bob))).toEqual([[]]);
    expect(await failure("get-login-profile", ...bob)).toContain(
      `An error occurred (NoSuchEntity) when calling the GetLoginProfile operation: Login Profile for User ${name}-bob cannot be found.`,
    );
    await aws("delete-user", ...bob);
  });

  it("makes and deletes service-linked roles", async () => {
    const service = ["--aws-service-name", "replication.ecr.amazonaws.com"];
    const { Role } = await aws("create-service-linked-role", ...service);
    expect(Role.Arn).toBe(
      `arn:aws:iam::${ACCOUNT}:role/aws-service-role/replication.ecr.amazonaws.com/AWSServiceRoleForECRReplication`,
    );
    expect(await failure("delete-role", "--role-name", Role.RoleName)).toContain(
      "An error occurred (UnmodifiableEntity) when calling the DeleteRole operation: Cannot perform the operation on the protected role 'AWSServiceRoleForECRReplication' - this role is only modifiable by AWS",
    );
    const { DeletionTaskId } = await aws("delete-service-linked-role", "--role-name", Role.RoleName);
    expect(await aws("get-service-linked-role-deletion-status", "--deletion-task-id", DeletionTaskId)).toEqual({
      Status: "SUCCEEDED",
    });
  });

  it("reads the account", async () => {
    await aws("create-account-alias", "--account-alias", `kiln-${name}`);
    expect(await aws("list-account-aliases")).toEqual({ AccountAliases: [`kiln-${name}`] });
    await aws("delete-account-alias", "--account-alias", `kiln-${name}`);
    expect(await failure("get-account-password-policy")).toContain(
      `The Password Policy with domain name ${ACCOUNT} cannot be found.`,
    );
    await aws("update-account-password-policy", "--minimum-password-length", "12", "--require-numbers");
    expect((await aws("get-account-password-policy")).PasswordPolicy).toMatchObject({
      MinimumPasswordLength: 12,
      RequireNumbers: true,
      ExpirePasswords: false,
    });
    await aws("delete-account-password-policy");
    expect((await aws("get-account-summary")).SummaryMap).toMatchObject({ UsersQuota: 5000, MFADevices: 0 });
    for (const list of ["instance-profiles", "virtual-mfa-devices", "server-certificates", "saml-providers"]) {
      expect(Object.values(await aws(`list-${list}`))).toEqual([[]]);
    }
  });

  it("tells what a role may use and used", async () => {
    await aws("create-role", "--role-name", name, "--assume-role-policy-document", CODEBUILD_TRUST);
    await aws("put-role-policy", "--role-name", name, "--policy-name", "p", "--policy-document", ALLOW_ALL);
    const details = await aws("get-account-authorization-details", "--filter", "Role");
    expect(details.RoleDetailList).toMatchObject([
      {
        RoleName: name,
        RolePolicyList: [{ PolicyName: "p", PolicyDocument: JSON.parse(ALLOW_ALL) }],
        AssumeRolePolicyDocument: JSON.parse(CODEBUILD_TRUST),
        InstanceProfileList: [],
        RoleLastUsed: {},
      },
    ]);
    const arn = `arn:aws:iam::${ACCOUNT}:role/${name}`;
    const granting = await aws("list-policies-granting-service-access", "--arn", arn, "--service-namespaces", "s3");
    expect(granting.PoliciesGrantingServiceAccess[0].Policies).toEqual([
      { PolicyName: "p", PolicyType: "INLINE", EntityType: "ROLE", EntityName: name },
    ]);
    const { JobId } = await aws("generate-service-last-accessed-details", "--arn", arn);
    const job = await aws("get-service-last-accessed-details", "--job-id", JobId);
    expect(job.ServicesLastAccessed).toHaveLength(9);
    expect(await aws("list-instance-profiles-for-role", "--role-name", name)).toEqual({ InstanceProfiles: [] });
    await aws("delete-role-policy", "--role-name", name, "--policy-name", "p");
    await aws("delete-role", "--role-name", name);
  });

  it("refuses what is not offered, by name", async () => {
    expect(await failure("create-instance-profile", "--instance-profile-name", "p")).toContain(
      "An error occurred (NotImplemented) when calling the CreateInstanceProfile operation: kiln does not offer `iam:CreateInstanceProfile`",
    );
  });
});

describe("the SDK", () => {
  let iam: IAM;
  beforeAll(() => {
    iam = new IAM(clientSettings(kiln.url));
  });
  afterAll(() => iam.destroy());

  it("gets a credential report with the last use of a key", async () => {
    await expect(iam.getCredentialReport({})).rejects.toMatchObject({
      name: "CredentialReportNotPresentException",
      $metadata: { httpStatusCode: 410 },
    });
    await iam.createUser({ UserName: "ann" });
    await iam.putUserPolicy({ UserName: "ann", PolicyName: "p", PolicyDocument: ALLOW_ALL });
    const { AccessKey } = await iam.createAccessKey({ UserName: "ann" });
    const { AccessKeyId = "", SecretAccessKey = "" } = AccessKey ?? {};
    const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
    const ssm = new SSM({ ...clientSettings(kiln.url, credentials), region: "eu-west-1" });
    await ssm.describeParameters({});
    ssm.destroy();
    await expect
      .poll(async () => (await iam.getAccessKeyLastUsed({ AccessKeyId })).AccessKeyLastUsed)
      .toMatchObject({ ServiceName: "ssm", Region: "eu-west-1", LastUsedDate: expect.any(Date) });
    expect((await iam.generateCredentialReport({})).State).toBe("STARTED");
    const { Content, ReportFormat, GeneratedTime } = await iam.getCredentialReport({});
    expect(ReportFormat).toBe("text/csv");
    expect(GeneratedTime).toBeInstanceOf(Date);
    const lines = Buffer.from(Content ?? [])
      .toString()
      .split("\n");
    expect(lines[1]).toContain("<root_account>");
    expect(lines.find((line) => line.startsWith("ann,"))).toMatch(/,true,[^,]+Z,[^,]+Z,eu-west-1,ssm,false,N\/A/);
  });

  it("reads service-linked roles and their errors", async () => {
    const { Role } = await iam.createServiceLinkedRole({ AWSServiceName: "spot.amazonaws.com" });
    expect(Role?.CreateDate).toBeInstanceOf(Date);
    await expect(iam.createServiceLinkedRole({ AWSServiceName: "spot.amazonaws.com" })).rejects.toMatchObject({
      name: "InvalidInputException",
      $metadata: { httpStatusCode: 400 },
    });
    const RoleName = Role?.RoleName ?? "";
    await expect(iam.updateRole({ RoleName, MaxSessionDuration: 7200 })).rejects.toMatchObject({
      name: "UnmodifiableEntityException",
      $metadata: { httpStatusCode: 400 },
    });
    const attached = await iam.listAttachedRolePolicies({ RoleName });
    const arn = attached.AttachedPolicies?.[0]?.PolicyArn ?? "";
    const { Policy } = await iam.getPolicy({ PolicyArn: arn });
    expect(Policy).toMatchObject({ Path: "/aws-service-role/", AttachmentCount: 1, IsAttachable: true });
  });
});

describe("the XML", () => {
  async function post(form: Record<string, string>, accessKeyId = "test"): Promise<string> {
    const body = new URLSearchParams({ Version: "2010-05-08", ...form }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const signed = signedHeaders({ url: kiln.url, service: "iam", body, headers, accessKeyId, atMs: Date.now() });
    return (await rawRequest(kiln.url, { method: "POST", headers: signed, body })).body;
  }

  const result = (xml: string, operation: string) =>
    new RegExp(`<${operation}Result>(.*)</${operation}Result>`, "s").exec(xml)?.[1];

  it("shows empty lists as elements without content", async () => {
    const xml = await post({ Action: "ListMFADevices" });
    expect(xml).toContain(`<ListMFADevicesResponse xmlns="${NAMESPACE}"><ListMFADevicesResult>`);
    expect(result(xml, "ListMFADevices")).toBe("<MFADevices/><IsTruncated>false</IsTruncated>");
    expect(result(await post({ Action: "ListSAMLProviders" }), "ListSAMLProviders")).toBe("<SAMLProviderList/>");
  });

  it("has no result where an operation answers nothing", async () => {
    const xml = await post({ Action: "UpdateAccountPasswordPolicy", RequireSymbols: "true" });
    expect(xml).toMatch(
      /^(<\?xml[^>]*>\s*)?<UpdateAccountPasswordPolicyResponse xmlns="[^"]+"><ResponseMetadata><RequestId>[^<]+<\/RequestId><\/ResponseMetadata><\/UpdateAccountPasswordPolicyResponse>\s*$/,
    );
    expect(result(await post({ Action: "GetAccountPasswordPolicy" }), "GetAccountPasswordPolicy")).toBe(
      "<PasswordPolicy><MinimumPasswordLength>6</MinimumPasswordLength><RequireSymbols>true</RequireSymbols><RequireNumbers>false</RequireNumbers><RequireUppercaseCharacters>false</RequireUppercaseCharacters><RequireLowercaseCharacters>false</RequireLowercaseCharacters><AllowUsersToChangePassword>false</AllowUsersToChangePassword><ExpirePasswords>false</ExpirePasswords></PasswordPolicy>",
    );
    await post({ Action: "DeleteAccountPasswordPolicy" });
  });

  it("has no message where an error has no text", async () => {
    const xml = await post({ Action: "GetCredentialReport" }, "444455556666");
    expect(xml).toContain("<Error><Type>Sender</Type><Code>ReportNotPresent</Code></Error>");
  });

  it("shows dates in seconds, documents percent-encoded and maps as entries", async () => {
    const xml = await post({ Action: "CreateRole", RoleName: "xml", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    expect(xml).toMatch(/<CreateDate>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ<\/CreateDate>/);
    expect(xml).toContain("<AssumeRolePolicyDocument>%7B%22Version%22%3A%222012-10-17%22");
    const role = await post({ Action: "GetRole", RoleName: "xml" });
    expect(role).toContain("<MaxSessionDuration>3600</MaxSessionDuration><RoleLastUsed/>");
    expect(await post({ Action: "GetAccountSummary" })).toContain(
      "<entry><key>UsersQuota</key><value>5000</value></entry>",
    );
  });
});
