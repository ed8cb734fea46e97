import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  type RegistryFixture,
  sha256,
  startRegistry,
} from "../../test/support/registry-fixture.ts";
import { HOUR_MS } from "../core/clock.ts";

const CONFIG = sha256("{}");
const layerOf = (name: string): string => sha256(`layer of ${name}`);

let at: RegistryFixture;
beforeEach(async () => {
  at = await startRegistry();
});
afterEach(() => at.close());

const collect = (graceMs = HOUR_MS) => at.registry.garbage.collect({ graceMs });
const statusOf = async (path: string): Promise<number> => (await at.send("GET", `/v2/${path}`)).status;
const isStored = (digest: string): boolean => at.store.blobs.hasNow(digest);
/** Bytes the registry says it has. */
const usedBytes = (): number => at.registry.records.usage.get([])?.bytes ?? 0;

async function deleteImage(name: string, digest: string): Promise<void> {
  expect((await at.send("DELETE", `/v2/${name}/manifests/${digest}`)).status).toBe(202);
}

describe("garbage collection", () => {
  it("frees the bytes of a deleted image once the grace period is over", async () => {
    const { digest, manifest } = await pushImage(at, "app", "v1");
    await deleteImage("app", digest);
    expect(await collect()).toEqual({
      links: 0,
      blobs: 0,
      freedBytes: 0,
      uploads: 0,
      waitingBytes: expect.any(Number),
    });
    expect(await statusOf(`app/blobs/${CONFIG}`)).toBe(200);
    at.clock.advance(HOUR_MS + 1);
    const freedBytes = 2 + "layer of app".length + manifest.length;
    expect(await collect()).toEqual({ links: 2, blobs: 3, freedBytes, uploads: 0, waitingBytes: 0 });
    expect([CONFIG, layerOf("app"), digest].some(isStored)).toBe(false);
    expect(await statusOf(`app/blobs/${CONFIG}`)).toBe(404);
    expect(usedBytes()).toBe(0);
  });

  it("keeps what any manifest uses, however old", async () => {
    const { digest } = await pushImage(at, "app", "v1");
    at.clock.advance(1000 * HOUR_MS);
    expect(await collect(0)).toMatchObject({ links: 0, blobs: 0 });
    expect(await statusOf(`app/manifests/${digest}`)).toBe(200);
    expect(await statusOf(`app/blobs/${layerOf("app")}`)).toBe(200);
  });

  it("keeps an image that lost its tags, as ECR does: only a delete or a lifecycle policy ends it", async () => {
    const { digest } = await pushImage(at, "app", "v1");
    await pushImage(at, "app", "v1", { annotations: { build: "2" } });
    const untagged = await pushImage(at, "app", "v2", { annotations: { build: "3" } });
    expect((await at.send("DELETE", "/v2/app/manifests/v2")).status).toBe(202);
    at.clock.advance(1000 * HOUR_MS);
    expect(await collect(0)).toMatchObject({ links: 0, blobs: 0 });
    expect(await statusOf(`app/manifests/${digest}`)).toBe(200);
    expect(await statusOf(`app/manifests/${untagged.digest}`)).toBe(200);
  });

  it("keeps a blob for the other images and repositories that have it", async () => {
    const first = await pushImage(at, "one", "v1");
    await pushImage(at, "two", "v1");
    await pushImage(at, "one", "v2", { annotations: { second: "image" } });
    await deleteImage("one", first.digest);
    at.clock.advance(2 * HOUR_MS);
    expect(await collect()).toMatchObject({ links: 0, blobs: 1 });
    expect(await statusOf(`one/blobs/${layerOf("one")}`)).toBe(200);
    expect(await at.registry.images.deleteRepository(addressOf("one"), { withImages: true })).toBe(true);
    at.clock.advance(2 * HOUR_MS);
    expect(await collect()).toMatchObject({ blobs: 2 });
    expect(isStored(layerOf("one"))).toBe(false);
    expect(await statusOf(`two/blobs/${CONFIG}`)).toBe(200);
  });

  it("frees blobs that no manifest ever used, but not while their repository is being pushed to", async () => {
    const digest = await pushBlob(at, "app", "left alone");
    at.clock.advance(2 * HOUR_MS);
    const upload = await at.send("POST", "/v2/app/blobs/uploads/");
    expect(await collect()).toMatchObject({ blobs: 0, waitingBytes: "left alone".length });
    expect((await at.send("DELETE", String(upload.headers.location))).status).toBe(204);
    expect(await collect()).toMatchObject({ links: 1, blobs: 1, freedBytes: "left alone".length });
    expect(isStored(digest)).toBe(false);
  });

  it("gives a blob that a pusher asked for another grace period", async () => {
    const digest = await pushBlob(at, "app", "asked for");
    at.clock.advance(2 * HOUR_MS);
    expect((await at.send("HEAD", `/v2/app/blobs/${digest}`)).status).toBe(200);
    expect(await collect()).toMatchObject({ blobs: 0 });
    expect(await statusOf(`app/blobs/${digest}`)).toBe(200);
  });

  it("keeps an index's images, its referrers and what an index lists that is not here", async () => {
    const child = await pushImage(at, "app", "@");
    const entry = { mediaType: OCI_MANIFEST, digest: child.digest, size: child.manifest.length };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] });
    await at.send("PUT", "/v2/app/manifests/all", { body: index, headers: { "content-type": OCI_INDEX } });
    const referrer = await pushImage(at, "app", "@", { subject: entry, artifactType: "application/x.signature" });
    at.clock.advance(2 * HOUR_MS);
    expect(await collect()).toMatchObject({ links: 0, blobs: 0 });
    expect(await statusOf(`app/manifests/${referrer.digest}`)).toBe(200);
    expect(await statusOf(`app/manifests/${sha256(index)}`)).toBe(200);
  });

  it("only tells what it would do in a dry run", async () => {
    const { digest } = await pushImage(at, "app", "v1");
    await deleteImage("app", digest);
    at.clock.advance(2 * HOUR_MS);
    const planned = await at.registry.garbage.collect({ isDryRun: true });
    expect(isStored(digest)).toBe(true);
    expect(await collect()).toEqual(planned);
    expect(planned).toMatchObject({ links: 2, blobs: 3 });
  });

  it("drops uploads nobody finished, with bytes that were published for them and never linked", async () => {
    const started = await at.send("POST", "/v2/app/blobs/uploads/");
    await at.send("PATCH", String(started.headers.location), { body: "unfinished" });
    // A process that was killed between publishing a blob and linking it leaves this.
    const orphan = await at.store.blobs.upload("9f2a4b1c-0000-4000-8000-0123456789ab");
    await orphan.append(chunks("orphan"));
    await orphan.publish(sha256("orphan"));
    at.clock.advance(Date.parse("2100-01-01") - at.clock.nowMs());
    expect(await collect()).toMatchObject({ uploads: 2 });
    expect(await at.store.blobs.uploads()).toEqual([]);
    at.clock.advance(2 * HOUR_MS);
    expect(await collect()).toMatchObject({ blobs: 1, freedBytes: "orphan".length });
    expect(isStored(sha256("orphan"))).toBe(false);
  });

  it("runs by itself when images are pushed", async () => {
    const { digest } = await pushImage(at, "app", "v1");
    await deleteImage("app", digest);
    at.clock.advance(25 * HOUR_MS);
    await pushBlob(at, "other", "a push");
    for (let tries = 0; tries < 1000 && isStored(digest); tries++) await new Promise((done) => setImmediate(done));
    expect(isStored(digest)).toBe(false);
  });
});

it("counts what an older Kiln stored before it frees anything", async () => {
  const { digest } = await pushImage(at, "app", "v1");
  const { records } = at.registry;
  await at.store.write(() => {
    for (const collection of [records.uses, records.blobs, records.usage, records.meta]) {
      for (const { key } of collection.list([])) collection.delete(key);
    }
    for (const { key, value } of records.blobLinks.list([])) {
      records.blobLinks.put(key, { sizeBytes: value.sizeBytes });
    }
  });
  const again = await restarted(at);
  expect(await again.garbage.collect({ graceMs: 0 })).toMatchObject({ links: 0, blobs: 0 });
  expect(await statusOf(`app/blobs/${CONFIG}`)).toBe(200);
  expect(records.blobs.get([digest])?.owners).toBe(1);
});

it("never loses a blob that is pushed again while it is collected", async () => {
  const path = `/v2/app/blobs/${sha256("contended")}`;
  const push = () => at.send("POST", `/v2/app/blobs/uploads/?digest=${sha256("contended")}`, { body: "contended" });
  for (let round = 0; round < 30; round++) {
    const collections = Array.from({ length: 5 }, async () => {
      for (let times = 0; times < 3; times++) await collect(0);
    });
    const [pushed] = await Promise.all([push(), ...collections]);
    expect(pushed.status).toBe(201);
    expect((await at.send("GET", path)).status).toBe(200);
    await at.send("DELETE", path);
  }
});

it("stores bytes again that were collected between their publishing and their linking", async () => {
  const digest = await pushBlob(at, "app", "taken away");
  await at.send("DELETE", `/v2/app/blobs/${digest}`);
  const { hasNow } = at.store.blobs;
  let isTaken = false;
  at.store.blobs.hasNow = (asked) => {
    // The first look finds what a collection of another process has just left: nothing.
    if (!isTaken) {
      isTaken = true;
      at.store.blobs.deleteNow(asked);
    }
    return hasNow.call(at.store.blobs, asked);
  };
  expect(await pushBlob(at, "app", "taken away")).toBe(digest);
  expect((await at.send("GET", `/v2/app/blobs/${digest}`)).text).toBe("taken away");
});

const addressOf = (name: string) => ({ host: "local", name, fullName: name });

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Another registry over the same store, as after a restart. */
async function restarted(fixture: RegistryFixture) {
  const { createRegistry } = await import("./registry.ts");
  const { systemIds } = await import("../core/ids.ts");
  const { store, clock, authorize } = fixture;
  return createRegistry({
    store,
    clock,
    ids: systemIds,
    scope: { partition: "aws", region: "us-east-1", accountId: "000000000000" },
    identity: { findAccessKey: () => undefined, isGone: () => false },
    authorize,
    endpointUrl: () => fixture.url,
  });
}
