import type { ServiceDefinition } from "../service.ts";

export const iam: ServiceDefinition = { name: "iam", title: "iam", protocol: "awsQuery", operations: [] };
