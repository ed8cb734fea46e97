/**
 * AWS Identity and Access Management: the part that decides who may do what in a build. Protocol awsQuery, 2010-05-08.
 * Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html; error texts as seen on AWS, autumn 2026.
 * Gaps: no instance profiles, login profiles, MFA devices, identity providers, server certificates; what lists them says
 * that there are none. Service-linked roles of the services in linked-services.ts.
 * AWS's managed policies are there in their default version only (identity/managed-policies.ts).
 */
import type { ServiceDefinition } from "../service.ts";

export const iam: ServiceDefinition = {
  name: "iam",
  title: "Identity and Access Management",
  protocol: "awsQuery",
  operations: async () => (await import("./operations.ts")).operations,
};
