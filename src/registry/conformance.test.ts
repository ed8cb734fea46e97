/**
 * What the distribution specification's own conformance program asserts of manifests, data set by data set: push blobs and
 * manifests, list tags, HEAD and GET by digest and tag, referrers with and without filter, deletes that are seen at once.
 * Source: https://github.com/opencontainers/distribution-spec/tree/main/conformance (read in November 2026, not copied).
 * Blobs are in blobs.test.ts, the single rows of manifests in manifests.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  OCI_INDEX,
  OCI_MANIFEST,
  type RegistryFixture,
  sha256,
  sha512,
  startRegistry,
} from "../../test/support/registry-fixture.ts";

const CONFIG_TYPE = "application/vnd.oci.image.config.v1+json";
const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";
const LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip";
const EXAMPLES = ["application/vnd.example.oci.conformance.v1", "application/vnd.example.oci.conformance.v2"] as const;

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [field: string]: unknown;
}

/** What is pushed for one data set, in the order of pushing. */
class DataSet {
  readonly blobs = new Map<string, string>();
  readonly manifests = new Map<string, string>();
  readonly tags = new Map<string, string>();
  readonly referrers = new Map<string, Descriptor[]>();
  readonly digestOf: typeof sha256;
  #count = 0;

  constructor(digestOf: typeof sha256 = sha256) {
    this.digestOf = digestOf;
  }

  blob(mediaType: string, content = `blob ${++this.#count}`): Descriptor {
    const digest = this.digestOf(content);
    this.blobs.set(digest, content);
    return { mediaType, digest, size: content.length };
  }

  image(fields: Record<string, unknown> = {}, tag?: string): Descriptor {
    const config = this.blob(CONFIG_TYPE, `{"config":${++this.#count}}`);
    const layers = [this.blob(LAYER_TYPE), this.blob(LAYER_TYPE)];
    return this.manifest({ mediaType: OCI_MANIFEST, config, layers, ...fields }, tag);
  }

  artifact(artifactType: string, fields: Record<string, unknown> = {}, tag?: string): Descriptor {
    const config = this.blob(EMPTY_TYPE, "{}");
    const note = { "org.opencontainers.conformance": `hello ${++this.#count}` };
    const layers = [this.blob(artifactType)];
    return this.image({ artifactType, config, layers, annotations: note, ...fields }, tag);
  }

  index(manifests: readonly Descriptor[], fields: Record<string, unknown> = {}, tag?: string): Descriptor {
    return this.manifest({ mediaType: OCI_INDEX, manifests, ...fields }, tag);
  }

  manifest(fields: Record<string, unknown>, tag?: string): Descriptor {
    const content = JSON.stringify({ schemaVersion: 2, ...fields });
    const mediaType = String(fields["mediaType"]);
    const descriptor = { mediaType, digest: this.digestOf(content), size: content.length };
    this.manifests.set(descriptor.digest, content);
    if (tag !== undefined) this.tags.set(tag, descriptor.digest);
    const subject = fields["subject"] as Descriptor | undefined;
    if (subject) {
      const artifactType = fields["artifactType"] ?? (fields["config"] as Descriptor | undefined)?.mediaType;
      const annotations = fields["annotations"];
      const entry = {
        ...descriptor,
        ...(artifactType ? { artifactType } : {}),
        ...(annotations ? { annotations } : {}),
      };
      this.referrers.set(subject.digest, [...(this.referrers.get(subject.digest) ?? []), entry]);
    }
    return descriptor;
  }
}

const platforms = (set: DataSet) => [
  { ...set.image(), platform: { os: "linux", architecture: "amd64" } },
  { ...set.image(), platform: { os: "linux", architecture: "arm64" } },
];

/** Name, and what is made for it. */
const DATA_SETS: readonly (readonly [string, (set: DataSet) => void])[] = [
  ["an image", (set) => set.image({}, "image")],
  [
    "an image with uncompressed layers",
    (set) => set.image({ layers: [set.blob("application/vnd.oci.image.layer.v1.tar")] }, "uncompressed"),
  ],
  [
    "a large manifest, 390 annotations of 10,000 bytes",
    (set) => {
      const names = Array.from({ length: 390 }, (_, n) => [`large-annotation-${n}`, "A".repeat(10_000)]);
      set.image({ annotations: Object.fromEntries(names) }, "large");
    },
  ],
  ["an index", (set) => set.index(platforms(set), {}, "index")],
  ["a nested index", (set) => set.index([set.index(platforms(set)), set.index(platforms(set))], {}, "index-of-index")],
  ["an empty index", (set) => set.index([], {}, "empty-index")],
  ["an artifact", (set) => set.artifact(EXAMPLES[0], {}, "artifact")],
  [
    "an artifact index",
    (set) => set.index([set.artifact(EXAMPLES[0])], { artifactType: EXAMPLES[0] }, "artifact-index"),
  ],
  [
    "an artifact without layers",
    (set) => set.artifact(EXAMPLES[0], { layers: [set.blob(EMPTY_TYPE, "{}")] }, "artifact-without-layers"),
  ],
  [
    "artifacts with a subject",
    (set) => {
      const subject = set.image({}, "image");
      set.image({ subject });
      set.artifact(EXAMPLES[0], { subject }, "tagged-artifact1");
      set.artifact(EXAMPLES[1], { subject }, "tagged-artifact2");
    },
  ],
  [
    "an index with a subject",
    (set) => {
      const subject = set.index(platforms(set), {}, "index");
      set.index(platforms(set), { artifactType: EXAMPLES[0], subject, annotations: { a: "b" } }, "tagged-artifact");
    },
  ],
  [
    "a subject that does not exist",
    (set) => {
      const subject = { mediaType: OCI_MANIFEST, size: 123, digest: set.digestOf("missing content") };
      set.artifact(EXAMPLES[0], { subject }, "tagged-artifact");
    },
  ],
  [
    "the data field in descriptors",
    (set) => {
      const config = set.blob(CONFIG_TYPE, "{}");
      set.image({ config: { ...config, data: Buffer.from("{}").toString("base64") } }, "data-field");
    },
  ],
  [
    "layers that are not distributable and not pushed",
    (set) => {
      const digest = set.digestOf("elsewhere");
      const urls = [`https://store.example.com/blobs/${digest}`];
      const kinds = ["nondistributable.v1.tar+gzip", "nondistributable.v1.tar"];
      const away = kinds.map((kind) => ({
        mediaType: `application/vnd.oci.image.layer.${kind}`,
        ...{ digest, size: 123_456, urls },
      }));
      set.image({ layers: [...away, set.blob(LAYER_TYPE)] }, "non-distributable");
    },
  ],
  [
    "fields nobody knows",
    (set) => set.index([set.image({ "org.opencontainers.conformance": "x" })], { unknown: { a: [1] } }, "custom"),
  ],
  ["an image without layers", (set) => set.image({ layers: [] }, "no-layers")],
  [
    "a sparse index",
    (set) => {
      const absent = { mediaType: OCI_MANIFEST, digest: set.digestOf("random"), size: 1024 };
      set.index([set.image(), absent], {}, "sparse-index");
    },
  ],
];

let at: RegistryFixture;
beforeAll(async () => {
  at = await startRegistry();
});
afterAll(() => at.close());

describe.each([
  ["sha256", sha256],
  ["sha512", sha512],
] as const)("conformance under %s", (algorithm, digestOf) => {
  it.each(DATA_SETS)("%s", async (name, make) => {
    const repository = `conformance/${algorithm}/${name.replace(/[^a-z0-9]+/g, "-")}`;
    const set = new DataSet(digestOf);
    make(set);
    await push(repository, set, algorithm === "sha512");
    await list(repository, set);
    await pull(repository, set);
    await refer(repository, set);
    await remove(repository, set);
  });
});

async function push(repository: string, set: DataSet, hasTagParameter: boolean): Promise<void> {
  for (const [digest, content] of set.blobs) {
    const reply = await at.send("POST", `/v2/${repository}/blobs/uploads/?digest=${digest}`, { body: content });
    expect(reply.status).toBe(201);
    expect((await at.send("GET", String(reply.headers.location))).text).toBe(content);
  }
  for (const [digest, content] of set.manifests) {
    const tags = [...set.tags].filter(([, tagged]) => tagged === digest).map(([tag]) => tag);
    // A tag alone means sha256; manifests of other algorithms are tagged with the push by digest.
    const query = hasTagParameter && tags.length > 0 ? `?${tags.map((tag) => `tag=${tag}`).join("&")}` : "";
    const targets = hasTagParameter ? [`${digest}${query}`] : [digest, ...tags];
    for (const target of targets) {
      const { mediaType, subject } = JSON.parse(content);
      const reply = await at.send("PUT", `/v2/${repository}/manifests/${target}`, {
        body: content,
        headers: { "content-type": mediaType },
      });
      expect(reply.status).toBe(201);
      expect(reply.headers["docker-content-digest"]).toBe(digest);
      expect(reply.headers["oci-subject"]).toBe(subject?.digest);
      if (query !== "") expect(reply.headers["oci-tag"]).toBe(tags.join(", "));
      const get = await at.send("GET", String(reply.headers.location));
      expect([get.status, get.text === content, get.headers["content-type"]]).toEqual([200, true, mediaType]);
    }
  }
}

async function list(repository: string, set: DataSet): Promise<void> {
  const tags = [...set.tags.keys()].sort();
  const { json } = await at.send("GET", `/v2/${repository}/tags/list`);
  expect(json).toEqual({ name: repository, tags });
  const last = tags[0] ?? "";
  expect((await at.send("GET", `/v2/${repository}/tags/list?last=${last}`)).json.tags).toEqual(tags.slice(1));
}

async function pull(repository: string, set: DataSet): Promise<void> {
  const references = new Map(
    [...set.manifests.keys(), ...set.tags.keys()].map((name) => [name, set.tags.get(name) ?? name]),
  );
  for (const [reference, digest] of references) {
    const content = set.manifests.get(digest) ?? "";
    for (const method of ["HEAD", "GET"]) {
      const reply = await at.send(method, `/v2/${repository}/manifests/${reference}`);
      expect(reply.status).toBe(200);
      expect(reply.text === (method === "HEAD" ? "" : content)).toBe(true);
      expect(reply.headers).toMatchObject({
        "content-type": JSON.parse(content).mediaType,
        "content-length": String(content.length),
        "docker-content-digest": digest,
      });
    }
  }
  for (const [digest, content] of set.blobs) {
    const head = await at.send("HEAD", `/v2/${repository}/blobs/${digest}`);
    expect([head.status, head.text, head.headers["content-length"]]).toEqual([200, "", String(content.length)]);
    const get = await at.send("GET", `/v2/${repository}/blobs/${digest}`);
    expect([get.status, get.text, get.headers["docker-content-digest"]]).toEqual([200, content, digest]);
  }
}

async function refer(repository: string, set: DataSet): Promise<void> {
  const byDigest = (a: Descriptor, b: Descriptor) => (a.digest < b.digest ? -1 : 1);
  for (const [subject, entries] of set.referrers) {
    const path = `/v2/${repository}/referrers/${subject}`;
    const all = await at.send("GET", path);
    expect([all.status, all.headers["content-type"]]).toEqual([200, OCI_INDEX]);
    expect(all.json).toEqual({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...entries].sort(byDigest) });
    for (const artifactType of new Set(entries.map((entry) => String(entry["artifactType"])))) {
      const some = await at.send("GET", `${path}?artifactType=${encodeURIComponent(artifactType)}`);
      expect(some.headers["oci-filters-applied"]).toBe("artifactType");
      const wanted = entries.filter((entry) => entry["artifactType"] === artifactType);
      expect(some.json.manifests).toEqual(wanted.sort(byDigest));
    }
  }
}

async function remove(repository: string, set: DataSet): Promise<void> {
  const paths = [
    ...[...set.tags.keys()].map((tag) => `manifests/${tag}`),
    ...[...set.manifests.keys()].reverse().map((digest) => `manifests/${digest}`),
    ...[...set.blobs.keys()].map((digest) => `blobs/${digest}`),
  ];
  for (const path of paths) {
    expect((await at.send("DELETE", `/v2/${repository}/${path}`)).status).toBe(202);
    expect((await at.send("HEAD", `/v2/${repository}/${path}`)).status).toBe(404);
  }
  for (const subject of set.referrers.keys()) {
    expect((await at.send("GET", `/v2/${repository}/referrers/${subject}`)).json.manifests).toEqual([]);
  }
}
