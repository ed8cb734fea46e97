/**
 * Many clients of one repository: pushes of the same tag, deletes, lifecycle policies, mounts, pulls and collections at
 * once. Whatever the order, every tag can be pulled whole afterwards, and owners, uses and sums are exactly those of what
 * is there. Two processes on one state folder: registry/durability.test.ts.
 */
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  ECR_HOST,
  OCI_INDEX,
  OCI_MANIFEST,
  type RegistryFixture,
  sha256,
  startRegistry,
} from "../../../test/support/registry-fixture.ts";
import { ecrAddress, isDigest } from "../../registry/index.ts";
import { applyLifecyclePolicies } from "./lifecycle/apply-policies.ts";

const NAME = "team/app";
const address = ecrAddress({ partition: "aws", region: "us-east-1", accountId: "000000000000" }, NAME);
if (!address) throw new Error("no address");
const KEEP_THREE = JSON.stringify({
  rules: [
    {
      rulePriority: 1,
      selection: { tagStatus: "untagged", countType: "imageCountMoreThan", countNumber: 3 },
      action: { type: "expire" },
    },
  ],
});

let at: RegistryFixture;
beforeEach(async () => {
  at = await startRegistry();
  await at.createEcrRepository(NAME, { lifecycle: { text: KEEP_THREE } });
});
afterEach(() => at.close());

const path = `/v2/${ECR_HOST}/${NAME}`;
const manifestOf = (layer: string): string =>
  JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha256("{}"), size: 2 },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: sha256(layer), size: layer.length }],
  });

/** Pushes until it is taken: a collection without a grace period may take a layer before its manifest comes. */
async function push(layer: string, tag: string): Promise<string> {
  const manifest = manifestOf(layer);
  for (;;) {
    for (const blob of ["{}", layer]) {
      const reply = await at.send("POST", `${path}/blobs/uploads/?digest=${sha256(blob)}`, { body: blob });
      expect([reply.status, reply.text]).toEqual([201, ""]);
    }
    const headers = { "content-type": OCI_MANIFEST };
    const { status, json } = await put(tag, manifest, headers);
    if (status === 201) return sha256(manifest);
    expect(json.errors[0].code).toBe("MANIFEST_BLOB_UNKNOWN");
  }
}

async function put(tag: string, body: string, headers: Record<string, string>) {
  const reply = await at.send("PUT", `${path}/manifests/${tag}`, { body, headers });
  return { status: reply.status, json: reply.status === 201 ? undefined : reply.json };
}

/** Everything that is counted, counted again. */
async function expectExact(): Promise<void> {
  const { records, images } = at.registry;
  const owners = new Map<string, number>();
  const bytes = new Map<string, number>();
  const owned = [...records.blobLinks.list([]), ...records.manifests.list([])];
  for (const { key, value } of owned) {
    const [host = "", name = "", digest = ""] = key;
    owners.set(digest, (owners.get(digest) ?? 0) + 1);
    bytes.set(`${host}/${name}`, (bytes.get(`${host}/${name}`) ?? 0) + value.sizeBytes);
    expect(at.store.blobs.hasNow(digest)).toBe(true);
  }
  const stored = records.blobs.list([]);
  for (const { key, value } of stored) expect([key, value.owners]).toEqual([key, owners.get(key[0] ?? "") ?? 0]);
  for (const digest of owners.keys()) expect(records.blobs.has([digest])).toBe(true);
  const total = stored.reduce((sum, { value }) => sum + value.sizeBytes, 0);
  expect(records.usage.get([])?.bytes ?? 0).toBe(total);
  for (const [repository, sum] of bytes) expect(records.usage.get(repository.split(/\/(.*)/s, 2))?.bytes).toBe(sum);
  const uses: string[] = [];
  for (const { key } of records.manifests.list([])) {
    const [host = "", name = "", digest = ""] = key;
    const { layers = [], config, manifests = [] } = JSON.parse(String(await images.content(digest)));
    for (const { digest: used } of [...layers, ...manifests, ...(config ? [config] : [])]) {
      uses.push([host, name, used, digest].join(" "));
      expect(records.blobLinks.has([host, name, used]) || records.manifests.has([host, name, used])).toBe(true);
    }
  }
  const noted = records.uses.list([]).map(({ key }) => key.join(" "));
  expect(noted.sort()).toEqual([...new Set(uses)].sort());
  for (const { key, value } of records.tags.list([])) {
    expect([key, records.manifests.has([...key.slice(0, 2), value.digest])]).toEqual([key, true]);
  }
}

it("ends with one of the images under a tag that twenty clients push at once", async () => {
  const digests = await Promise.all(Array.from({ length: 20 }, (_, n) => push(`layer ${n % 7}`, "latest")));
  const pulled = await at.send("GET", `${path}/manifests/latest`);
  expect(digests).toContain(pulled.headers["docker-content-digest"]);
  expect(sha256(pulled.body)).toBe(pulled.headers["docker-content-digest"]);
  expect(at.registry.images.manifests(address)).toHaveLength(7);
  await expectExact();
});

it("stays whole while images are pushed, deleted, expired, mounted, pulled and collected", async () => {
  let isOver = false;
  const until = async (work: (turn: number) => Promise<unknown>): Promise<void> => {
    for (let turn = 0; !isOver; turn++) {
      await work(turn);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  };
  const pushers = Array.from({ length: 6 }, async (_, pusher) => {
    for (let n = 0; n < 12; n++) await push(`layer ${(pusher + n) % 5}`, `t${n % 3}`);
  });
  const background = [
    // Not at every turn: a push needs a moment in which nothing collects without a grace period.
    until(async (turn) => turn % 40 === 0 && (await at.registry.garbage.collect({ graceMs: 0 }))),
    until(() => applyLifecyclePolicies(at.registry, at.store, at.clock.nowMs())),
    until((turn) => {
      const { images } = at.registry;
      const found = images.manifests(address)[turn % 4];
      if (!found) return images.deleteTag(address, "t1");
      return images.deleteManifest(address, found.digest, () => images.listedBy(address, found.digest).length === 0);
    }),
    until(async (turn) => {
      const digest = sha256(`layer ${turn % 5}`);
      const query = `mount=${digest}&from=${ECR_HOST}/${NAME}`;
      const { status } = await at.send("POST", `/v2/copies/blobs/uploads/?${query}`);
      expect([201, 202]).toContain(status);
    }),
    until(async () => {
      const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] as object[] };
      const [one] = at.registry.images.manifests(address);
      if (one) index.manifests.push({ mediaType: OCI_MANIFEST, digest: one.digest, size: one.record.sizeBytes });
      const { status } = await put("multi", JSON.stringify(index), { "content-type": OCI_INDEX });
      expect([201, 400]).toContain(status);
    }),
    until(async (turn) => {
      const reply = await at.send("GET", `${path}/manifests/t${turn % 3}`);
      expect([200, 404]).toContain(reply.status);
      if (reply.status === 200) expect(isDigest(String(reply.headers["docker-content-digest"]))).toBe(true);
    }),
  ];
  await Promise.all(pushers).finally(() => {
    isOver = true;
  });
  await Promise.all(background);
  await expectExact();
});
