/**
 * Amazon S3, the part that builds and their people need: buckets with policies, versioning and encryption, objects in
 * one piece and in parts, listings, tags. Bytes are encrypted at rest, under KMS where asked.
 *
 * Sources: https://docs.aws.amazon.com/AmazonS3/latest/API/, error documents and answers recorded on AWS by third
 * parties, collected in November 2026.
 * Gaps: anonymous access, ACLs in decisions, public access block, lifecycle, replication, notifications, object lock,
 * SSE-C, access points, directory buckets, website hosting; each is refused by name.
 * Differences: docs/differences.md#s3.
 * Clients: the AWS CLI v1 presigns with Signature Version 2 in us-east-1; SDKs address buckets by host name unless the
 * endpoint is an IP address.
 */
import type { ServiceDefinition } from "../service.ts";

export const s3: ServiceDefinition = {
  name: "s3",
  title: "Simple Storage Service",
  protocol: "restXml",
  operations: async () => (await import("./operations.ts")).operations,
};
