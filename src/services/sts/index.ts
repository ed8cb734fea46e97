/**
 * AWS Security Token Service: who am I, and sessions of roles. Protocol awsQuery, 2011-06-15.
 * Sources: https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html; error texts as seen on AWS, autumn 2026.
 * Gaps: no identity providers (AssumeRoleWithSAML, AssumeRoleWithWebIdentity, GetWebIdentityToken), no AssumeRoot, no MFA.
 */
import type { ServiceDefinition } from "../service.ts";

export const sts: ServiceDefinition = {
  name: "sts",
  title: "Security Token Service",
  protocol: "awsQuery",
  operations: async () => (await import("./operations.ts")).operations,
};
