/** ECR over the wire, with the unmodified SDK client and unmodified aws CLIs. */
import { createHash } from "node:crypto";
import * as Ecr from "@aws-sdk/client-ecr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { ACCOUNT, clientSettings, type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const sha256 = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

let kiln: StartedEndpoint;
let ecr: Ecr.ECR;

beforeAll(async () => {
  kiln = await startEndpoint();
  ecr = new Ecr.ECR(clientSettings(kiln.url));
});

afterAll(async () => {
  ecr.destroy();
  await kiln.close();
});

describe("the SDK client", () => {
  it("makes, describes and deletes repositories", async () => {
    const { repository } = await ecr.createRepository({ repositoryName: "team/app", imageTagMutability: "IMMUTABLE" });
    expect(repository).toMatchObject({
      repositoryArn: `arn:aws:ecr:us-east-1:${ACCOUNT}:repository/team/app`,
      registryId: ACCOUNT,
      repositoryUri: `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/team/app`,
      imageTagMutability: "IMMUTABLE",
    });
    expect(repository?.createdAt).toBeInstanceOf(Date);
    expect((await ecr.describeRepositories({})).repositories).toEqual([repository]);
    await expect(ecr.createRepository({ repositoryName: "team/app" })).rejects.toBeInstanceOf(
      Ecr.RepositoryAlreadyExistsException,
    );
    await ecr.deleteRepository({ repositoryName: "team/app" });
    await expect(ecr.describeRepositories({ repositoryNames: ["team/app"] })).rejects.toBeInstanceOf(
      Ecr.RepositoryNotFoundException,
    );
  });

  it("gives a token that opens the registry", async () => {
    const { authorizationData } = await ecr.getAuthorizationToken({});
    const token = authorizationData?.[0]?.authorizationToken ?? "";
    expect(Buffer.from(token, "base64").toString()).toMatch(/^AWS:/);
    expect(authorizationData?.[0]?.expiresAt).toBeInstanceOf(Date);
    const answer = await fetch(`${kiln.url}/v2/`, { headers: { authorization: `Basic ${token}` } });
    expect(answer.status).toBe(200);
  });

  it("takes the manifest of pushed layers as an image and gives it back", async () => {
    const repositoryName = "layers";
    await ecr.createRepository({ repositoryName });
    const { authorizationData } = await ecr.getAuthorizationToken({});
    const headers = { authorization: `Basic ${authorizationData?.[0]?.authorizationToken}` };
    const uploads = `${kiln.url}/v2/${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/${repositoryName}/blobs/uploads/`;
    const upload = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
      const started = await fetch(uploads, { method: "POST", headers });
      const place = new URL(started.headers.get("location") ?? "", kiln.url);
      place.searchParams.set("digest", sha256(bytes));
      expect((await fetch(place, { method: "PUT", headers, body: bytes })).status).toBe(201);
      return sha256(bytes);
    };
    const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
    const layer = Buffer.from("not really a layer");
    const imageManifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        size: config.length,
        digest: await upload(config),
      },
      layers: [
        { mediaType: "application/vnd.oci.image.layer.v1.tar", size: layer.length, digest: await upload(layer) },
      ],
    });
    await ecr.putImage({ repositoryName, imageManifest, imageTag: "v1" });
    const got = await ecr.batchGetImage({ repositoryName, imageIds: [{ imageTag: "v1" }, { imageTag: "v2" }] });
    expect(got.images?.[0]).toMatchObject({
      imageManifest,
      imageId: { imageDigest: sha256(Buffer.from(imageManifest)) },
    });
    expect(got.failures).toMatchObject([{ failureCode: "ImageNotFound" }]);
    expect((await ecr.listImages({ repositoryName })).imageIds).toMatchObject([{ imageTag: "v1" }]);
  });
});

const clis = findAwsClis();

describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  it("makes a repository and signs in", async () => {
    const name = `cli-${cli.major}`;
    const run = (...args: string[]) => runAws(cli, kiln.url, ["ecr", ...args]);
    const created = await run("create-repository", "--repository-name", name);
    expect(created.stderr).toBe("");
    expect(JSON.parse(created.stdout).repository.repositoryUri).toBe(
      `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/${name}`,
    );
    const described = await run("describe-repositories", "--repository-names", name);
    expect(JSON.parse(described.stdout).repositories).toHaveLength(1);
    const token = await run("get-authorization-token");
    expect(JSON.parse(token.stdout).authorizationData[0].authorizationToken).toMatch(/^[A-Za-z0-9+/]+=*$/);
    if (cli.major >= 2) expect((await run("get-login-password")).stdout.trim()).not.toBe("");
    const again = await run("create-repository", "--repository-name", name);
    expect(again.stderr).toContain(
      "An error occurred (RepositoryAlreadyExistsException) when calling the CreateRepository operation:",
    );
    const removed = await run("delete-repository", "--repository-name", name, "--force");
    expect(removed.exitCode).toBe(0);
  });
});
