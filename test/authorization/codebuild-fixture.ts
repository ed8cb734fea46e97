/** CodeBuild for the tests of what its operations ask permission for: the service, and inputs that carry everything. */
import { systemClock } from "../../src/core/clock.ts";
import { createFakeEngine } from "../../src/engines/index.ts";
import { createIdentity, servicePrincipal } from "../../src/identity/index.ts";
import { codebuildService } from "../../src/services/codebuild/index.ts";
import { CODEBUILD_TRUST } from "../support/policy-documents.ts";
import type { Preparation } from "./describe-authorization.ts";
import { type Outside, SCOPE } from "./stage.ts";

/** ARN of a role of the account. */
export const role = (name: string): string => `arn:aws:iam::{account}:role/${name}`;
/** ARN of a resource of CodeBuild. */
export const arn = (resource: string): string => `arn:aws:codebuild:us-east-1:{account}:${resource}`;
export const TAGS = [{ key: "team", value: "blue" }];
/** Uuid of a build that does not exist. */
export const RUN = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f";
/** CreateProject's input. */
export const project = (name: string, more: object = {}) => ({
  name,
  source: { type: "NO_SOURCE", buildspec: "version: 0.2\nphases: {build: {commands: ['true']}}\n" },
  artifacts: { type: "NO_ARTIFACTS" },
  environment: { type: "LINUX_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" },
  serviceRole: role("build"),
  ...more,
});
/** Members of CreateProject that between them carry every condition key. */
export const EVERYTHING = {
  source: {
    ...{ type: "GITHUB", location: "https://github.com/o/r", buildspec: "ci.yml", insecureSsl: false },
    auth: { type: "OAUTH", resource: "r" },
    buildStatusConfig: { context: "c", targetUrl: "https://e" },
  },
  secondarySources: [{ type: "GITHUB", location: "https://github.com/o/a", sourceIdentifier: "a", insecureSsl: true }],
  artifacts: { type: "S3", location: "b", encryptionDisabled: true, bucketOwnerAccess: "FULL" },
  secondaryArtifacts: [{ type: "S3", location: "b", artifactIdentifier: "x", encryptionDisabled: true }],
  cache: { type: "LOCAL", modes: ["LOCAL_SOURCE_CACHE"] },
  environment: {
    ...{ type: "LINUX_CONTAINER", image: "alpine", computeType: "BUILD_GENERAL1_SMALL", privilegedMode: true },
    ...{ certificate: "b/c", imagePullCredentialsType: "SERVICE_ROLE" },
    registryCredential: { credential: "s", credentialProvider: "SECRETS_MANAGER" },
    computeConfiguration: { vCpu: 2, memory: 4, disk: 8, machineType: "GENERAL" },
    fleet: { fleetArn: arn("fleet/f:1") },
    environmentVariables: [{ name: "A", value: "1" }],
  },
  logsConfig: { s3Logs: { status: "ENABLED", location: "b", encryptionDisabled: true, bucketOwnerAccess: "FULL" } },
  vpcConfig: { vpcId: "vpc-1", subnets: ["s"], securityGroupIds: ["g"] },
  buildBatchConfig: {
    serviceRole: role("batch"),
    restrictions: { computeTypesAllowed: ["BUILD_GENERAL1_SMALL"], fleetsAllowed: ["f"] },
  },
  ...{ encryptionKey: "alias/k", concurrentBuildLimit: 2, autoRetryLimit: 1, tags: TAGS },
  fileSystemLocations: [{ type: "EFS", identifier: "efs", location: "fs:/" }],
};

/** A role that CodeBuild may assume. */
export const makeRole = (RoleName: string): Preparation => ({
  service: "iam",
  operation: "CreateRole",
  input: { RoleName, AssumeRolePolicyDocument: CODEBUILD_TRUST },
});

/** The service, with the fake engine. */
export const codebuildOf = ({ store, ids, dispatcher }: Outside) => {
  const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
  const identity = createIdentity({ store, clock: systemClock, ids, scope: SCOPE, rootKey });
  const principalOf = (accessKeyId: string) => {
    const key = identity.findAccessKey(accessKeyId);
    if (!key) throw new Error("no such key");
    return key.principal;
  };
  return codebuildService({
    ...{ store, ids, clock: systemClock, stateDir: undefined, engines: [createFakeEngine()] },
    callerForService: (serviceName, sourceArn, scope) =>
      dispatcher().callerFor(servicePrincipal(serviceName, sourceArn, scope), scope),
    callerForAccessKey: (accessKeyId, scope) => dispatcher().callerFor(principalOf(accessKeyId), scope),
    authorizeAccessKey: (accessKeyId, ...question) => dispatcher().authorize(principalOf(accessKeyId), ...question),
    endpointUrl: () => "http://127.0.0.1:1",
  });
};
