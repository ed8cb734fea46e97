/** Requests nobody's client sends: each gets an answer of the distribution API, and the registry goes on. */
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  basic,
  OCI_INDEX,
  OCI_MANIFEST,
  pushBlob,
  pushImage,
  type RegistryFixture,
  sha256,
  startRegistry,
} from "../../test/support/registry-fixture.ts";
import { registryRefusal } from "./index.ts";

let at: RegistryFixture;
beforeAll(async () => {
  at = await startRegistry();
});
afterAll(() => at.close());

/** One request whose path goes out exactly as written. */
function rawPath(method: string, path: string): Promise<{ status: number; version: unknown; text: string }> {
  const { hostname, port } = new URL(at.url);
  return new Promise((resolve, reject) => {
    const options = { hostname, port, path, method, agent: false, headers: { authorization: basic("test:test") } };
    httpRequest(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => {
        const version = response.headers["docker-distribution-api-version"];
        resolve({ status: response.statusCode ?? 0, version, text });
      });
    })
      .on("error", reject)
      .end();
  });
}

it.each([
  ["GET", "/v2/../etc/passwd", 404, "UNSUPPORTED"],
  ["GET", "/v2/a/../b/tags/list", 400, "NAME_INVALID"],
  ["GET", "/v2/%2e%2e/%2e%2e/tags/list", 400, "NAME_INVALID"],
  ["GET", "/v2/a%2f..%2fb/tags/list", 400, "NAME_INVALID"],
  ["GET", "/v2/a%00b/tags/list", 400, "NAME_INVALID"],
  ["GET", "/v2/%zz/tags/list", 404, "UNSUPPORTED"],
  ["GET", "/v2//tags/list", 404, "UNSUPPORTED"],
  ["GET", "/v2/Upper/tags/list", 400, "NAME_INVALID"],
  ["GET", `/v2/${"a/".repeat(200)}a/tags/list`, 400, "NAME_INVALID"],
  ["GET", "/v2/constructor/__proto__/tags/list", 400, "NAME_INVALID"],
  ["GET", "/v2/a/blobs/sha256:../../../kiln.db", 404, "UNSUPPORTED"],
  ["GET", "/v2/a/blobs/sha256:..%2f..%2fkiln.db", 404, "UNSUPPORTED"],
  ["GET", `/v2/a/blobs/md5:${"0".repeat(32)}`, 404, "BLOB_UNKNOWN"],
  ["GET", `/v2/a/manifests/${"t".repeat(129)}`, 404, "MANIFEST_UNKNOWN"],
  ["GET", "/v2/a/manifests/sha256:baddigeststring", 404, "MANIFEST_UNKNOWN"],
  ["PUT", "/v2/a/manifests/sha256:baddigeststring", 400, "DIGEST_INVALID"],
  ["GET", "/v2/a/referrers/sha256:baddigeststring", 400, "DIGEST_INVALID"],
  ["PUT", "/v2/a/blobs/uploads/..%2f..%2fkiln.db?digest=x", 404, "UNSUPPORTED"],
  ["PUT", "/v2/a/blobs/uploads/..?digest=x", 404, "BLOB_UPLOAD_UNKNOWN"],
  ["GET", "/v2/_catalog?n=-1", 400, "PAGINATION_NUMBER_INVALID"],
  ["GET", "/v2/_catalog?n=1e9", 400, "PAGINATION_NUMBER_INVALID"],
  ["PATCH", "/v2/a/tags/list", 405, "UNSUPPORTED"],
] as const)("%s %s", async (method, path, status, code) => {
  const reply = await rawPath(method, path);
  expect(reply.status).toBe(status);
  expect(reply.version).toBe("registry/2.0");
  expect(JSON.parse(reply.text).errors[0].code).toBe(code);
});

it("reads JSON however deep, and refuses what is no manifest", async () => {
  const deep = `${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}`;
  const headers = { "content-type": OCI_MANIFEST };
  const reply = await at.send("PUT", "/v2/deep/manifests/v1", { body: deep, headers });
  expect(reply.status).toBe(400);
  expect(reply.json.errors[0].code).toBe("MANIFEST_INVALID");
  const inside = await at.send("PUT", "/v2/deep/manifests/v1", {
    body: `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":[],"unknown":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
    headers: { "content-type": OCI_INDEX },
  });
  expect(inside.status).toBe(201);
});

it("takes a manifest of 10,000 layers, and frees them all", async () => {
  const digest = await pushBlob(at, "layers", "one layer");
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: 9 };
  const { reply } = await pushImage(at, "layers", "v1", { layers: Array.from({ length: 10_000 }, () => layer) });
  expect(reply.status).toBe(201);
  expect((await at.send("DELETE", `/v2/layers/manifests/${sha256(reply.text)}`)).status).toBe(404);
  const deleted = await at.send("DELETE", `/v2/layers/manifests/${reply.headers["docker-content-digest"]}`);
  expect(deleted.status).toBe(202);
});

it("gives a great many tags, repositories and referrers in pages that join up", async () => {
  const { digest } = await pushImage(at, "many", "v1");
  const { records } = at.registry;
  const names = Array.from({ length: 25_000 }, (_, n) => `t${String(n).padStart(6, "0")}`);
  await at.store.write(() => {
    for (const name of names) records.tags.put(["local", "many", name], { digest });
    for (const name of names.slice(0, 11_000)) records.repositories.put(["local", `z-${name}`], { createdAtMs: 0 });
  });
  expect((await joined("/v2/many/tags/list", (json) => json.tags)).filter((tag) => tag !== "v1")).toEqual(names);
  const repositories = await joined("/v2/_catalog?n=4000", (json) => json.repositories);
  expect(repositories.filter((name) => name.startsWith("z-"))).toHaveLength(11_000);
  const subject = { mediaType: OCI_MANIFEST, digest, size: 1 };
  const pushed: string[] = [];
  for (let n = 0; n < 12; n++) {
    // Each has 900 kB of annotations: an answer holds four.
    const annotations = { n: String(n), filler: "x".repeat(900_000) };
    pushed.push((await pushImage(at, "many", "@", { subject, annotations, artifactType: "application/x" })).digest);
  }
  const path = `/v2/many/referrers/${digest}?artifactType=${encodeURIComponent("application/x")}`;
  const sizes: number[] = [];
  const found = await joined(path, (json) => {
    sizes.push(json.manifests.length);
    return json.manifests.map((entry: { digest: string }) => entry.digest);
  });
  expect(found).toEqual(pushed.sort());
  expect(sizes).toEqual([4, 4, 4]);
});

// biome-ignore lint/suspicious/noExplicitAny: whatever the answer has
async function joined(first: string, entries: (json: any) => string[]): Promise<string[]> {
  const all: string[] = [];
  for (let path: string | undefined = first; path !== undefined; ) {
    const reply = await at.send("GET", path);
    expect(reply.status).toBe(200);
    all.push(...entries(reply.json));
    path = /^<(.+)>; rel="next"$/.exec(String(reply.headers["link"] ?? ""))?.[1];
  }
  return all;
}

it("lists referrers that came under the fallback tag of clients without a referrers API", async () => {
  const { digest } = await pushImage(at, "fallback", "v1");
  const signature = await pushImage(at, "fallback", "@", { artifactType: "application/x.signature" });
  const entry = { mediaType: OCI_MANIFEST, digest: signature.digest, size: signature.manifest.length };
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] });
  const tag = digest.replace(":", "-");
  await at.send("PUT", `/v2/fallback/manifests/${tag}`, { body: index, headers: { "content-type": OCI_INDEX } });
  const { json } = await at.send("GET", `/v2/fallback/referrers/${digest}`);
  expect(json.manifests).toEqual([{ ...entry, artifactType: "application/x.signature" }]);
});

it("says what the endpoint refuses before the registry sees it in the registry's form", () => {
  const { headers, body } = registryRefusal(431, "the headers of the request are larger than 16384 bytes");
  expect(body).toBe(
    '{"errors":[{"code":"UNSUPPORTED","message":"the headers of the request are larger than 16384 bytes","detail":null}]}',
  );
  expect(headers).toEqual({
    "docker-distribution-api-version": "registry/2.0",
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  });
  expect(JSON.parse(registryRefusal(403, "no").body).errors[0].code).toBe("DENIED");
});
