/** CodeBuild with the services it calls, on a store in memory, without an endpoint. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EngineName } from "../../src/build/run/index.ts";
import type { AwsScope } from "../../src/core/arn.ts";
import type { AwsCaller, Principal } from "../../src/core/aws.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { systemIds } from "../../src/core/ids.ts";
import type { Engine } from "../../src/engines/engine.ts";
import { createIdentity, rootPrincipal, servicePrincipal } from "../../src/identity/index.ts";
import { type CodeBuildService, codebuildService } from "../../src/services/codebuild/index.ts";
import { iam } from "../../src/services/iam/index.ts";
import { createDispatcher, type ServiceDefinition } from "../../src/services/index.ts";
import { kms } from "../../src/services/kms/index.ts";
import { logs } from "../../src/services/logs/index.ts";
import { s3 } from "../../src/services/s3/index.ts";
import { secretsmanager } from "../../src/services/secretsmanager/index.ts";
import { ssm } from "../../src/services/ssm/index.ts";
import { sts } from "../../src/services/sts/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";
import { allow, CODEBUILD_TRUST, documentText } from "./policy-documents.ts";

export const SCOPE: AwsScope = { partition: "aws", region: "us-east-1", accountId: "111122223333" };
export const ROLE = "arn:aws:iam::111122223333:role/CodeBuildServiceRole";

export interface TestAccount {
  readonly root: AwsCaller;
  readonly store: Store;
  readonly service: CodeBuildService;
  readonly folder: string;
  callerFor(principal: Principal): AwsCaller;
  /** A caller of another account or region. */
  callerIn(principal: Principal, scope: AwsScope): AwsCaller;
  /** A role that CodeBuild may assume, with these actions allowed on everything. */
  makeRole(actions: readonly string[]): Promise<void>;
  /** A project without source, with the log group switched off unless asked for. */
  makeProject(buildspec: string, more?: object): Promise<void>;
  /** Starts a build and follows it to its end. */
  build(more?: object): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export async function openTestAccount(
  engines: readonly Engine[],
  stateDir?: string,
  more: {
    readonly clock?: Clock;
    readonly batchParallelism?: number;
    readonly maxConcurrentBuilds?: number;
    readonly concurrentBuilds?: number;
    readonly strict?: boolean;
    readonly engine?: EngineName;
  } = {},
): Promise<TestAccount> {
  const { clock = systemClock, ...limits } = more;
  const folder = await mkdtemp(join(tmpdir(), "kiln-codebuild-"));
  const store = await openStore({ ids: systemIds, ...(stateDir === undefined ? {} : { stateDir }) });
  const identity = createIdentity({
    store,
    clock: systemClock,
    ids: systemIds,
    scope: SCOPE,
    rootKey: { accessKeyId: "test", secretAccessKey: "test" },
  });
  const service = codebuildService({
    ...limits,
    store,
    clock,
    ids: systemIds,
    callerForService: (serviceName, sourceArn, scope, sessionKeys) =>
      dispatcher.callerFor(servicePrincipal(serviceName, sourceArn, scope, sessionKeys), scope),
    callerForAccessKey: (accessKeyId, scope) => {
      const key = identity.findAccessKey(accessKeyId);
      if (!key) throw new Error("no such key");
      return dispatcher.callerFor(key.principal, scope);
    },
    authorizeAccessKey: (accessKeyId, ...question) => {
      const key = identity.findAccessKey(accessKeyId);
      if (!key) throw new Error("no such key");
      dispatcher.authorize(key.principal, ...question);
    },
    endpointUrl: () => "http://127.0.0.1:1",
    engines,
    workRoot: folder,
    stateDir,
  });
  const services: readonly ServiceDefinition[] = [iam, sts, ssm, secretsmanager, kms, logs, s3, service];
  const dispatcher = createDispatcher({
    ...{ services, identity, store, clock, ids: systemIds },
    onAnswer: (call, output) => service.runner.noteAnswer(call, output),
  });
  const root = dispatcher.callerFor(rootPrincipal(SCOPE), SCOPE);
  return {
    root,
    store,
    service,
    folder,
    callerFor: (principal) => dispatcher.callerFor(principal, SCOPE),
    callerIn: (principal, scope) => dispatcher.callerFor(principal, scope),
    async makeRole(actions) {
      await root.call("iam", "CreateRole", {
        RoleName: "CodeBuildServiceRole",
        AssumeRolePolicyDocument: CODEBUILD_TRUST,
      });
      if (actions.length === 0) return;
      await root.call("iam", "PutRolePolicy", {
        RoleName: "CodeBuildServiceRole",
        PolicyName: "all",
        PolicyDocument: documentText(allow(actions)),
      });
    },
    async makeProject(buildspec, more = {}) {
      await root.call("codebuild", "CreateProject", {
        name: "my-project",
        source: { type: "NO_SOURCE", buildspec },
        artifacts: { type: "NO_ARTIFACTS" },
        environment: {
          type: "LINUX_CONTAINER",
          image: "aws/codebuild/standard:7.0",
          computeType: "BUILD_GENERAL1_SMALL",
        },
        serviceRole: ROLE,
        logsConfig: { cloudWatchLogs: { status: "DISABLED" } },
        ...more,
      });
    },
    async build(more = {}) {
      const { build } = await root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
        projectName: "my-project",
        ...more,
      });
      for await (const event of service.runner.events(build.id)) void event;
      const { builds } = await root.call<{ builds: Record<string, unknown>[] }>("codebuild", "BatchGetBuilds", {
        ids: [build.id],
      });
      return builds[0] ?? {};
    },
    async close() {
      await service.batches.close();
      await service.runner.close();
      await dispatcher.flush();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
