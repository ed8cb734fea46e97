/**
 * Every error the Parameter Store operations answer, besides the ones any service can answer. All are HTTP 400.
 * Sources: the operations' Errors sections, e.g.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html, and texts seen in public reports
 * of real calls. Texts marked `unverified` come from documentation or memory; correct them here, in one line.
 */
import { awsError } from "../../core/errors.ts";
import { kmsText } from "../kms-failure.ts";

const reference = (operation: string): string =>
  `https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_${operation}.html`;

const client = { status: 400, fault: "client" } as const;
const text = (message: string): string => message;

// AWS: sent without a text; SDKs print an empty one.
export const parameterNotFound = awsError({
  ...client,
  code: "ParameterNotFound",
  source: reference("GetParameter"),
  messageMember: "none",
  message: () => "",
});

/** Only for `/aws/reference/secretsmanager/…` names; has a text. */
export const referencedSecretNotFound = awsError({
  ...client,
  code: "ParameterNotFound",
  source: "https://github.com/aws/aws-cli/issues/10518",
  // AWS: the selector follows the name, and where there is none the word null does.
  message: (name: string, selector: string) =>
    "An error occurred (ParameterNotFound) when referencing Secrets Manager: " +
    `Secret ${name}${selector === "" ? "null" : selector} not found.`,
});

export const parameterVersionNotFound = awsError({
  ...client,
  code: "ParameterVersionNotFound",
  source: reference("GetParameter"),
  unverified: true,
  message: (kind: "version" | "label", selector: string, name: string) =>
    `Systems Manager could not find ${kind} ${selector} of ${name}. Verify the ${kind} and try again.`,
});

export const parameterAlreadyExists = awsError({
  ...client,
  code: "ParameterAlreadyExists",
  source: reference("PutParameter"),
  message: () =>
    "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
});

export const maxVersionLimitExceeded = awsError({
  ...client,
  code: "ParameterMaxVersionLimitExceeded",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-versions.html",
  message: (name: string, oldest: number) =>
    `You attempted to create a new version of ${name} by calling the PutParameter API with the overwrite flag. ` +
    `Version ${oldest}, the oldest version, can't be deleted because it has a label associated with it. ` +
    "Move the label to another version of the parameter, and try again.",
});

export const parameterLimitExceeded = awsError({
  ...client,
  code: "ParameterLimitExceeded",
  source: reference("PutParameter"),
  // AWS: the text for the advanced tier is not known, its documentation's stands for it.
  message: (tier: "Standard" | "Advanced", limit: number) =>
    tier === "Standard"
      ? `You have reached the maximum number of standard parameters for this AWS account and Region (${limit}). To add ` +
        "more parameters, either delete existing parameters or upgrade to the advanced-parameter tier (charges apply)."
      : "You have exceeded the number of parameters for this Amazon Web Services account. Delete one or more " +
        "parameters and try again.",
});

export const validationFailure = awsError({
  ...client,
  code: "ValidationException",
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/CommonErrors.html",
  message: text,
});

export const reservedName = awsError({
  ...client,
  code: "AccessDeniedException",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html",
  message: (name: string) => `No access to reserved parameter name: ${name}.`,
});

/** AWS: a name whose ARN is too long is denied to everybody, with this code; the text here is that of other denials. */
export const oversizedName = awsError({
  ...client,
  code: "AccessDeniedException",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html",
  unverified: true,
  messageMember: "Message",
  message: (principalArn: string, arn: string) =>
    `User: ${principalArn} is not authorized to perform: ssm:PutParameter on resource: ${arn} because no ` +
    "identity-based policy allows the ssm:PutParameter action",
});

export const hierarchyLevelLimitExceeded = awsError({
  ...client,
  code: "HierarchyLevelLimitExceededException",
  source: reference("PutParameter"),
  unverified: true,
  message: () =>
    "A hierarchy can have a maximum of 15 levels. For more information, see Requirements and constraints for " +
    "parameter names in the AWS Systems Manager User Guide.",
});

export const hierarchyTypeMismatch = awsError({
  ...client,
  code: "HierarchyTypeMismatchException",
  source: reference("PutParameter"),
  unverified: true,
  message: () =>
    "Parameter Store does not support changing a parameter type in a hierarchy. For example, you can't change a " +
    "parameter type from a String type to a SecureString type. You must create a new, unique parameter.",
});

export const dataTypeMismatch = awsError({
  ...client,
  code: "ValidationException",
  source: "https://github.com/hashicorp/terraform-provider-aws/issues/35959",
  unverified: true,
  message: (from: string, to: string) =>
    `The data type of an existing parameter can't be changed: it is ${from}, the request has ${to}. Delete the ` +
    "parameter and create it again with the new data type.",
});

export const invalidAllowedPattern = awsError({
  ...client,
  code: "InvalidAllowedPatternException",
  source: reference("PutParameter"),
  unverified: true,
  message: (pattern: string) => `The request does not meet the regular expression requirement: ${pattern}`,
});

export const patternMismatch = awsError({
  ...client,
  code: "ParameterPatternMismatchException",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/param-create-cli.html",
  message: (pattern: string) => `Parameter value, cannot be validated against allowedPattern: ${pattern}`,
});

export const invalidPolicyType = awsError({
  ...client,
  code: "InvalidPolicyTypeException",
  source: reference("PutParameter"),
  unverified: true,
  message: text,
});

export const invalidPolicyAttribute = awsError({
  ...client,
  code: "InvalidPolicyAttributeException",
  source: reference("PutParameter"),
  unverified: true,
  message: text,
});

export const incompatiblePolicy = awsError({
  ...client,
  code: "IncompatiblePolicyException",
  source: reference("PutParameter"),
  unverified: true,
  message: text,
});

export const policiesLimitExceeded = awsError({
  ...client,
  code: "PoliciesLimitExceededException",
  source: reference("PutParameter"),
  unverified: true,
  message: (limit: number) => `Number of policies attached to a parameter cannot exceed ${limit}`,
});

export const invalidKeyId = awsError({
  ...client,
  code: "InvalidKeyId",
  source: reference("PutParameter"),
  message: kmsText,
});

export const kmsAccessDenied = awsError({
  ...client,
  code: "AccessDeniedException",
  source: "https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-access.html",
  message: kmsText,
});

export const invalidFilterKey = awsError({
  ...client,
  code: "InvalidFilterKey",
  source: reference("DescribeParameters"),
  unverified: true,
  message: text,
});

export const invalidFilterOption = awsError({
  ...client,
  code: "InvalidFilterOption",
  source: reference("DescribeParameters"),
  unverified: true,
  message: text,
});

export const invalidFilterValue = awsError({
  ...client,
  code: "InvalidFilterValue",
  source: reference("DescribeParameters"),
  unverified: true,
  messageMember: "Message",
  message: (key: string) => `The following filter values are missing : null for filter key ${key}.`,
});

export const invalidNextToken = awsError({
  ...client,
  code: "InvalidNextToken",
  source: reference("DescribeParameters"),
  unverified: true,
  messageMember: "Message",
  message: () => "The specified token isn't valid.",
});

export const labelLimitExceeded = awsError({
  ...client,
  code: "ParameterVersionLabelLimitExceeded",
  source: reference("LabelParameterVersion"),
  unverified: true,
  message: () =>
    "A parameter version can have maximum 10 labels. Move one or more labels to another version and try again.",
});

// AWS: these three are sent without a text.
export const invalidResourceType = awsError({
  ...client,
  code: "InvalidResourceType",
  source: reference("AddTagsToResource"),
  messageMember: "none",
  message: () => "",
});

export const invalidResourceId = awsError({
  ...client,
  code: "InvalidResourceId",
  source: reference("AddTagsToResource"),
  messageMember: "none",
  message: () => "",
});

export const tooManyTags = awsError({
  ...client,
  code: "TooManyTagsError",
  source: reference("AddTagsToResource"),
  messageMember: "none",
  message: () => "",
});

export const serviceSettingNotFound = awsError({
  ...client,
  code: "ServiceSettingNotFound",
  source: reference("GetServiceSetting"),
  unverified: true,
  message: (settingId: string) => `Setting ${settingId} not found. Ensure the service setting exists.`,
});

/** The errors of resource policies carry their text as `Message`, and say which member is wrong. */
const ofResourcePolicy = {
  ...client,
  source: reference("PutResourcePolicy"),
  unverified: true,
  messageMember: "Message",
} as const;

export const resourceNotFound = awsError({
  ...ofResourcePolicy,
  code: "ResourceNotFoundException",
  message: (arn: string) => `The specified parameter to be shared could not be found: ${arn}`,
});

export const malformedResourcePolicy = awsError({
  ...ofResourcePolicy,
  code: "MalformedResourcePolicyDocumentException",
  message: (why: string) => `The specified policy document is malformed or invalid: ${why}`,
});

export const invalidResourcePolicyParameter = awsError({
  ...ofResourcePolicy,
  code: "ResourcePolicyInvalidParameterException",
  message: (_names: readonly string[], why: string) => why,
  extra: (names) => ({ ParameterNames: names }),
});

export const resourcePolicyLimitExceeded = awsError({
  ...ofResourcePolicy,
  code: "ResourcePolicyLimitExceededException",
  message: (limit: number, limitType: "PolicySize" | "PolicyCount") =>
    limitType === "PolicySize"
      ? `A policy can't be greater than ${limit} bytes in size.`
      : `Only ${limit} policy can be attached to a parameter. To change it, specify its PolicyId and PolicyHash.`,
  extra: (limit, limitType) => ({ Limit: limit, LimitType: limitType }),
});

export const resourcePolicyConflict = awsError({
  ...ofResourcePolicy,
  code: "ResourcePolicyConflictException",
  message: () => "The hash provided in the call doesn't match the stored hash.",
});

export const resourcePolicyNotFound = awsError({
  ...ofResourcePolicy,
  code: "ResourcePolicyNotFoundException",
  message: (id: string) => `No policies with the ID ${id} could be found.`,
});
