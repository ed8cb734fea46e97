/**
 * AWS Identity and Access Management: the part that decides who may do what in a build. Protocol awsQuery, 2010-05-08.
 * Sources: https://docs.aws.amazon.com/IAM/latest/APIReference/welcome.html; error texts as seen on AWS, autumn 2026.
 * Gaps: no instance profiles, login profiles, MFA devices, identity providers, server certificates, service-linked roles.
 * AWS's managed policies are the ones in data/managed-policies.json, in their default version; attaching another one is
 * answered like a policy that does not exist. Extend the list in scripts/generate-managed-policies.mjs.
 */
import type { ServiceDefinition } from "../service.ts";

export const iam: ServiceDefinition = {
  name: "iam",
  title: "Identity and Access Management",
  protocol: "awsQuery",
  operations: async () => (await import("./operations.ts")).operations,
};
