/** Where the image of a build in a container comes from, and who may have it: Kiln's registry, ECR's rules, the image map. */
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { importImage, LayerStore } from "../../src/images/index.ts";
import { removeTree } from "../../src/images/remove-tree.ts";
import { baseImages } from "../containers/base-images.ts";
import { type ContainerProject, openContainerProject } from "./container-project.ts";
import { realEngines } from "./real-engines.ts";

const engines = await realEngines("kiln-engine-images");
const TIMEOUT_MS = 180_000;
const ECR = "000000000000.dkr.ecr.us-east-1.amazonaws.com/builder";
const files = {
  "buildspec.yml": "version: 0.2\nphases:\n  build:\n    commands: ['echo ran in $CODEBUILD_BUILD_IMAGE']\n",
};
const LOGS = { Effect: "Allow", Action: "logs:*", Resource: "*" };
const PULL_PREFIX = "Unable to pull customer's container image. CannotPullContainerError: Error response from daemon: ";

describe.skipIf(engines.length === 0).each(engines)("the image of a build in a $kind container", (engine) => {
  let at: ContainerProject;
  let folder: string;
  const allow = (...statements: readonly object[]): Promise<unknown> =>
    at.kiln.root.call("iam", "PutRolePolicy", {
      RoleName: "ContainerBuilds",
      PolicyName: "build",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: [LOGS, ...statements] }),
    });

  beforeAll(async () => {
    process.env["DOCKER_HOST"] = engine.machine["DOCKER_HOST"];
    at = await openContainerProject({
      engine: engine.kind,
      imageMap: { "aws/codebuild/standard:7.0": engine.image, "nobody/has-this:1": "kiln-own/shell:1" },
    });
    const archive = join(tmpdir(), `kiln-images-${process.pid}.tar`);
    folder = `${archive}.store`;
    await writeFile(archive, (await baseImages("kiln-engine-own")) ?? "");
    await at.kiln.root.call("ecr", "CreateRepository", { repositoryName: "builder" });
    const store = await LayerStore.open(folder);
    const access = {
      registryUrl: at.kiln.url,
      rootKey: { accessKeyId: "test", secretAccessKey: "test" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    for (const name of [`${ECR}:1`, "kiln-own/shell:1"]) await importImage(store, archive, name, access);
    await removeTree(archive);
  }, TIMEOUT_MS);
  afterAll(async () => {
    await at?.close();
    await removeTree(folder);
    await engine.release();
  });

  it("of ECR is the service role's to pull", { timeout: TIMEOUT_MS }, async () => {
    const environment = { image: `${ECR}:1`, imagePullCredentialsType: "SERVICE_ROLE" };
    await allow({ Effect: "Allow", Action: "ecr:GetAuthorizationToken", Resource: "*" });
    const denied = await at.build({ files, environment });
    expect(denied.phases["PROVISIONING"]?.message).toMatch(
      new RegExp(
        `^${PULL_PREFIX}pull access denied for ${ECR}, repository does not exist or may require 'docker login': denied: User: arn:aws:sts::000000000000:assumed-role/ContainerBuilds/AWSCodeBuild-[0-9a-f-]+ is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:us-east-1:000000000000:repository/builder because no identity-based policy allows the ecr:BatchGetImage action$`,
      ),
    );
    await allow({
      Effect: "Allow",
      Action: [
        "ecr:GetAuthorizationToken",
        "ecr:BatchCheckLayerAvailability",
        "ecr:GetDownloadUrlForLayer",
        "ecr:BatchGetImage",
      ],
      Resource: "*",
    });
    const pulled = await at.build({ files, environment });
    expect(pulled.log, JSON.stringify(pulled.phases)).toContain(`\nran in ${ECR}:1\n`);
    expect(pulled.notices).toContain(`\`${ECR}:1\` is the image of that name in Kiln's registry`);
  });

  it("of ECR is CodeBuild's to pull where the repository's policy says so", { timeout: TIMEOUT_MS }, async () => {
    const environment = { image: `${ECR}:1`, imagePullCredentialsType: "CODEBUILD" };
    const denied = await at.build({ files, environment });
    expect(denied.phases["PROVISIONING"]?.message).toBe(
      `${PULL_PREFIX}pull access denied for ${ECR}, repository does not exist or may require 'docker login': denied: User: CodeBuild`,
    );
    const letIn = (...actions: readonly string[]): Promise<unknown> =>
      at.kiln.root.call("ecr", "SetRepositoryPolicy", {
        repositoryName: "builder",
        policyText: JSON.stringify({
          Version: "2012-10-17",
          Statement: [{ Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: actions }],
        }),
      });
    const all = ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"];
    for (const missing of all) {
      await letIn(...all.filter((action) => action !== missing));
      const { phases } = await at.build({ files, environment });
      expect(phases["PROVISIONING"]?.message, missing).toBe(denied.phases["PROVISIONING"]?.message);
    }
    await letIn(...all);
    expect((await at.build({ files, environment })).log).toContain(`\nran in ${ECR}:1\n`);
  });

  it("is the one that the user names for it", { timeout: TIMEOUT_MS }, async () => {
    const curated = await at.build({ files, environment: { image: "aws/codebuild/standard:7.0" } });
    expect(curated.log).toContain("\nran in aws/codebuild/standard:7.0\n");
    expect(curated.notices).toContain(
      `\`aws/codebuild/standard:7.0\` is \`${engine.image}\` of the engine, as the image map says`,
    );
    const mapped = await at.build({ files, environment: { image: "nobody/has-this:1" } });
    expect(mapped.notices).toContain(
      "`nobody/has-this:1` is `kiln-own/shell:1` of Kiln's registry, as the image map says",
    );
  });

  it("is not had with a secret that the role may not read", { timeout: TIMEOUT_MS }, async () => {
    const { ARN } = await at.kiln.root.call<{ ARN: string }>("secretsmanager", "CreateSecret", {
      Name: "registry-login",
      ClientRequestToken: "8c1f4c0e-6a1f-4f5e-9d0b-3a3a5b7d1e11",
      SecretString: "no json",
    });
    const environment = {
      image: "kiln-own/shell:1",
      imagePullCredentialsType: "SERVICE_ROLE",
      registryCredential: { credential: ARN, credentialProvider: "SECRETS_MANAGER" },
    };
    await allow();
    const denied = await at.build({ files, environment });
    expect(denied.phases["PROVISIONING"]?.message).toMatch(
      /^Unable to pull customer's container image\. AccessDeniedException: User: .* is not authorized to perform: secretsmanager:GetSecretValue on resource: /,
    );
    await allow({ Effect: "Allow", Action: "secretsmanager:GetSecretValue", Resource: "*" });
    const unread = await at.build({ files, environment });
    expect(unread.phases["PROVISIONING"]?.message).toBe(
      `Unable to pull customer's container image. the secret \`${ARN}\` is not a JSON object with \`username\` and \`password\``,
    );
  });
});
