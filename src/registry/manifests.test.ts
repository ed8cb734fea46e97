import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  type RegistryFixture,
  sha256,
  sha512,
  startRegistry,
} from "../../test/support/registry-fixture.ts";

let at: RegistryFixture;
beforeAll(async () => {
  at = await startRegistry();
});
afterAll(() => at.close());

const put = (path: string, manifest: unknown, mediaType = OCI_MANIFEST) =>
  at.send("PUT", path, {
    body: typeof manifest === "string" ? manifest : JSON.stringify(manifest),
    headers: { "content-type": mediaType },
  });

const errorOf = (reply: { json: { errors: { code: string; message: string; detail: unknown }[] } }) =>
  reply.json.errors[0];

describe("manifests", () => {
  it("are pulled by tag and digest with type, length and the exact bytes", async () => {
    const { digest, manifest, reply } = await pushImage(at, "exact", "v1", { unknownField: { kept: [1, 2] } });
    expect(reply.status).toBe(201);
    expect(reply.headers.location).toBe(`/v2/exact/manifests/${digest}`);
    expect(reply.headers["docker-content-digest"]).toBe(digest);
    for (const reference of ["v1", digest]) {
      const get = await at.send("GET", `/v2/exact/manifests/${reference}`);
      expect(get.status).toBe(200);
      expect(get.text).toBe(manifest);
      expect(get.headers["content-type"]).toBe(OCI_MANIFEST);
      expect(get.headers["docker-content-digest"]).toBe(digest);
      const head = await at.send("HEAD", `/v2/exact/manifests/${reference}`);
      expect(head.status).toBe(200);
      expect(head.headers["content-length"]).toBe(String(manifest.length));
      expect(head.headers["content-type"]).toBe(OCI_MANIFEST);
    }
  });

  it("can be pushed by digest, also under sha512", async () => {
    expect((await pushImage(at, "by-digest", "@")).reply.status).toBe(201);
    const { manifest } = await pushImage(at, "by-digest", "v1");
    const digest = sha512(manifest);
    expect((await put(`/v2/by-digest/manifests/${digest}`, manifest)).status).toBe(201);
    const get = await at.send("GET", `/v2/by-digest/manifests/${digest}`);
    expect(get.text).toBe(manifest);
    expect(get.headers["docker-content-digest"]).toBe(digest);
  });

  it("may be large", async () => {
    const annotations = Object.fromEntries(Array.from({ length: 390 }, (_, i) => [`note-${i}`, "x".repeat(10_000)]));
    const { digest, manifest, reply } = await pushImage(at, "large", "v1", { annotations });
    expect(manifest.length).toBeGreaterThan(3_900_000);
    expect(reply.status).toBe(201);
    const get = await at.send("GET", `/v2/large/manifests/${digest}`);
    expect(sha256(get.body)).toBe(digest);
  });

  it("larger than 4 MiB are refused with 413", async () => {
    const reply = await put("/v2/large/manifests/too-large", `{"x":"${"x".repeat(4 * 1024 * 1024)}"}`);
    expect(reply.status).toBe(413);
    expect(errorOf(reply)?.message).toBe("manifest is larger than the registry takes");
  });

  it("may be an index, a nested index, an empty index", async () => {
    const { digest, manifest } = await pushImage(at, "index", "v1");
    const child = { mediaType: OCI_MANIFEST, digest, size: manifest.length };
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [child] });
    expect((await put("/v2/index/manifests/list", index, OCI_INDEX)).status).toBe(201);
    const nested = {
      schemaVersion: 2,
      manifests: [{ mediaType: OCI_INDEX, digest: sha256(index), size: index.length }],
    };
    expect((await put("/v2/index/manifests/nested", nested, OCI_INDEX)).status).toBe(201);
    expect((await put("/v2/index/manifests/empty", { schemaVersion: 2, manifests: [] }, OCI_INDEX)).status).toBe(201);
    const get = await at.send("GET", "/v2/index/manifests/list");
    expect(get.text).toBe(index);
    expect(get.headers["content-type"]).toBe(OCI_INDEX);
  });

  it("may be artifacts, without layers or with layers that are never pushed", async () => {
    await pushBlob(at, "artifacts", "{}");
    const config = { mediaType: "application/vnd.oci.empty.v1+json", digest: sha256("{}"), size: 2, data: "e30=" };
    const artifact = { schemaVersion: 2, artifactType: "application/x.test", config, layers: [] };
    expect((await put("/v2/artifacts/manifests/bare", artifact)).status).toBe(201);
    const foreign = {
      mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
      digest: sha256("elsewhere"),
      size: 9,
    };
    expect((await put("/v2/artifacts/manifests/foreign", { ...artifact, layers: [foreign] })).status).toBe(201);
  });

  it("must refer to blobs of their own repository", async () => {
    await pushImage(at, "blob-owner", "v1");
    const manifest = {
      schemaVersion: 2,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha256("{}"), size: 2 },
      layers: [],
    };
    const reply = await put("/v2/blob-stranger/manifests/v1", manifest);
    expect(reply.status).toBe(400);
    expect(errorOf(reply)).toEqual({
      code: "MANIFEST_BLOB_UNKNOWN",
      message: "manifest blob unknown to registry",
      detail: { digest: sha256("{}") },
    });
  });

  it("may list manifests that are not here only in an index of a local repository", async () => {
    const index = { schemaVersion: 2, manifests: [{ mediaType: OCI_MANIFEST, digest: sha256("none"), size: 4 }] };
    expect((await put("/v2/sparse/manifests/v1", index, OCI_INDEX)).status).toBe(201);
    expect((await at.send("GET", `/v2/sparse/manifests/${sha256("none")}`)).status).toBe(404);
    const atHub = await put("/v2/docker.io/me/sparse/manifests/v1", index, OCI_INDEX);
    expect(errorOf(atHub)?.code).toBe("MANIFEST_BLOB_UNKNOWN");
  });

  it.each([
    ["not JSON", "{", "manifest invalid: the body is not JSON"],
    ["a list", "[]", "manifest invalid: the body is not a JSON object"],
    ["without config", '{"schemaVersion":2,"layers":[]}', "manifest invalid: `config.digest` is not a digest"],
    ["of schema 1", '{"schemaVersion":1}', "manifest invalid: schemaVersion is not 2"],
    [
      "of two media types",
      `{"schemaVersion":2,"mediaType":"${OCI_INDEX}"}`,
      `manifest invalid: the manifest says mediaType \`${OCI_INDEX}\`, the Content-Type is \`${OCI_MANIFEST}\``,
    ],
  ])("are refused when %s", async (_name, body, message) => {
    const reply = await put("/v2/invalid/manifests/v1", body);
    expect(reply.status).toBe(400);
    expect(errorOf(reply)).toMatchObject({ code: "MANIFEST_INVALID", message });
  });

  it("are refused when a size is wrong or the media type is unknown", async () => {
    await pushBlob(at, "invalid", "{}");
    const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha256("{}"), size: 3 };
    expect(errorOf(await put("/v2/invalid/manifests/v1", { schemaVersion: 2, config, layers: [] }))?.message).toBe(
      `manifest invalid: ${sha256("{}")} has 2 bytes, the manifest says 3`,
    );
    const reply = await put("/v2/invalid/manifests/v1", "{}", "text/plain");
    expect(errorOf(reply)?.message).toMatch(
      /^manifest invalid: manifest media type `text\/plain` is not supported; expected /,
    );
  });

  it("are refused under a digest that is wrong or none", async () => {
    const { manifest } = await pushImage(at, "bad-digest", "v1");
    for (const reference of [sha256("other"), "sha256:baddigeststring"]) {
      const reply = await put(`/v2/bad-digest/manifests/${reference}`, manifest);
      expect(reply.status).toBe(400);
      expect(errorOf(reply)?.code).toBe("DIGEST_INVALID");
    }
    expect((await at.send("GET", "/v2/bad-digest/manifests/sha256:baddigeststring")).status).toBe(404);
    expect(errorOf(await put("/v2/bad-digest/manifests/-dash", manifest))).toMatchObject({
      code: "TAG_INVALID",
      message: "`-dash` is not a legal tag",
    });
  });

  it("that are missing answer 404 MANIFEST_UNKNOWN, without a body for HEAD", async () => {
    for (const reference of ["nothing", sha256("nothing")]) {
      const reply = await at.send("GET", `/v2/exact/manifests/${reference}`);
      expect(reply.status).toBe(404);
      expect(errorOf(reply)).toMatchObject({ code: "MANIFEST_UNKNOWN", message: "manifest unknown" });
      expect((await at.send("HEAD", `/v2/exact/manifests/${reference}`)).body).toHaveLength(0);
    }
  });

  it("move tags, and stay reachable by digest", async () => {
    const first = await pushImage(at, "moving", "latest");
    const second = await pushImage(at, "moving", "latest", { annotations: { build: "2" } });
    expect((await at.send("GET", "/v2/moving/manifests/latest")).text).toBe(second.manifest);
    expect((await at.send("GET", `/v2/moving/manifests/${first.digest}`)).status).toBe(200);
  });

  it("are deleted by tag alone, or by digest with all their tags", async () => {
    const { digest, manifest } = await pushImage(at, "deleted", "a");
    await put("/v2/deleted/manifests/b", manifest);
    expect((await at.send("DELETE", "/v2/deleted/manifests/a")).status).toBe(202);
    expect((await at.send("GET", "/v2/deleted/manifests/a")).status).toBe(404);
    expect((await at.send("GET", `/v2/deleted/manifests/${digest}`)).status).toBe(200);
    expect((await at.send("DELETE", `/v2/deleted/manifests/${digest}`)).status).toBe(202);
    expect((await at.send("GET", "/v2/deleted/manifests/b")).status).toBe(404);
    expect((await at.send("GET", `/v2/deleted/manifests/${digest}`)).status).toBe(404);
    expect((await at.send("DELETE", `/v2/deleted/manifests/${digest}`)).status).toBe(404);
  });
});

describe("tags", () => {
  it("are listed in order and in pages", async () => {
    const { manifest } = await pushImage(at, "tags", "c");
    for (const tag of ["a", "d", "b"]) await put(`/v2/tags/manifests/${tag}`, manifest);
    expect((await at.send("GET", "/v2/tags/tags/list")).json).toEqual({ name: "tags", tags: ["a", "b", "c", "d"] });
    const page = await at.send("GET", "/v2/tags/tags/list?n=2");
    expect(page.json.tags).toEqual(["a", "b"]);
    expect(page.headers["link"]).toBe('</v2/tags/tags/list?n=2&last=b>; rel="next"');
    const last = await at.send("GET", "/v2/tags/tags/list?n=2&last=b");
    expect(last.json.tags).toEqual(["c", "d"]);
    expect(last.headers["link"]).toBeUndefined();
    expect((await at.send("GET", "/v2/tags/tags/list?last=c")).json.tags).toEqual(["d"]);
    expect((await at.send("GET", "/v2/tags/tags/list?n=0")).json.tags).toEqual([]);
    const wrong = await at.send("GET", "/v2/tags/tags/list?n=many");
    expect(wrong.status).toBe(400);
    expect(errorOf(wrong)?.message).toBe("invalid number of results requested");
  });

  it("of an unknown repository answer 404 NAME_UNKNOWN", async () => {
    const reply = await at.send("GET", "/v2/never-pushed/tags/list");
    expect(reply.status).toBe(404);
    expect(errorOf(reply)).toMatchObject({ code: "NAME_UNKNOWN", message: "repository name not known to registry" });
  });
});

describe("referrers", () => {
  it("of a digest nobody refers to are an empty index with 200", async () => {
    const reply = await at.send("GET", `/v2/never-pushed/referrers/${sha256("unknown")}`);
    expect(reply.status).toBe(200);
    expect(reply.headers["content-type"]).toBe(OCI_INDEX);
    expect(reply.json).toEqual({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
    expect((await at.send("GET", "/v2/never-pushed/referrers/sha256:bad")).status).toBe(400);
  });

  it("carry type, annotations and artifact type, can be filtered, and go when deleted", async () => {
    const missing = { mediaType: OCI_MANIFEST, digest: sha256("a subject that does not exist"), size: 7 };
    const signature = await pushImage(at, "referrers", "@", {
      subject: missing,
      artifactType: "application/x.signature",
      annotations: { by: "me" },
    });
    expect(signature.reply.status).toBe(201);
    expect(signature.reply.headers["oci-subject"]).toBe(missing.digest);
    const image = await pushImage(at, "referrers", "@", { subject: missing });
    const path = `/v2/referrers/referrers/${missing.digest}`;
    const all = await at.send("GET", path);
    expect(all.json.manifests.map((entry: { digest: string }) => entry.digest).sort()).toEqual(
      [signature.digest, image.digest].sort(),
    );
    const filtered = await at.send("GET", `${path}?artifactType=application/x.signature`);
    expect(filtered.headers["oci-filters-applied"]).toBe("artifactType");
    expect(filtered.json.manifests).toEqual([
      {
        mediaType: OCI_MANIFEST,
        digest: signature.digest,
        size: signature.manifest.length,
        artifactType: "application/x.signature",
        annotations: { by: "me" },
      },
    ]);
    await at.send("DELETE", `/v2/referrers/manifests/${signature.digest}`);
    const left = await at.send("GET", path);
    expect(left.json.manifests).toEqual([
      expect.objectContaining({ artifactType: "application/vnd.oci.image.config.v1+json", digest: image.digest }),
    ]);
  });

  it("may be an index", async () => {
    const subject = { mediaType: OCI_MANIFEST, digest: sha256("indexed"), size: 7 };
    const reply = await put(
      "/v2/referrers/manifests/by-index",
      { schemaVersion: 2, artifactType: "application/x.bundle", manifests: [], subject },
      OCI_INDEX,
    );
    expect(reply.headers["oci-subject"]).toBe(subject.digest);
    const list = await at.send("GET", `/v2/referrers/referrers/${subject.digest}`);
    expect(list.json.manifests[0]).toMatchObject({ mediaType: OCI_INDEX, artifactType: "application/x.bundle" });
  });
});

describe("every answer", () => {
  it("names the API version, and errors are JSON", async () => {
    for (const [method, path, status] of [
      ["GET", "/v2/", 200],
      ["GET", "/v2/UPPER/tags/list", 400],
      ["GET", "/v2/a/b", 404],
      ["GET", "/v2/%zz/tags/list", 404],
      ["PUT", "/v2/app/tags/list", 405],
    ] as const) {
      const reply = await at.send(method, path);
      expect([path, reply.status]).toEqual([path, status]);
      expect(reply.headers["docker-distribution-api-version"]).toBe("registry/2.0");
      expect(reply.headers["content-type"]).toBe("application/json");
      if (status >= 400) expect(errorOf(reply)?.code).toMatch(/^[A-Z_]+$/);
    }
  });
});
