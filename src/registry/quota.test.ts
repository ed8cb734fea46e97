import { afterEach, expect, it } from "vitest";
import {
  ECR_HOST,
  pushBlob,
  pushImage,
  type RegistryFixture,
  type Reply,
  sha256,
  startRegistry,
} from "../../test/support/registry-fixture.ts";

let at: RegistryFixture;
afterEach(() => at.close());

const push = (name: string, content: string): Promise<Reply> =>
  at.send("POST", `/v2/${name}/blobs/uploads/?digest=${sha256(content)}`, { body: content });

const refusal = (what: string, limitBytes: number, usedBytes: number, moreBytes: number) => ({
  errors: [
    {
      code: "DENIED",
      message: `the ${what} may hold ${limitBytes} bytes, has ${usedBytes} and would get ${moreBytes} more; delete images and run \`kiln registry gc\`, or raise the limit`,
      detail: { limitBytes, usedBytes, moreBytes },
    },
  ],
});

it("refuses with 403 and a text what would make a repository larger than its quota", async () => {
  at = await startRegistry({ quota: { repositoryBytes: 10 } });
  expect((await push("app", "12345678")).status).toBe(201);
  const reply = await push("app", "abc");
  expect(reply.status).toBe(403);
  expect(reply.json).toEqual(refusal("repository", 10, 8, 3));
  expect((await push("other", "abc")).status).toBe(201);
  await expect.poll(() => at.store.blobs.uploads()).toEqual([]);
});

it("counts a blob once for the whole registry, and again in each repository", async () => {
  at = await startRegistry({ quota: { totalBytes: 10 } });
  expect((await push("one", "12345678")).status).toBe(201);
  const mounted = await at.send("POST", `/v2/two/blobs/uploads/?mount=${sha256("12345678")}&from=one`);
  expect(mounted.status).toBe(201);
  expect((await push("three", "abc")).json).toEqual(refusal("registry", 10, 8, 3));
});

it("does not let a blob in that does not say its length and is too long", async () => {
  at = await startRegistry({ quota: { repositoryBytes: 1000 } });
  const { headers } = await at.send("POST", "/v2/app/blobs/uploads/");
  const chunks = (async function* () {
    for (let n = 0; n < 5; n++) yield Buffer.alloc(300);
  })();
  const reply = await at.send("PATCH", String(headers.location), { body: chunks });
  expect(reply.status).toBe(403);
  expect(reply.json.errors[0].code).toBe("DENIED");
  expect((await at.send("GET", String(headers.location))).status).toBe(404);
});

it("holds for manifests too, and frees what a collection frees", async () => {
  at = await startRegistry({ quota: { totalBytes: 500 } });
  const { digest, reply } = await pushImage(at, "app", "v1");
  expect(reply.status).toBe(201);
  const second = await pushImage(at, "app", "v2", { annotations: { long: "x".repeat(100) } });
  expect(second.reply.status).toBe(403);
  expect(second.reply.json.errors[0].message).toMatch(
    /^the registry may hold 500 bytes, has \d+ and would get \d+ more/,
  );
  await at.send("DELETE", `/v2/app/manifests/${digest}`);
  at.clock.advance(2 * 60 * 60 * 1000);
  await at.registry.garbage.collect();
  expect(at.registry.records.usage.get([])?.bytes).toBe(0);
  expect((await pushImage(at, "app", "v1")).reply.status).toBe(201);
});

it("says the same of an ECR repository, where clients print it", async () => {
  at = await startRegistry({ quota: { repositoryBytes: 4 } });
  await at.createEcrRepository("app");
  const reply = await push(`${ECR_HOST}/app`, "too much");
  expect(reply.status).toBe(403);
  expect(reply.json).toEqual(refusal("repository", 4, 0, 8));
});

it("frees what came without HTTP and found no room", async () => {
  at = await startRegistry({ quota: { repositoryBytes: 4 } });
  await at.createEcrRepository("app");
  const address = at.registry.reference(`${ECR_HOST}/app:v1`)?.address;
  if (!address) throw new Error("no address");
  const content = Buffer.from("too much");
  const stored = at.registry.images.storeBlob(address, sha256("too much"), async function* () {
    yield content;
  });
  await expect(stored).rejects.toMatchObject({ code: "DENIED" });
  const { layerUploads } = at.registry.ecr;
  const layer = Buffer.from("too much, too");
  const uploadId = await layerUploads.start(address);
  await layerUploads.append(address, uploadId, { firstByte: 0, bytes: layer });
  const completed = layerUploads.complete(address, uploadId, sha256(layer.toString()));
  await expect(completed).rejects.toMatchObject({ code: "DENIED" });
  expect(at.registry.records.usage.get([])?.bytes).toBe(content.length + layer.length);
  at.clock.advance(2 * 60 * 60 * 1000);
  expect(await at.registry.garbage.collect()).toMatchObject({ blobs: 2, freedBytes: content.length + layer.length });
  expect(at.store.blobs.hasNow(sha256("too much"))).toBe(false);
});

it("has no limit unless one is set", async () => {
  at = await startRegistry();
  await pushBlob(at, "app", "x".repeat(100_000));
  expect(at.registry.records.usage.get(["local", "app"])?.bytes).toBe(100_000);
});
