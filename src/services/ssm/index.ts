/**
 * AWS Systems Manager, Parameter Store: versions, labels, tiers, hierarchies, and SecureString through KMS.
 *
 * Sources: https://docs.aws.amazon.com/systems-manager/latest/APIReference/, the Parameter Store user guide, responses
 * and texts of real calls collected in November 2026.
 * Gaps: the rest of Systems Manager; most public parameters (/aws/service), Resource Access Manager, events, quotas on
 * throughput.
 * Differences: a deleted name can be used again at once; the advanced tier's ciphertext has its own layout;
 * AllowedPattern is translated from Java's regular expressions to JavaScript's.
 * Clients: the AWS CLI v1 fetches a `--value` that starts with `https://` instead of sending it
 * (`cli_follow_urlparam = false` turns that off).
 */
import type { ServiceDefinition } from "../service.ts";

export const ssm: ServiceDefinition = {
  name: "ssm",
  title: "Systems Manager Parameter Store",
  protocol: "awsJson1_1",
  targetPrefix: "AmazonSSM",
  operations: async () => (await import("./operations.ts")).operations,
};
