/**
 * What the CLI, Terraform and auditors ask about users, roles and the account that cannot be made here: the truth is
 * that there are none. Making such a thing is refused by name, so each operation is partial.
 */
import { globalArnIn } from "../../../core/arn.ts";
import { type OperationContext, operation } from "../../service.ts";
import { ROLE, requireEntity, USER } from "../entities/entities.ts";
import { entityAccess, listAccess } from "../entities/entity-access.ts";
import { userNameOf } from "../entities/users.ts";
import { invalidMarker, noSuchEntity, noSuchInstanceProfile, noSuchLoginProfile, userNameNeeded } from "../errors.ts";
import { type PagingInput, pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";

interface UserInput extends PagingInput {
  readonly UserName?: string | undefined;
}

/** None of `things`, as members of the answer. */
const none = (member: string, input: PagingInput): object => ({
  [member]: [],
  ...pageOf<string>([], input, (key) => [key]).members,
});

const gapsOf = (things: string) => [`${things} cannot be made here, so there are none`];

/** Root asks about itself by naming nobody. */
const isAboutRoot = (input: UserInput, { principal }: OperationContext): boolean =>
  input.UserName === undefined && principal.type === "Root";

/** A list of things of one user, by the member that holds it. */
const ofUser = (name: string, member: string, things: string) =>
  operation<UserInput, object>({
    name,
    support: "partial",
    gaps: gapsOf(things),
    source: `${DOCS}/API_${name}.html`,
    authorize: (input, context) => [
      isAboutRoot(input, context)
        ? { action: `iam:${name}`, resource: context.principal.arn }
        : entityAccess(USER, name, userNameOf(input, context), context),
    ],
    errors: [noSuchEntity, userNameNeeded, invalidMarker],
    run(input, context) {
      if (!isAboutRoot(input, context)) requireEntity(USER, userNameOf(input, context), context);
      return none(member, input);
    },
  });

/** A list of things of the account. `resource` is what a denial prints, after the account's colon. */
const ofAccount = (name: string, member: string, things: string, resource: string) =>
  operation<PagingInput, object>({
    name,
    support: "partial",
    gaps: gapsOf(things),
    source: `${DOCS}/API_${name}.html`,
    authorize: (_input, { scope }) => listAccess(name, globalArnIn(scope, "iam", resource)),
    errors: [invalidMarker],
    run: (input) => none(member, input),
  });

/** AWS: lists of providers come whole. */
const providers = (name: string, member: string, things: string, resource: string) => ({
  ...ofAccount(name, member, things, resource),
  errors: [],
  run: () => ({ [member]: [] }),
});

const listInstanceProfilesForRole = operation<Shapes.ListInstanceProfilesForRoleRequest, object>({
  name: "ListInstanceProfilesForRole",
  support: "partial",
  gaps: gapsOf("instance profiles"),
  source: `${DOCS}/API_ListInstanceProfilesForRole.html`,
  authorize: (input, context) => [entityAccess(ROLE, "ListInstanceProfilesForRole", input.RoleName, context)],
  errors: [noSuchEntity, invalidMarker],
  run(input, context) {
    requireEntity(ROLE, input.RoleName, context);
    return none("InstanceProfiles", input);
  },
});

const getInstanceProfile = operation<Shapes.GetInstanceProfileRequest, object>({
  name: "GetInstanceProfile",
  support: "partial",
  gaps: gapsOf("instance profiles"),
  source: `${DOCS}/API_GetInstanceProfile.html`,
  authorize: ({ InstanceProfileName: name }, { scope }) => [
    {
      action: "iam:GetInstanceProfile",
      resource: globalArnIn(scope, "iam", `instance-profile/${name}`),
      resourceText: `instance profile ${name}`,
    },
  ],
  errors: [noSuchInstanceProfile],
  run(input) {
    throw noSuchInstanceProfile(input.InstanceProfileName);
  },
});

const loginProfile = (name: string) =>
  operation<UserInput, object>({
    name,
    support: "partial",
    gaps: gapsOf("passwords"),
    source: `${DOCS}/API_${name}.html`,
    authorize: (input, context) => [entityAccess(USER, name, userNameOf(input, context), context)],
    errors: [noSuchEntity, noSuchLoginProfile, userNameNeeded],
    run(input, context) {
      throw noSuchLoginProfile(requireEntity(USER, userNameOf(input, context), context).name);
    },
  });

/** The operations on what cannot be made. */
export const absentThings = [
  ofUser("ListMFADevices", "MFADevices", "MFA devices"),
  ofUser("ListSigningCertificates", "Certificates", "signing certificates"),
  ofUser("ListSSHPublicKeys", "SSHPublicKeys", "SSH public keys"),
  ofUser("ListServiceSpecificCredentials", "ServiceSpecificCredentials", "service-specific credentials"),
  ofAccount("ListVirtualMFADevices", "VirtualMFADevices", "MFA devices", "mfa/"),
  ofAccount("ListServerCertificates", "ServerCertificateMetadataList", "server certificates", "server-certificate/"),
  ofAccount("ListInstanceProfiles", "InstanceProfiles", "instance profiles", "instance-profile/"),
  providers("ListOpenIDConnectProviders", "OpenIDConnectProviderList", "identity providers", "oidc-provider/"),
  providers("ListSAMLProviders", "SAMLProviderList", "identity providers", "saml-provider/"),
  listInstanceProfilesForRole,
  getInstanceProfile,
  loginProfile("GetLoginProfile"),
  loginProfile("DeleteLoginProfile"),
];
