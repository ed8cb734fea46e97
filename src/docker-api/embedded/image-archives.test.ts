/** `docker save` and `docker load`: what the one writes the other reads, and other tools too. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { busyboxRootTar } from "../../../test/support/busybox-image.ts";
import {
  type DockerClient,
  type DockerFixture,
  openDockerFixture,
  smallDocker,
} from "../../../test/support/docker-fixture.ts";

const rootTar = await busyboxRootTar();
const run = promisify(execFile);

describe.skipIf(!rootTar)("image archives", () => {
  let at: DockerFixture;
  let docker: DockerClient;
  let dir: string;
  beforeAll(async () => {
    at = await openDockerFixture();
    docker = smallDocker(at.socket);
    dir = join(at.dir, "work/archives");
    await mkdir(dir);
    await writeFile(join(dir, "root.tar"), rootTar ?? "");
    await docker(["import", "-c", "CMD echo hello", join(dir, "root.tar"), "bb:1"]);
    await docker(["tag", "bb:1", "me/other:2"]);
    await docker(["save", "-o", join(dir, "saved.tar"), "bb:1", "me/other:2"]);
    await run("tar", ["-xf", join(dir, "saved.tar"), "-C", dir]);
  });
  afterAll(() => at.close());
  const forget = () => docker(["rmi", "-f", "bb:1", "me/other:2"]);
  const json = async (name: string) => JSON.parse(await readFile(join(dir, name), "utf8")) as unknown;

  it("are docker's manifest.json and an OCI layout at once", async () => {
    expect(await json("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
    expect(await json("manifest.json")).toMatchObject([{ RepoTags: ["bb:1"] }, { RepoTags: ["me/other:2"] }]);
    const index = (await json("index.json")) as {
      manifests: { digest: string; annotations: Record<string, string> }[];
    };
    expect(index.manifests.map(({ annotations }) => annotations["io.containerd.image.name"])).toEqual([
      "docker.io/library/bb:1",
      "docker.io/me/other:2",
    ]);
    const manifest = (await json(`blobs/${index.manifests[0]?.digest.replace(":", "/")}`)) as {
      config: { digest: string };
    };
    expect((await docker(["inspect", "-f", "{{.Id}}", "bb:1"])).out).toBe(`${manifest.config.digest}\n`);
  });

  it("load with their names, gzipped too", async () => {
    await forget();
    await run("gzip", ["-kf", join(dir, "saved.tar")]);
    expect((await docker(["load", "-i", join(dir, "saved.tar.gz")])).out).toBe(
      "Loaded image: bb:1\nLoaded image: me/other:2\n",
    );
    expect((await docker(["run", "--rm", "bb:1"])).out).toBe("hello\n");
  });

  it("load from an OCI layout alone", async () => {
    await forget();
    await run("tar", ["-cf", join(dir, "oci.tar"), "-C", dir, "oci-layout", "index.json", "blobs"]);
    expect((await docker(["load", "-i", join(dir, "oci.tar")])).out).toBe(
      "Loaded image: bb:1\nLoaded image: me/other:2\n",
    );
    expect((await docker(["run", "--rm", "me/other:2"])).out).toBe("hello\n");
  });

  it("say what they are not", async () => {
    await run("tar", ["-cf", join(dir, "none.tar"), "-C", dir, "oci-layout"]);
    expect((await docker(["load", "-i", join(dir, "none.tar")])).err).toContain("it is not what `docker save` writes");
    expect((await docker(["load", "-i", join(dir, "absent.tar")])).err).toBe(
      `open ${join(dir, "absent.tar")}: no such file or directory\n`,
    );
  });

  it.skipIf(!existsSync("/usr/bin/skopeo"))("are read by skopeo, both ways", async () => {
    for (const source of [`docker-archive:${join(dir, "saved.tar")}:bb:1`, `oci-archive:${join(dir, "oci.tar")}:2`]) {
      const { stdout } = await run("skopeo", ["inspect", "--config", source]);
      expect(JSON.parse(stdout)).toMatchObject({ config: { Cmd: ["/bin/sh", "-c", "echo hello"] } });
    }
  });
});
