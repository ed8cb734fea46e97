/** The Resource rules of IAM's policy validation, with AWS's texts. Part of validate-policy.ts. */

const PARTITIONS = new Set([
  "aws",
  "aws-cn",
  "aws-us-gov",
  "aws-iso",
  "aws-iso-b",
  "aws-iso-e",
  "aws-iso-f",
  "aws-eusc",
  "*",
]);

const IAM_KINDS = [
  ...["user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/"],
  ...["policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/"],
];

/** AWS's text for a Resource or NotResource entry that IAM refuses. */
export function invalidResource(resource: string): string | undefined {
  if (resource === "*") return undefined;
  if (!resource.includes(":")) return `Resource ${resource} must be in ARN format or "*".`;
  const [, partition = "", service, region = "*", account = "*", ...rest] = partsOf(resource);
  const path = rest.length === 0 ? "*" : rest.join(":");
  if (!PARTITIONS.has(partition)) {
    const full = `arn:${partition}:${service ?? "*"}:${region}:${account}:${path}`;
    return `Partition "${partition}" is not valid for resource "${full}".`;
  }
  if (service === undefined || /[*?]/.test(service)) {
    return "Resource vendor must be fully qualified and cannot contain regexes.";
  }
  if (service === "iam") return invalidIamResource(resource, region, path);
  if (service === "s3" && region !== "" && region !== "*" && !path.startsWith("accesspoint")) {
    return `Resource ${resource} can not contain region information.`;
  }
  return undefined;
}

function invalidIamResource(resource: string, region: string, path: string): string | undefined {
  if (region !== "" && region !== "*") return `IAM resource ${resource} cannot contain region information.`;
  if (path === "*" || path === "root" || IAM_KINDS.some((kind) => path.startsWith(kind))) return undefined;
  return `IAM resource path must either be "*" or start with ${IAM_KINDS.join(", ")}.`;
}

const [MIN_PARTS, ACCOUNT_PART] = [6, 4];
/** AWS: digits, wildcards, nothing, or `aws`; a variable or a placeholder is no account. */
const ACCOUNT = /^(aws|[\d?*]*)$/;

/**
 * AWS: resources that IAM's old parser refuses: an account that cannot be one, no service, too few parts and an empty one
 * among them. A resource that has a message of its own gets that message.
 */
export function isLegacyResource(resource: string): boolean {
  if (resource === "*") return false;
  const parts = partsOf(resource);
  const isShort = parts[2] === "" || (parts.length < MIN_PARTS && resource.includes("::"));
  const isOdd = isShort || (parts.length >= MIN_PARTS && !ACCOUNT.test(parts[ACCOUNT_PART] ?? ""));
  return isOdd && invalidResource(resource) === undefined;
}

/** All parts of an ARN; a colon inside a variable ends none. */
function partsOf(resource: string): string[] {
  const hidden = resource.replace(/\$\{[^{}]*\}/g, (variable) => variable.replaceAll(":", "\0"));
  return hidden.split(":").map((part) => part.replaceAll("\0", ":"));
}
