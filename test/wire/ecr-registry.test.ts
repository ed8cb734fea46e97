/** ECR's registry between accounts, regions and registries, with unmodified clients: cache rules, replication, templates. */
import { ECR } from "@aws-sdk/client-ecr";
import { IAM } from "@aws-sdk/client-iam";
import { SecretsManager } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { documentText } from "../support/policy-documents.ts";
import { sha256 } from "../support/registry-fixture.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const THEIRS = "444455556666";
const hostOf = (account: string, region = "us-east-1") => `${account}.dkr.ecr.${region}.amazonaws.com`;
const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const ROOT = `Basic ${Buffer.from("test:test").toString("base64")}`;

let kiln: StartedEndpoint;
let upstream: StartedEndpoint;
let ecr: ECR;
let theirEcr: ECR;
let iam: IAM;
let secrets: SecretsManager;
const clients: { destroy(): void }[] = [];

beforeAll(async () => {
  [kiln, upstream] = await Promise.all([startEndpoint(), startEndpoint()]);
  const theirs = clientSettings(kiln.url, { accessKeyId: THEIRS, secretAccessKey: "test" });
  ecr = new ECR(clientSettings(kiln.url));
  theirEcr = new ECR(theirs);
  iam = new IAM(clientSettings(kiln.url));
  secrets = new SecretsManager(clientSettings(kiln.url));
  clients.push(ecr, theirEcr, iam, secrets);
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await Promise.all([kiln.close(), upstream.close()]);
});

const passwordOf = async (client: ECR): Promise<string> =>
  `Basic ${(await client.getAuthorizationToken({})).authorizationData?.[0]?.authorizationToken}`;

async function push(at: StartedEndpoint, authorization: string, name: string, tag: string): Promise<Response> {
  const blobs = [Buffer.from("{}"), Buffer.from(`layer of ${name}`)];
  for (const body of blobs) {
    const url = `${at.url}/v2/${name}/blobs/uploads/?digest=${sha256(body)}`;
    const reply = await fetch(url, { method: "POST", body, headers: { authorization } });
    if (!reply.ok) return reply;
  }
  const [config, layer] = blobs.map((body) => ({ digest: sha256(body), size: body.length }));
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...layer }],
  };
  return fetch(`${at.url}/v2/${name}/manifests/${tag}`, {
    method: "PUT",
    body: JSON.stringify(manifest),
    headers: { authorization, "content-type": OCI_MANIFEST },
  });
}

const pull = async (name: string, tag: string, authorization: string) => {
  const reply = await fetch(`${kiln.url}/v2/${name}/manifests/${tag}`, { headers: { authorization } });
  // biome-ignore lint/suspicious/noExplicitAny: an answer or an error
  return { status: reply.status, json: (await reply.json()) as any };
};

describe("a pull-through cache rule", () => {
  const prefix = "hub";
  const name = "ecr-pullthroughcache/hub";

  it("reads a private registry with the user and token of its secret", async () => {
    await upstream.registry.accounts.declare("docker.io", "me", "right");
    const login = `Basic ${Buffer.from("me:right").toString("base64")}`;
    const scope = "repository:docker.io/me/app:pull,push";
    const answer = await fetch(`${upstream.url}/v2/_kiln/token?service=kiln&scope=${scope}`, {
      headers: { authorization: login },
    });
    const { token } = (await answer.json()) as { token: string };
    expect((await push(upstream, `Bearer ${token}`, "docker.io/me/app", "v1")).status).toBe(201);

    const SecretString = JSON.stringify({ username: "me", accessToken: "wrong" });
    const { ARN: credentialArn } = await secrets.createSecret({ Name: name, SecretString });
    const { host } = new URL(upstream.url);
    const rule = await ecr.createPullThroughCacheRule({
      ...{ ecrRepositoryPrefix: prefix, upstreamRegistryUrl: host, credentialArn },
      upstreamRepositoryPrefix: "docker.io",
    });
    expect(rule).toMatchObject({ ecrRepositoryPrefix: prefix, upstreamRegistryUrl: host, registryId: ACCOUNT });
    const { Role } = await iam.getRole({ RoleName: "AWSServiceRoleForECRPullThroughCache" });
    expect(Role?.Path).toBe("/aws-service-role/pullthroughcache.ecr.amazonaws.com/");
    const target = `${hostOf(ACCOUNT)}/${prefix}/me/app`;
    const wrong = await pull(target, "v1", ROOT);
    expect([wrong.status, wrong.json.errors[0].message]).toEqual([403, `${host} answered 401 to the login`]);
    expect(await ecr.validatePullThroughCacheRule({ ecrRepositoryPrefix: prefix })).toMatchObject({
      ...{ isValid: false, failure: `${host} answered 401 to the login` },
    });

    await secrets.putSecretValue({ SecretId: name, SecretString: SecretString.replace("wrong", "right") });
    expect(await ecr.validatePullThroughCacheRule({ ecrRepositoryPrefix: prefix })).toMatchObject({ isValid: true });
    expect((await pull(target, "v1", ROOT)).status).toBe(200);
    const { images } = await ecr.batchGetImage({ repositoryName: `${prefix}/me/app`, imageIds: [{ imageTag: "v1" }] });
    expect(images).toHaveLength(1);
  });

  it("is refused its secret by the secret's own policy", async () => {
    const role = `arn:aws:iam::${ACCOUNT}:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache`;
    await secrets.putResourcePolicy({
      SecretId: name,
      ResourcePolicy: documentText({
        ...{ Effect: "Deny", Principal: { AWS: role }, Action: "secretsmanager:GetSecretValue", Resource: "*" },
      }),
    });
    const { images = [], failures } = await ecr.batchGetImage({
      ...{ repositoryName: `${prefix}/me/app`, imageIds: [{ imageTag: "v2" }] },
    });
    expect(images).toEqual([]);
    expect(failures).toMatchObject([
      { failureCode: "UpstreamAccessDenied", failureReason: expect.stringContaining("secretsmanager:GetSecretValue") },
    ]);
  });

  it("is changed, listed, deleted, and answers by name what is wrong", async () => {
    const again = { ecrRepositoryPrefix: prefix, upstreamRegistryUrl: "quay.io" };
    await expect(ecr.createPullThroughCacheRule(again)).rejects.toMatchObject({
      name: "PullThroughCacheRuleAlreadyExistsException",
    });
    await expect(
      ecr.createPullThroughCacheRule({ ecrRepositoryPrefix: "x1", upstreamRegistryUrl: "registry-1.docker.io" }),
    ).rejects.toMatchObject({ message: "Credentials are required for upstream registry 'registry-1.docker.io'" });
    await expect(
      ecr.createPullThroughCacheRule({ ecrRepositoryPrefix: "x1", upstreamRegistryUrl: "file:///etc" }),
    ).rejects.toMatchObject({
      message:
        "`upstreamRegistryUrl` is `file:///etc`, expected a host with an optional port, e.g. `registry-1.docker.io`",
    });
    await ecr.createPullThroughCacheRule({ ecrRepositoryPrefix: "quay", upstreamRegistryUrl: "quay.io" });
    const { pullThroughCacheRules } = await ecr.describePullThroughCacheRules({});
    expect(pullThroughCacheRules?.map((one) => [one.ecrRepositoryPrefix, one.upstreamRegistry])).toEqual([
      [prefix, undefined],
      ["quay", "quay"],
    ]);
    await ecr.deletePullThroughCacheRule({ ecrRepositoryPrefix: "quay" });
    await expect(ecr.deletePullThroughCacheRule({ ecrRepositoryPrefix: "quay" })).rejects.toMatchObject({
      name: "PullThroughCacheRuleNotFoundException",
    });
  });

  it("reads another account's registry as far as that lets ECR's role in", async () => {
    await theirEcr.createRepository({ repositoryName: "shared" });
    expect((await push(kiln, await passwordOf(theirEcr), `${hostOf(THEIRS)}/shared`, "v1")).status).toBe(201);
    const { Role } = await iam.createRole({
      RoleName: "cache",
      AssumeRolePolicyDocument: documentText({
        ...{ Effect: "Allow", Principal: { Service: "pullthroughcache.ecr.amazonaws.com" }, Action: "sts:AssumeRole" },
      }),
    });
    const ecrRepositoryPrefix = "theirs";
    await ecr.createPullThroughCacheRule({ ecrRepositoryPrefix, upstreamRegistryUrl: hostOf(THEIRS) });
    const target = `${hostOf(ACCOUNT)}/theirs/shared`;
    const denial = async () => {
      const { status, json } = await pull(target, "v1", ROOT);
      return `${status} ${json.errors?.[0].message}`;
    };
    // The service-linked role is for registries of its own account.
    expect(await denial()).toMatch(/^403 .* no identity-based policy allows the ecr:BatchGetImage action$/);
    await iam.putRolePolicy({
      ...{ RoleName: "cache", PolicyName: "pull" },
      PolicyDocument: documentText({ Effect: "Allow", Action: "ecr:*", Resource: "*" }),
    });
    await ecr.updatePullThroughCacheRule({ ecrRepositoryPrefix, customRoleArn: Role?.Arn });
    expect(await denial()).toMatch(/^403 .* no resource-based policy allows the ecr:BatchGetImage action$/);
    await theirEcr.setRepositoryPolicy({
      repositoryName: "shared",
      policyText: documentText({
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
      }),
    });
    expect((await pull(target, "v1", ROOT)).status).toBe(200);
  });
});

describe("replication", () => {
  const statuses = async () => {
    const imageId = { imageTag: "v1" };
    const found = await ecr.describeImageReplicationStatus({ repositoryName: "prod/app", imageId });
    return found.replicationStatuses?.map(({ region, registryId, status }) => `${registryId} ${region} ${status}`);
  };

  it("copies what is pushed to other regions and to accounts whose registry policy takes it", async () => {
    const destinations = [
      { region: "eu-west-1", registryId: ACCOUNT },
      { region: "us-east-1", registryId: THEIRS },
    ];
    const replicationConfiguration = {
      rules: [{ destinations, repositoryFilters: [{ filter: "prod", filterType: "PREFIX_MATCH" as const }] }],
    };
    await ecr.putReplicationConfiguration({ replicationConfiguration });
    expect(await ecr.describeRegistry({})).toMatchObject({ registryId: ACCOUNT, replicationConfiguration });
    for (const repositoryName of ["prod/app", "test/app"]) await ecr.createRepository({ repositoryName });
    await push(kiln, ROOT, `${hostOf(ACCOUNT)}/prod/app`, "v1");
    await push(kiln, ROOT, `${hostOf(ACCOUNT)}/test/app`, "v1");
    expect(await statuses()).toEqual([`${ACCOUNT} eu-west-1 COMPLETE`, `${THEIRS} us-east-1 FAILED`]);
    expect((await pull(`${hostOf(ACCOUNT, "eu-west-1")}/prod/app`, "v1", ROOT)).status).toBe(200);
    expect((await pull(`${hostOf(ACCOUNT, "eu-west-1")}/test/app`, "v1", ROOT)).status).toBe(404);

    await theirEcr.putRegistryPolicy({
      policyText: documentText({
        Effect: "Allow",
        Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
        Action: ["ecr:ReplicateImage", "ecr:CreateRepository"],
        Resource: `arn:aws:ecr:us-east-1:${THEIRS}:repository/*`,
      }),
    });
    await push(kiln, ROOT, `${hostOf(ACCOUNT)}/prod/app`, "v1");
    expect(await statuses()).toEqual([`${ACCOUNT} eu-west-1 COMPLETE`, `${THEIRS} us-east-1 COMPLETE`]);
    const { imageIds } = await theirEcr.listImages({ repositoryName: "prod/app" });
    expect(imageIds).toMatchObject([{ imageTag: "v1" }]);
  });

  it("does not go back where it comes from", async () => {
    const rules = [{ destinations: [{ region: "us-east-1", registryId: ACCOUNT }] }];
    await expect(ecr.putReplicationConfiguration({ replicationConfiguration: { rules } })).rejects.toMatchObject({
      name: "InvalidParameterException",
    });
  });
});
