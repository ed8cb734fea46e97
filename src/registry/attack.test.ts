/**
 * A caller who may not, by every way there is: other spellings of a host, forged and foreign tokens, other repositories'
 * blobs, uploads and layer addresses. Nothing is read, nothing is changed, and the process lives on.
 */
import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  basic,
  DEPLOYER,
  ECR_HOST,
  OCI_MANIFEST,
  type PushedImage,
  pushBlob,
  pushImage,
  type RegistryFixture,
  SCOPE,
  sha256,
  startRegistry,
} from "../../test/support/registry-fixture.ts";
import { DEFAULT_ECR_SETTINGS } from "./ecr/templates.ts";

const HIDDEN = `${ECR_HOST}/hidden`;
const OPEN = `${ECR_HOST}/open`;
const LAYER = sha256(`layer of ${HIDDEN}`);

let at: RegistryFixture;
let image: PushedImage;
beforeEach(async () => {
  at = await startRegistry();
  for (const name of ["hidden", "open"]) await at.createEcrRepository(name);
  image = await pushImage(at, HIDDEN, "v1");
  may("open");
});
afterEach(() => at.close());

/** Everything, in one repository. */
function may(name: string): void {
  const Resource = `arn:aws:ecr:us-east-1:000000000000:repository/${name}`;
  const Statement = [{ Effect: "Allow", Action: "ecr:*", Resource }];
  at.policies = [{ name: "inline policy p of user deployer", document: { Version: "2012-10-17", Statement } }];
}
const ecrToken = (): string => `AWS:${at.registry.issueEcrToken(DEPLOYER, SCOPE).password}`;
const statusOf = async (method: string, path: string, options: Parameters<RegistryFixture["send"]>[2] = {}) =>
  (await at.send(method, path, { auth: ecrToken(), ...options })).status;

describe("a caller without permission", () => {
  const manifests = (host: string) => `/v2/${host}/hidden/manifests/v1`;
  it.each([
    manifests(ECR_HOST),
    manifests(ECR_HOST.toUpperCase()),
    manifests(`${ECR_HOST}.`),
    manifests(`${ECR_HOST}:443`),
    manifests(`${ECR_HOST}:80`),
    manifests("000000000000.dkr-ecr.us-east-1.on.aws"),
    manifests("000000000000.dkr.ecr-fips.us-east-1.amazonaws.com"),
    `/v2/${ECR_HOST}%2Fhidden%2Fmanifests%2Fv1`,
    `/v2/${ECR_HOST.replaceAll(".", "%2e")}/hidden/manifests/v1`,
    `/v2/${HIDDEN}/referrers/${sha256("x")}`,
    `/v2/${HIDDEN}/tags/list`,
    `/v2/${HIDDEN}/blobs/${LAYER}`,
  ])("is denied %s", async (path) => {
    expect([await statusOf("GET", path), await statusOf("GET", path, { auth: null })]).toEqual([403, 401]);
  });

  it.each([
    { host: ECR_HOST },
    { host: ECR_HOST.toUpperCase() },
    { host: `${ECR_HOST}.` },
    { host: `${ECR_HOST}:4566` },
    { host: ECR_HOST, "x-forwarded-host": "127.0.0.1" },
  ])("is denied at %j", async (headers) => {
    const paths = ["manifests/v1", "tags/list", `blobs/${LAYER}`];
    for (const path of paths) expect(await statusOf("GET", `/v2/hidden/${path}`, { headers })).toBe(403);
    expect(await statusOf("GET", "/v2/_catalog", { headers })).toBe(403);
  });

  it("finds nothing of it under names that are none of this registry's", async () => {
    const nowhere = [
      `/v2/${ECR_HOST}:5000/hidden/manifests/v1`,
      `/v2/${ECR_HOST}.evil.com/hidden/manifests/v1`,
      `/v2/a.b/..%2f${ECR_HOST}/hidden/manifests/v1`,
    ];
    for (const path of nowhere) expect([400, 401, 403]).toContain(await statusOf("GET", path));
    const forwarded = { "x-forwarded-host": ECR_HOST, forwarded: `host=${ECR_HOST}` };
    expect(await statusOf("GET", "/v2/hidden/manifests/v1", { headers: forwarded })).toBe(404);
  });

  it("reads no blob, manifest or referrers by a digest it knows, through a repository of its own", async () => {
    await pushImage(at, HIDDEN, "@", { subject: { mediaType: OCI_MANIFEST, digest: image.digest, size: 1 } });
    for (const path of [`blobs/${LAYER}`, `manifests/${image.digest}`]) {
      expect([path, await statusOf("GET", `/v2/${OPEN}/${path}`)]).toEqual([path, 404]);
      expect([path, await statusOf("HEAD", `/v2/${OPEN}/${path}`)]).toEqual([path, 404]);
    }
    expect(
      (await at.send("GET", `/v2/${OPEN}/referrers/${image.digest}`, { auth: ecrToken() })).json.manifests,
    ).toEqual([]);
    const stolen = await at.send("PUT", `/v2/${OPEN}/manifests/v1`, {
      ...{ auth: ecrToken(), body: image.manifest, headers: { "content-type": OCI_MANIFEST } },
    });
    expect([stolen.status, stolen.json.errors[0].code]).toEqual([400, "MANIFEST_BLOB_UNKNOWN"]);
  });

  it.each(["hidden", HIDDEN, `${ECR_HOST}./hidden`, ""])("mounts no layer from %j", async (from) => {
    await at.store.write(() =>
      at.registry.records.ecr.registries.put([SCOPE.accountId, SCOPE.region], {
        settings: { BLOB_MOUNTING: "ENABLED" },
      }),
    );
    const query = `mount=${LAYER}${from && `&from=${encodeURIComponent(from)}`}`;
    const reply = await at.send("POST", `/v2/${OPEN}/blobs/uploads/?${query}`, { auth: ecrToken() });
    expect(reply.status).toBe(202);
    expect(await statusOf("HEAD", `/v2/${OPEN}/blobs/${LAYER}`)).toBe(404);
  });

  it("makes no repository by asking for an upload that never began", async () => {
    const Statement = [{ Effect: "Allow", Action: "ecr:*", Resource: "*" }];
    at.policies = [{ name: "all", document: { Version: "2012-10-17", Statement } }];
    const settings = { ...DEFAULT_ECR_SETTINGS };
    await at.store.write(() =>
      at.registry.records.ecr.templates.put([SCOPE.accountId, SCOPE.region, "ROOT"], {
        ...{ createdAtMs: 0, updatedAtMs: 0, appliedFor: ["CREATE_ON_PUSH"], settings },
      }),
    );
    const upload = `/v2/${ECR_HOST}/new/blobs/uploads/11111111-1111-4111-8111-111111111111`;
    for (const method of ["GET", "PATCH", "DELETE"]) expect(await statusOf(method, upload)).toBe(404);
    expect(at.registry.records.repositories.has([ECR_HOST, "new"])).toBe(false);
    expect(await statusOf("POST", `/v2/${ECR_HOST}/new/blobs/uploads/`)).toBe(202);
  });

  it("does not go on with an upload of another repository", async () => {
    const begun = await at.send("POST", `/v2/${HIDDEN}/blobs/uploads/`);
    const id = String(begun.headers["docker-upload-uuid"]);
    for (const [method, query] of [
      ["GET", ""],
      ["PATCH", ""],
      ["PUT", `?digest=${sha256("x")}`],
      ["DELETE", ""],
    ] as const) {
      expect(await statusOf(method, `/v2/${HIDDEN}/blobs/uploads/${id}${query}`)).toBe(403);
      expect(await statusOf(method, `/v2/${OPEN}/blobs/uploads/${id}${query}`)).toBe(404);
    }
    expect((await at.send("GET", `/v2/${HIDDEN}/blobs/uploads/${id}`)).status).toBe(204);
  });

  it("cannot make a layer's address good for another layer, or longer", async () => {
    const { layerLinks } = at.registry.ecr;
    const url = layerLinks.urlOf({ host: ECR_HOST, name: "hidden", fullName: HIDDEN, ecr: SCOPE }, LAYER) ?? "";
    const path = new URL(url).pathname;
    expect(await statusOf("GET", path, { auth: null })).toBe(200);
    expect(await statusOf("PUT", path, { auth: null })).toBe(405);
    for (let i = path.length - 2; i > path.length - 60; i -= 7) {
      const other = path[i] === "A" ? "B" : "A";
      expect(await statusOf("GET", path.slice(0, i) + other + path.slice(i + 1), { auth: null })).toBe(403);
    }
    const { password } = at.registry.issueEcrToken(DEPLOYER, SCOPE);
    const token = Buffer.from(password, "base64").toString("base64url");
    expect(await statusOf("GET", `/v2/_kiln/layers/${token}`, { auth: null })).toBe(403);
    at.clock.advance(60 * 60 * 1000);
    expect(await statusOf("GET", path, { auth: null })).toBe(403);
  });
});

describe("a token", () => {
  it("of one kind is none of another", async () => {
    const ecr = at.registry.issueEcrToken(DEPLOYER, SCOPE).password;
    const given = await at.send("GET", "/v2/_kiln/token?scope=repository:local:pull", { auth: null });
    const anonymous: string = given.json.token;
    expect(await statusOf("GET", `/v2/${OPEN}/tags/list`, { auth: `Bearer ${ecr}` })).toBe(401);
    expect(await statusOf("GET", `/v2/${OPEN}/tags/list`, { auth: `Bearer ${anonymous}` })).toBe(401);
    expect(await statusOf("GET", `/v2/${OPEN}/tags/list`, { auth: `AWS:${anonymous}` })).toBe(400);
    expect(await statusOf("GET", `/v2/${OPEN}/tags/list`, { auth: `aws:${ecr}` })).toBe(401);
  });

  it("of another region opens nothing, not even the login", async () => {
    const { password } = at.registry.issueEcrToken(DEPLOYER, { ...SCOPE, region: "eu-west-1" });
    const auth = `AWS:${password}`;
    const headers = { host: ECR_HOST };
    expect(await statusOf("GET", "/v2/", { auth, headers })).toBe(401);
    expect(await statusOf("GET", "/v2/open/tags/list", { auth, headers })).toBe(401);
    expect(await statusOf("GET", "/v2/_catalog", { auth, headers })).toBe(401);
    expect(await statusOf("GET", "/v2/", { headers })).toBe(200);
  });

  it("got with one is no better than it", async () => {
    const asked = await at.send("GET", `/v2/_kiln/token?service=${ECR_HOST}&scope=repository:hidden:pull,push`, {
      auth: ecrToken(),
    });
    const auth = `Bearer ${asked.json.token}`;
    expect([
      await statusOf("GET", `/v2/${HIDDEN}/tags/list`, { auth }),
      await statusOf("GET", `/v2/${OPEN}/tags/list`, { auth }),
      await statusOf("POST", "/v2/local/blobs/uploads/", { auth }),
    ]).toEqual([403, 200, 403]);
  });

  it("is worth nothing once its user is deleted, whatever policy names the user", async () => {
    const Statement = [{ Effect: "Allow", Principal: { AWS: DEPLOYER.arn }, Action: "ecr:*" }];
    await at.createEcrRepository("open", { policyText: JSON.stringify({ Version: "2012-10-17", Statement }) });
    const basicAuth = ecrToken();
    const asked = await at.send("GET", "/v2/_kiln/token", { auth: basicAuth });
    const path = `/v2/${OPEN}/tags/list`;
    at.gone.add(DEPLOYER.arn);
    const reply = await at.send("GET", path, { auth: basicAuth });
    expect([reply.status, reply.json.errors[0].message]).toEqual([400, "Your Authorization Token is invalid."]);
    expect(await statusOf("GET", path, { auth: `Bearer ${asked.json.token}` })).toBe(401);
  });

  it("is for nobody else at an ECR host: no first login makes an account there", async () => {
    for (const query of [`service=${ECR_HOST}`, `service=kiln&scope=repository:${HIDDEN}:pull`]) {
      expect(await statusOf("GET", `/v2/_kiln/token?${query}`, { auth: "bob:secret" })).toBe(401);
    }
    expect(at.registry.accounts.list()).toEqual([]);
  });
});

describe("a request that no client makes", () => {
  const raw = (lines: readonly string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(at.url).port), "127.0.0.1", () =>
        socket.write(`${lines.join("\r\n")}\r\n\r\n`),
      );
      let answer = "";
      socket.on("data", (chunk) => {
        answer += String(chunk);
      });
      socket.on("close", () => resolve(answer));
      socket.on("error", reject);
    });

  it.each([
    "/v2/%E2%82%AC.b/app/tags/list",
    "/v2/a%22.b/app/tags/list",
    "/v2/a%0d%0aX-Injected:%20yes.b/app/tags/list",
    "/v2/%F0%9F%98%80.io/app/blobs/uploads/",
    "/v2/%/manifests/v1",
    "/v2/..%2f..%2fetc/passwd/manifests/v1",
  ])("%s is refused in the registry's form", async (path) => {
    for (const method of ["GET", "POST"]) {
      const reply = await at.send(method, path, { auth: null });
      expect([400, 404, 405]).toContain(reply.status);
      expect(reply.json.errors).toHaveLength(1);
      expect(reply.headers["x-injected"]).toBeUndefined();
    }
  });

  it("with a strange Host header ends in an answer", async () => {
    for (const host of ['a".b', "é.example.com", "x.y:abc", "[::1]", "", ".", "..", "a.b."]) {
      const answer = await raw(["GET /v2/app/tags/list HTTP/1.1", `Host: ${host}`, "Connection: close"]);
      expect([host, /^HTTP\/1.1 4\d\d /.test(answer)]).toEqual([host, true]);
    }
    const login = await raw(["GET /v2/ HTTP/1.0", `Authorization: ${basic("test:test")}`]);
    expect(login).toMatch(/^HTTP\/1.1 200 /);
  });

  it("leaves the registry as it was", async () => {
    await pushBlob(at, "local", "still here");
    expect((await at.send("GET", `/v2/${HIDDEN}/tags/list`)).json.tags).toEqual(["v1"]);
  });
});
