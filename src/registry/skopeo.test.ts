/** The registry against a client that is not ours: skopeo copies an OCI layout in and out. Skipped where it is absent. */
import { execFile, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  DEPLOYER,
  ECR_HOST,
  OCI_INDEX,
  OCI_MANIFEST,
  type RegistryFixture,
  SCOPE,
  sha256,
  startRegistry,
} from "../../test/support/registry-fixture.ts";

const run = promisify(execFile);
const hasSkopeo = spawnSync("skopeo", ["--version"]).status === 0;
if (!hasSkopeo) process.stderr.write("skipped: skopeo is not installed\n");

let at: RegistryFixture;
let folder = "";
beforeAll(async () => {
  at = await startRegistry();
  folder = await mkdtemp(join(tmpdir(), "kiln-skopeo-"));
});
afterAll(async () => {
  await at.close();
  await rm(folder, { recursive: true, force: true });
});

/** An OCI layout with one image of two layers; returns the manifest's digest. */
async function makeLayout(layout: string): Promise<string> {
  const blobs = join(layout, "blobs", "sha256");
  await mkdir(blobs, { recursive: true });
  const add = async (content: string | Buffer, mediaType: string) => {
    const digest = sha256(content);
    await writeFile(join(blobs, digest.slice(7)), content);
    return { mediaType, digest, size: Buffer.byteLength(content) };
  };
  const layers = [Buffer.alloc(10_240, 0), Buffer.alloc(1_000_448, 0)];
  const diffIds = layers.map((layer) => sha256(layer));
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: diffIds },
    config: {},
  });
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: await add(config, "application/vnd.oci.image.config.v1+json"),
    layers: await Promise.all(layers.map((layer) => add(layer, "application/vnd.oci.image.layer.v1.tar"))),
  });
  const entry = await add(manifest, OCI_MANIFEST);
  const annotations = { "org.opencontainers.image.ref.name": "v1" };
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ ...entry, annotations }] };
  await writeFile(join(layout, "index.json"), JSON.stringify(index));
  await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  return entry.digest;
}

const skopeo = (...args: string[]) =>
  run("skopeo", ["--insecure-policy", ...args], { env: { ...process.env, HOME: folder } });

const STAND_INS = ["docker.io", "public.ecr.aws", "registry.example.com"];

describe.skipIf(!hasSkopeo)("skopeo", () => {
  it.each([
    ["a local repository, as root", "team/app", () => "test:test"],
    ["the stand-in of Docker Hub, with an account", "docker.io/me/app", () => "me:secret"],
    ["the stand-in of ECR Public, with an account", "public.ecr.aws/me/app", () => "me:secret"],
    ["the stand-in of any other registry, with an account", "registry.example.com/me/app", () => "me:secret"],
    [
      "an ECR repository, with a token",
      `${ECR_HOST}/app`,
      () => `AWS:${at.registry.issueEcrToken(DEPLOYER, SCOPE).password}`,
    ],
  ])("copies an image to %s and back with the same digests", async (_name, repository, credentials) => {
    const Statement = [{ Effect: "Allow", Action: "ecr:*", Resource: "*" }];
    at.policies = [{ name: "ecr", document: { Version: "2012-10-17", Statement } }];
    await at.createEcrRepository("app");
    for (const host of STAND_INS) await at.registry.accounts.declare(host, "me", "secret");
    const source = join(folder, `${repository.replace(/\W/g, "-")}-in`);
    const target = join(folder, `${repository.replace(/\W/g, "-")}-out`);
    const digest = await makeLayout(source);
    const image = `docker://${new URL(at.url).host}/${repository}:v1`;
    const creds = credentials();
    await skopeo(
      "copy",
      "--dest-tls-verify=false",
      "--dest-creds",
      creds,
      "--preserve-digests",
      `oci:${source}:v1`,
      image,
    );
    expect((await at.registry.manifest(`${repository}:v1`))?.digest).toBe(digest);
    await skopeo(
      "copy",
      "--src-tls-verify=false",
      "--src-creds",
      creds,
      "--preserve-digests",
      image,
      `oci:${target}:v1`,
    );
    for (const name of await readdir(join(source, "blobs", "sha256"))) {
      expect(sha256(await readFile(join(target, "blobs", "sha256", name)))).toBe(`sha256:${name}`);
    }
    const tags = await skopeo("list-tags", "--tls-verify=false", "--creds", creds, image.replace(/:v1$/, ""));
    expect(JSON.parse(tags.stdout).Tags).toEqual(["v1"]);
  });

  it("is refused with a wrong password", async () => {
    await at.registry.accounts.declare("docker.io", "me", "secret");
    const source = join(folder, "refused");
    await makeLayout(source);
    const image = `docker://${new URL(at.url).host}/docker.io/me/app:v1`;
    await expect(
      skopeo("copy", "--dest-tls-verify=false", "--dest-creds", "me:wrong", `oci:${source}:v1`, image),
    ).rejects.toMatchObject({ stderr: expect.stringContaining("unauthorized: incorrect username or password") });
  });

  it("is told who may not push", async () => {
    await at.createEcrRepository("closed");
    // A refused HEAD has no body to print, so the first denial is made to meet the POST.
    const Statement = [{ Effect: "Allow", Action: "ecr:BatchCheckLayerAvailability", Resource: "*" }];
    at.policies = [{ name: "look", document: { Version: "2012-10-17", Statement } }];
    const source = join(folder, "closed");
    await makeLayout(source);
    const creds = `AWS:${at.registry.issueEcrToken(DEPLOYER, SCOPE).password}`;
    const image = `docker://${new URL(at.url).host}/${ECR_HOST}/closed:v1`;
    await expect(
      skopeo("copy", "--dest-tls-verify=false", "--dest-creds", creds, `oci:${source}:v1`, image),
    ).rejects.toMatchObject({
      stderr: expect.stringContaining("is not authorized to perform: ecr:InitiateLayerUpload on resource:"),
    });
  });
});
