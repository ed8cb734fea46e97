import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EcrFixture, startEcr } from "../../../../test/support/ecr-fixture.ts";
import { ECR_HOST, sha256 } from "../../../../test/support/registry-fixture.ts";

const repositoryName = "app";
const PART_BYTES = 5 * 1024 * 1024;
let ecr: EcrFixture;
let uploadId: string;
beforeEach(async () => {
  ecr = await startEcr();
  await ecr.call("CreateRepository", { repositoryName });
  ({ uploadId } = await ecr.call("InitiateLayerUpload", { repositoryName }));
});
afterEach(() => ecr.at.close());

const part = (partFirstByte: number, layerPartBlob: Uint8Array) => ({
  ...{ repositoryName, uploadId, partFirstByte, partLastByte: partFirstByte + layerPartBlob.length - 1, layerPartBlob },
});

describe("a layer through the JSON API", () => {
  it("comes in parts, is completed, and is read at a pre-signed address", async () => {
    const [first, last] = [Buffer.alloc(PART_BYTES, "a"), Buffer.from("end")];
    const layerDigest = sha256(Buffer.concat([first, last]));
    expect(await ecr.call("UploadLayerPart", part(0, first))).toEqual({
      ...{ registryId: "000000000000", repositoryName, uploadId, lastByteReceived: PART_BYTES - 1 },
    });
    await ecr.call("UploadLayerPart", part(PART_BYTES, last));
    expect(await ecr.call("CompleteLayerUpload", { repositoryName, uploadId, layerDigests: [layerDigest] })).toEqual({
      ...{ registryId: "000000000000", repositoryName, uploadId, layerDigest },
    });
    expect(
      await ecr.call("BatchCheckLayerAvailability", {
        ...{ repositoryName, layerDigests: [layerDigest, sha256("missing"), "nonsense", ""] },
      }),
    ).toEqual({
      layers: [
        { layerDigest, layerAvailability: "AVAILABLE", layerSize: PART_BYTES + 3 },
        { layerDigest: sha256("missing"), layerAvailability: "UNAVAILABLE" },
      ],
      failures: [
        {
          layerDigest: "nonsense",
          failureCode: "InvalidLayerDigest",
          failureReason: "Invalid request parameters: layer digest is not a digest",
        },
        {
          failureCode: "MissingLayerDigest",
          failureReason: "Invalid request parameters: layer digest cannot be empty",
        },
      ],
    });
    const { downloadUrl } = await ecr.call("GetDownloadUrlForLayer", { repositoryName, layerDigest });
    expect(downloadUrl).toMatch(new RegExp(`^${ecr.at.url}/v2/_kiln/layers/[\\w-]+$`));
    const path = downloadUrl.slice(ecr.at.url.length);
    expect((await ecr.at.send("GET", path, { auth: null })).body.length).toBe(PART_BYTES + 3);
    const range = await ecr.at.send("GET", path, { auth: null, headers: { range: `bytes=${PART_BYTES}-` } });
    expect([range.status, range.text]).toEqual([206, "end"]);
    ecr.at.clock.advance(60 * 60 * 1000);
    const late = await ecr.at.send("GET", path, { auth: null });
    expect([late.status, late.json.errors[0].message]).toEqual([403, "Request has expired"]);
    const forged = await ecr.at.send("GET", `${path.slice(0, -2)}xx`, { auth: null });
    expect(forged.status).toBe(403);
    const docker = await ecr.at.send("HEAD", `/v2/${ECR_HOST}/app/blobs/${layerDigest}`);
    expect(docker.headers["content-length"]).toBe(String(PART_BYTES + 3));
  });

  it("says in ECR's words what is wrong", async () => {
    const complete = (layerDigest: string) =>
      ecr.failure("CompleteLayerUpload", { repositoryName, uploadId, layerDigests: [layerDigest] });
    expect(await complete(sha256("x"))).toMatch(/^EmptyUploadException: /);
    await ecr.call("UploadLayerPart", part(0, Buffer.from("x")));
    await expect(ecr.call("UploadLayerPart", part(5, Buffer.from("y")))).rejects.toMatchObject({
      code: "InvalidLayerPartException",
      extra: { registryId: "000000000000", repositoryName, uploadId, lastValidByteReceived: 0 },
    });
    expect(await ecr.failure("UploadLayerPart", { ...part(1, Buffer.from("y")), partLastByte: 7 })).toMatch(
      /^InvalidParameterException: /,
    );
    expect(await complete(sha256("y"))).toMatch(/^InvalidLayerException: /);
    await ecr.call("CompleteLayerUpload", { repositoryName, uploadId, layerDigests: [sha256("x")] });
    expect(await complete(sha256("x"))).toMatch(/^UploadNotFoundException: /);
    ({ uploadId } = await ecr.call("InitiateLayerUpload", { repositoryName }));
    await ecr.call("UploadLayerPart", part(0, Buffer.from("x")));
    expect(await complete(sha256("x"))).toMatch(/^LayerAlreadyExistsException: /);
    ({ uploadId } = await ecr.call("InitiateLayerUpload", { repositoryName }));
    await ecr.call("UploadLayerPart", part(0, Buffer.from("small")));
    await ecr.call("UploadLayerPart", part(5, Buffer.from("last")));
    expect(await complete(sha256("smalllast"))).toMatch(/^LayerPartTooSmallException: /);
    const other = { repositoryName: "other" };
    await ecr.call("CreateRepository", other);
    expect(await ecr.failure("UploadLayerPart", { ...part(9, Buffer.from("z")), ...other })).toMatch(
      /^UploadNotFoundException: /,
    );
    expect(await ecr.failure("GetDownloadUrlForLayer", { repositoryName, layerDigest: sha256("none") })).toMatch(
      /^LayersNotFoundException: /,
    );
  });
});
