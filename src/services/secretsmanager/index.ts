/**
 * AWS Secrets Manager: secrets with versions and staging labels, encrypted through KMS, with resource policies that
 * really decide.
 *
 * Sources: https://docs.aws.amazon.com/secretsmanager/latest/apireference/, the user guide, recorded responses and texts
 * of real calls collected in November 2026.
 * Gaps: replication, managed external secrets, secrets owned by other services, quotas on the number of secrets and on
 * throughput; `secretsmanager:KmsKeyArn` of a key that is named by alias. Functions that rotate are addresses of this
 * machine (rotation-functions.ts).
 * Differences: a name can be used again as soon as its secret is gone, and a scheduled deletion happens to the second;
 * without `SortOrder` ListSecrets shows the oldest secret first (AWS's order is not documented).
 */
import type { ServiceDefinition } from "../service.ts";

export { closeSecrets, noteDue } from "./background.ts";
export { rotationFunctions } from "./rotation/rotation-functions.ts";

export const secretsmanager: ServiceDefinition = {
  name: "secretsmanager",
  title: "Secrets Manager",
  protocol: "awsJson1_1",
  targetPrefix: "secretsmanager",
  operations: async () => (await import("./operations.ts")).operations,
};
