/** The pull-through cache between two registries on this machine. Rules are put as records; their operations are services/ecr's. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  DEPLOYER,
  ECR_HOST,
  OCI_INDEX,
  pushImage,
  type RegistryFixture,
  SCOPE,
  sha256,
  startRegistry,
} from "../../../test/support/registry-fixture.ts";
import { DAY_MS } from "../../core/clock.ts";
import { DEFAULT_ECR_SETTINGS } from "./templates.ts";

const ARN = "arn:aws:ecr:us-east-1:000000000000:repository/cache/team/app";

let upstream: RegistryFixture;
let at: RegistryFixture;
beforeEach(async () => {
  [upstream, at] = await Promise.all([startRegistry(), startRegistry()]);
  await rule({ upstreamRegistryUrl: upstream.url.replace("http://", "") });
  may("BatchGetImage", "BatchImportUpstreamImage", "CreateRepository", "GetDownloadUrlForLayer");
});
afterEach(() => Promise.all([upstream.close(), at.close()]));

const rule = (more: { readonly upstreamRegistryUrl: string; readonly upstreamRepositoryPrefix?: string }) =>
  at.store.write(() =>
    at.registry.records.ecr.cacheRules.put([SCOPE.accountId, SCOPE.region, "cache"], {
      ...{ createdAtMs: 0, updatedAtMs: 0, ...more },
    }),
  );
const may = (...actions: string[]): void => {
  const Statement = [{ Effect: "Allow", Action: actions.map((name) => `ecr:${name}`), Resource: "*" }];
  at.policies = [{ name: "inline policy p of user deployer", document: { Version: "2012-10-17", Statement } }];
};
const pull = (reference: string, name = "cache/team/app") =>
  at.send("GET", `/v2/${ECR_HOST}/${name}/manifests/${reference}`, {
    auth: `AWS:${at.registry.issueEcrToken(DEPLOYER, SCOPE).password}`,
  });
const denied = (action: string) =>
  `User: ${DEPLOYER.arn} is not authorized to perform: ecr:${action} on resource: ${ARN} because no identity-based policy allows the ecr:${action} action`;

describe("a pull through the cache", () => {
  it("brings the image, and keeps it when the upstream is gone", async () => {
    const { digest } = await pushImage(upstream, "team/app", "v1");
    const first = await pull("v1");
    expect([first.status, first.headers["docker-content-digest"]]).toEqual([200, digest]);
    const layer = await at.send("GET", `/v2/${ECR_HOST}/cache/team/app/blobs/${sha256("layer of team/app")}`);
    expect(layer.text).toBe("layer of team/app");
    expect(at.registry.records.repositories.get([ECR_HOST, "cache/team/app"])?.ecr).toEqual(DEFAULT_ECR_SETTINGS);
    await upstream.close();
    expect((await pull("v1")).status).toBe(200);
    at.clock.advance(2 * DAY_MS);
    expect((await pull("v1")).status).toBe(200);
    const away = await pull("v2");
    expect(away.status).toBe(404);
    expect(away.json.errors[0].message).toContain("did not answer: ECONNREFUSED");
    upstream = await startRegistry();
  });

  it("needs permission to import, and to create the repository the first time", async () => {
    await pushImage(upstream, "team/app", "v1");
    may("BatchGetImage");
    expect((await pull("v1")).json.errors[0].message).toBe(denied("BatchImportUpstreamImage"));
    may("BatchGetImage", "BatchImportUpstreamImage");
    expect((await pull("v1")).json.errors[0].message).toBe(denied("CreateRepository"));
    await at.createEcrRepository("cache/team/app");
    expect((await pull("v1")).status).toBe(200);
    may("BatchGetImage");
    expect((await pull("v1")).status).toBe(200);
  });

  it("asks for a tag again after a day", async () => {
    const before = await pushImage(upstream, "team/app", "v1");
    await pull("v1");
    const after = await pushImage(upstream, "team/app", "v1", { annotations: { new: "yes" } });
    at.clock.advance(DAY_MS - 1);
    expect((await pull("v1")).headers["docker-content-digest"]).toBe(before.digest);
    at.clock.advance(1);
    expect((await pull("v1")).headers["docker-content-digest"]).toBe(after.digest);
    expect((await pull(before.digest)).status).toBe(200);
  });

  it("brings an index with its images, by tag and by digest", async () => {
    const { digest } = await pushImage(upstream, "team/app", "@");
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [{ mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 }],
    });
    const headers = { "content-type": OCI_INDEX };
    await upstream.send("PUT", "/v2/team/app/manifests/multi", { body: index, headers });
    expect((await pull(sha256(index))).status).toBe(200);
    await upstream.close();
    expect((await pull(digest)).status).toBe(200);
    upstream = await startRegistry();
  });

  it("makes the repository as the template for its prefix says", async () => {
    await pushImage(upstream, "team/app", "v1");
    const settings = { ...DEFAULT_ECR_SETTINGS, tags: { from: "template" } };
    await at.store.write(() =>
      at.registry.records.ecr.templates.put([SCOPE.accountId, SCOPE.region, "cache"], {
        ...{ createdAtMs: 0, updatedAtMs: 0, appliedFor: ["PULL_THROUGH_CACHE"], settings },
      }),
    );
    await pull("v1");
    expect(at.registry.records.repositories.get([ECR_HOST, "cache/team/app"])?.ecr?.tags).toEqual({ from: "template" });
  });

  it("puts the upstream's own prefix before the name", async () => {
    await pushImage(upstream, "library/app", "v1");
    await rule({ upstreamRegistryUrl: upstream.url, upstreamRepositoryPrefix: "library" });
    expect((await pull("v1", "cache/app")).status).toBe(200);
  });

  it("tells what the upstream does not have as any missing image", async () => {
    const reply = await pull("v9");
    expect([reply.status, reply.json.errors[0].message]).toEqual([
      404,
      "The repository with name 'cache/team/app' does not exist in the registry with id '000000000000'",
    ]);
    expect((await pull("v9", "other/app")).status).toBe(404);
  });

  it("reads a registry Kiln stands in for from its own images", async () => {
    await pushImage(at, "docker.io/library/busybox", "1");
    await rule({ upstreamRegistryUrl: "registry-1.docker.io" });
    expect((await pull("1", "cache/library/busybox")).status).toBe(200);
    await rule({ upstreamRegistryUrl: "111111111111.dkr.ecr.us-east-1.amazonaws.com" });
    const reply = await pull("1", "cache/other");
    expect([reply.status, reply.json.errors[0].message]).toEqual([
      403,
      "the role arn:aws:iam::000000000000:role/aws-service-role/pullthroughcache.ecr.amazonaws.com/AWSServiceRoleForECRPullThroughCache that ECR reads the upstream with does not exist",
    ]);
  });
});
