import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { basic, ECR_HOST, OCI_INDEX, OCI_MANIFEST, sha256 } from "../../test/support/registry-fixture.ts";
import { type Kiln, startKiln } from "../app.ts";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

let folder = "";
let state = "state";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-registry-cli-"));
  state = "state";
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function kiln(...argv: string[]) {
  const io = memoryIo({ cwd: folder });
  const exitCode = await runCli(["registry", ...argv, "--state-dir", join(folder, state)], io);
  return { exitCode, out: io.written(), err: io.complained() };
}

async function withState<T>(work: (kiln: Kiln) => Promise<T>): Promise<T> {
  const open = await startKiln({ stateDir: join(folder, state), port: 0 });
  try {
    return await work(open);
  } finally {
    await open.close();
  }
}

const descriptor = (mediaType: string, content: string, more: object = {}) => ({
  mediaType,
  digest: sha256(content),
  size: content.length,
  ...more,
});

async function put(open: Kiln, path: string, body: string, mediaType?: string): Promise<void> {
  const isBlob = mediaType === undefined;
  const reply = await fetch(`${open.url}/v2/${path}`, {
    method: isBlob ? "POST" : "PUT",
    headers: { authorization: basic("test:test"), ...(isBlob ? {} : { "content-type": mediaType }) },
    body,
  });
  expect([path, reply.status, await reply.text()]).toEqual([path, 201, ""]);
}

/** Pushes an image of one layer; gives its manifest. */
async function pushImage(open: Kiln, name: string, reference: string, fields: object = {}): Promise<string> {
  const config = `{"os":"linux"}`;
  const layer = `layer for ${reference}`;
  for (const blob of [config, layer]) await put(open, `${name}/blobs/uploads/?digest=${sha256(blob)}`, blob);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: descriptor("application/vnd.oci.image.config.v1+json", config),
    layers: [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    ...fields,
  });
  await put(open, `${name}/manifests/${reference === "@" ? sha256(manifest) : reference}`, manifest, OCI_MANIFEST);
  return manifest;
}

/** An index of two platforms with a signature of it, under `me/app:all`. */
const pushIndex = () =>
  withState(async (open) => {
    const platforms = ["amd64", "arm64"].map((architecture) => ({ os: "linux", architecture }));
    const manifests = [];
    for (const platform of platforms) {
      const manifest = await pushImage(open, "me/app", platform.architecture);
      manifests.push(descriptor(OCI_MANIFEST, manifest, { platform }));
    }
    const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
    await put(open, "me/app/manifests/all", index, OCI_INDEX);
    const subject = descriptor(OCI_INDEX, index);
    const signature = await pushImage(open, "me/app", "@", { subject, artifactType: "application/x.signature" });
    return { index, manifests, signature };
  });

describe("kiln registry show", () => {
  it("prints platforms, referrers and what lists an image", async () => {
    const { index, manifests, signature } = await pushIndex();
    const shown = await kiln("show", "me/app:all");
    expect(shown.exitCode).toBe(0);
    expect(shown.out).toContain(`me/app@${sha256(index)}\n`);
    expect(shown.out).toContain(`${manifests[1]?.digest}  linux/arm64\n`);
    expect(shown.out).toContain(`referrer  ${sha256(signature)}  application/x.signature`);
    const child = JSON.parse((await kiln("show", "me/app:amd64", "-o", "json")).out);
    expect(child).toMatchObject({ tags: ["amd64"], listedBy: [sha256(index)], referrers: [] });
    expect(child.layers).toHaveLength(1);
  });

  it("names the nearest image when there is none of that name", async () => {
    await withState((open) => pushImage(open, "me/app", "1.2"));
    const { exitCode, err } = await kiln("show", "me/ap:1.2");
    expect(exitCode).toBe(1);
    expect(err).toContain("there is no image `me/ap:1.2`; the nearest is `me/app:1.2`");
    expect(err).toContain("see them with `kiln registry ls`");
  });

  it.each(["busybox", "busybox:1"])("names the whole name of `%s`, as docker shortens it", async (short) => {
    await withState((open) => pushImage(open, "docker.io/library/busybox", "1"));
    const { err } = await kiln("show", short);
    expect(err).toContain(`there is no image \`${short}\`; the nearest is \`docker.io/library/busybox:1\``);
  });
});

describe("kiln registry rm and gc", () => {
  it("remove a tag, then the image with its last tag, then its bytes", async () => {
    const digest = await withState(async (open) => {
      await pushImage(open, "app", "one");
      const found = open.registry.images.find(addressOf("app"), "one");
      await open.store.write(() =>
        open.registry.records.tags.put(["local", "app", "two"], { digest: found?.digest ?? "" }),
      );
      return found?.digest;
    });
    expect((await kiln("rm", "app:two")).err).toContain("removed the tag app:two");
    const last = await kiln("rm", "app:one", "-o", "json");
    const removed = { repository: "app", digest, tag: "one" };
    expect(JSON.parse(last.out)).toEqual({ removed, isImageGone: true });
    const early = await kiln("gc");
    expect(early.out).toBe("freed 0 B: 0 blobs, 0 unfinished uploads\n");
    expect(early.err).toContain("have not been unneeded for 1h yet");
    const planned = await kiln("gc", "--grace", "0s", "--dry-run");
    expect(planned.out).toMatch(/^would free \d+ B: 3 blobs/);
    const freed = JSON.parse((await kiln("gc", "--grace", "0s", "-o", "json")).out);
    expect(freed).toMatchObject({ links: 2, blobs: 3, waitingBytes: 0, isDryRun: false });
    expect(await withState(async (open) => open.store.blobs.hasNow(digest ?? ""))).toBe(false);
  });

  it("keep an image that an index lists, unless forced", async () => {
    const { index } = await pushIndex();
    const kept = await kiln("rm", "me/app:amd64");
    expect(kept.exitCode).toBe(1);
    expect(kept.err).toContain(`\`me/app:amd64\` is part of 1 image of several platforms: \`${sha256(index)}\``);
    expect((await kiln("rm", "me/app:amd64", "--force")).exitCode).toBe(0);
  });

  it("go through ECR's API for its repositories", async () => {
    await withState(async (open) => {
      await open.root.call("ecr", "CreateRepository", { repositoryName: "app" });
      await pushImage(open, `${ECR_HOST}/app`, "v1");
    });
    expect((await kiln("rm", `${ECR_HOST}/app:v1`)).exitCode).toBe(0);
    const left = await withState(async (open) => open.root.call("ecr", "ListImages", { repositoryName: "app" }));
    expect(left).toEqual({ imageIds: [] });
  });

  it("say how to write a duration", async () => {
    const { exitCode, err } = await kiln("gc", "--grace", "soon");
    expect(exitCode).toBe(2);
    expect(err).toContain("`soon` is not a duration");
  });
});

describe("kiln registry export and import", () => {
  it.each(["layout", "layout.tar"])("carry an index with its referrers through %s", async (path) => {
    const { index, signature } = await pushIndex();
    const written = await kiln("export", path, "me/app:all");
    expect([written.exitCode, written.err]).toEqual([0, expect.stringContaining("wrote 1 image, 8 blobs, to ")]);
    state = "other";
    const imported = await kiln("import", path, "-o", "json");
    expect(JSON.parse(imported.out)).toEqual({ images: [{ name: "me/app:all", digest: sha256(index) }] });
    const shown = JSON.parse((await kiln("show", "me/app:all", "-o", "json")).out);
    expect(shown.manifests.map((each: { isHere: boolean }) => each.isHere)).toEqual([true, true]);
    expect(shown.referrers.map((each: { digest: string }) => each.digest)).toEqual([sha256(signature)]);
    expect(existsSync(join(folder, "layout.tar.partial"))).toBe(false);
  });

  it("import under another name, also into ECR", async () => {
    await withState((open) => pushImage(open, "app", "v1"));
    await kiln("export", "out", "app:v1");
    expect(readFileSync(join(folder, "out/oci-layout"), "utf8")).toBe('{"imageLayoutVersion":"1.0.0"}');
    await withState((open) => open.root.call("ecr", "CreateRepository", { repositoryName: "copy" }));
    const imported = await kiln("import", "out", "--as", `${ECR_HOST}/copy:v2`);
    expect(imported.out).toMatch(new RegExp(`^${ECR_HOST}/copy:v2  sha256:`));
    const refused = await kiln("import", "out", "--as", `${ECR_HOST}/missing:v2`);
    expect(refused.exitCode).toBe(1);
    expect(refused.err).toContain(
      "the registry refuses what is in `out`: The repository with name 'missing' does not exist",
    );
  });

  it("refuse what is no layout, damaged, or reaches out of its folder", async () => {
    expect((await kiln("import", "nothing")).err).toContain("there is no such file or folder");
    writeFileSync(join(folder, "index.json"), JSON.stringify({ manifests: [{ digest: "sha256:../../secret" }] }));
    const outside = await kiln("import", ".", "--as", "app:v1");
    expect([outside.exitCode, outside.err]).toEqual([
      2,
      expect.stringContaining("`sha256:../../secret` is not a digest"),
    ]);
    await withState((open) => pushImage(open, "app", "v1"));
    await kiln("export", "out", "app:v1");
    writeFileSync(join(folder, "out/blobs/sha256", sha256("layer for v1").slice(7)), "layer for vX");
    state = "other";
    const damaged = await kiln("import", "out");
    expect([damaged.exitCode, damaged.err]).toEqual([
      1,
      expect.stringContaining("the registry refuses what is in `out`"),
    ]);
    expect((await kiln("ls", "-o", "json")).out).toContain('"imageCount": 0');
  });

  it("say where a layout cannot be written", async () => {
    await withState((open) => pushImage(open, "me/app", "1"));
    writeFileSync(join(folder, "taken"), "");
    for (const path of ["taken", "absent/x.tar"]) {
      const { exitCode, err } = await kiln("export", path, "me/app:1");
      expect(exitCode).toBe(1);
      expect(err).toContain(`cannot write to \`${join(folder, path)}\``);
      expect(err).not.toContain("bug");
    }
  });
});

const addressOf = (name: string) => ({ host: "local", name, fullName: name });
