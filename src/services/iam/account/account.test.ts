import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { accountId, type IdentityFixture, openIdentity } from "../../../../test/support/identity-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../../../../test/support/policy-documents.ts";
import { failureOf } from "../../../../test/support/services-fixture.ts";
import { rootPrincipal } from "../../../identity/index.ts";

let at: IdentityFixture;
beforeEach(async () => {
  at = await openIdentity();
});
afterEach(() => at.close());

describe("the account's alias", () => {
  it("is one, of one account", async () => {
    expect(await at.iam("ListAccountAliases")).toEqual({ AccountAliases: [], IsTruncated: false });
    await at.iam("CreateAccountAlias", { AccountAlias: "first" });
    await at.iam("CreateAccountAlias", { AccountAlias: "second" });
    expect((await at.iam("ListAccountAliases"))["AccountAliases"]).toEqual(["second"]);
    const other = { partition: "aws", region: "us-east-1", accountId: "444455556666" };
    const elsewhere = at.dispatcher.callerFor(rootPrincipal(other), other);
    expect(await failureOf(elsewhere.call("iam", "CreateAccountAlias", { AccountAlias: "second" }))).toBe(
      "EntityAlreadyExists: The account alias second already exists.",
    );
    expect(await failureOf(at.iam("DeleteAccountAlias", { AccountAlias: "first" }))).toBe(
      "NoSuchEntity: The account alias with name first cannot be found.",
    );
    await at.iam("DeleteAccountAlias", { AccountAlias: "second" });
    await elsewhere.call("iam", "CreateAccountAlias", { AccountAlias: "second" });
  });
});

describe("the password policy", () => {
  it("is absent until it is set, with AWS's defaults for what is left out", async () => {
    expect(await failureOf(at.iam("GetAccountPasswordPolicy"))).toBe(
      `NoSuchEntity: The Password Policy with domain name ${accountId} cannot be found.`,
    );
    expect(await failureOf(at.iam("DeleteAccountPasswordPolicy"))).toBe(
      "NoSuchEntity: The account policy with name PasswordPolicy cannot be found.",
    );
    await at.iam("UpdateAccountPasswordPolicy", { MinimumPasswordLength: 14, MaxPasswordAge: 90, HardExpiry: true });
    await at.iam("UpdateAccountPasswordPolicy", { RequireSymbols: true });
    expect(await at.iam("GetAccountPasswordPolicy")).toEqual({
      PasswordPolicy: {
        MinimumPasswordLength: 6,
        RequireSymbols: true,
        RequireNumbers: false,
        RequireUppercaseCharacters: false,
        RequireLowercaseCharacters: false,
        AllowUsersToChangePassword: false,
        ExpirePasswords: false,
      },
    });
    await at.iam("UpdateAccountPasswordPolicy", { MaxPasswordAge: 90, PasswordReusePrevention: 5 });
    expect((await at.iam("GetAccountPasswordPolicy"))["PasswordPolicy"]).toMatchObject({
      ExpirePasswords: true,
      MaxPasswordAge: 90,
      PasswordReusePrevention: 5,
    });
    expect(await at.iam("DeleteAccountPasswordPolicy")).toEqual({});
    expect(await failureOf(at.iam("GetAccountPasswordPolicy"))).toContain("NoSuchEntity");
  });
});

describe("the account's summary", () => {
  it("counts what there is", async () => {
    await at.user("ann", [allow("s3:*")]);
    await at.iam("CreateGroup", { GroupName: "g" });
    await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    const PolicyDocument = documentText(allow("s3:*"));
    const { Policy } = await at.iam("CreatePolicy", { PolicyName: "p", PolicyDocument });
    await at.iam("CreatePolicyVersion", { PolicyArn: Policy.Arn, PolicyDocument });
    await at.iam("AttachRolePolicy", { RoleName: "R", PolicyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess" });
    const { SummaryMap } = await at.iam("GetAccountSummary");
    expect(SummaryMap).toMatchObject({
      ...{ Users: 1, Groups: 1, Roles: 1, Policies: 1, PolicyVersionsInUse: 3, InstanceProfiles: 0 },
      ...{ UsersQuota: 5000, GroupsQuota: 300, RolesQuota: 1000, PoliciesQuota: 1500, AccountAccessKeysPresent: 1 },
    });
    expect(Object.keys(SummaryMap)).toHaveLength(34);
  });
});

describe("what cannot be made here", () => {
  it.each([
    ["ListMFADevices", "MFADevices"],
    ["ListSigningCertificates", "Certificates"],
    ["ListSSHPublicKeys", "SSHPublicKeys"],
    ["ListServiceSpecificCredentials", "ServiceSpecificCredentials"],
  ])("%s finds none of a user", async (operation, member) => {
    expect(await failureOf(at.iam(operation, { UserName: "ann" }))).toBe(
      "NoSuchEntity: The user with name ann cannot be found.",
    );
    const ann = await at.user("ann", [allow(`iam:${operation}`, `arn:aws:iam::${accountId}:user/ann`)]);
    const none = { [member]: [], IsTruncated: false };
    expect(await ann.call("iam", operation, {})).toEqual(none);
    expect(await at.iam(operation)).toEqual(none);
    expect(await failureOf(at.iam(operation, { Marker: "x" }))).toBe("ValidationError: Invalid Marker.");
  });

  it.each([
    ["ListVirtualMFADevices", { VirtualMFADevices: [], IsTruncated: false }],
    ["ListServerCertificates", { ServerCertificateMetadataList: [], IsTruncated: false }],
    ["ListInstanceProfiles", { InstanceProfiles: [], IsTruncated: false }],
    ["ListOpenIDConnectProviders", { OpenIDConnectProviderList: [] }],
    ["ListSAMLProviders", { SAMLProviderList: [] }],
  ])("%s finds none in the account", async (operation, none) => {
    expect(await at.iam(operation)).toEqual(none);
  });

  it("is told to be missing", async () => {
    const ann = await at.user("ann");
    const profile = "NoSuchEntity: Login Profile for User ann cannot be found.";
    expect(await failureOf(at.iam("GetLoginProfile", { UserName: "ann" }))).toBe(profile);
    expect(await failureOf(at.iam("DeleteLoginProfile", { UserName: "ann" }))).toBe(profile);
    expect(await failureOf(at.iam("GetInstanceProfile", { InstanceProfileName: "p" }))).toBe(
      "NoSuchEntity: Instance Profile p cannot be found.",
    );
    expect(await failureOf(ann.call("iam", "ListInstanceProfiles", {}))).toBe(
      `AccessDenied: User: arn:aws:iam::${accountId}:user/ann is not authorized to perform: iam:ListInstanceProfiles on resource: arn:aws:iam::${accountId}:instance-profile/ because no identity-based policy allows the iam:ListInstanceProfiles action`,
    );
    await at.iam("CreateRole", { RoleName: "R", AssumeRolePolicyDocument: CODEBUILD_TRUST });
    expect(await at.iam("ListInstanceProfilesForRole", { RoleName: "R" })).toEqual({
      InstanceProfiles: [],
      IsTruncated: false,
    });
  });
});
