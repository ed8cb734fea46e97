import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  pushImage,
  type RegistryFixture,
  type Reply,
  sha256,
  startRegistry,
} from "../../test/support/registry-fixture.ts";

let at: RegistryFixture;
beforeEach(async () => {
  at = await startRegistry();
});
afterEach(() => at.close());

const token = (scope: string, auth: string | null, service = "kiln"): Promise<Reply> =>
  at.send("GET", `/v2/_kiln/token?service=${service}&client_id=docker&scope=${encodeURIComponent(scope)}`, { auth });

const bearer = async (scope: string, auth: string | null): Promise<string> =>
  `Bearer ${(await token(scope, auth)).json.token}`;

const startUpload = (name: string, auth: string | null): Promise<Reply> =>
  at.send("POST", `/v2/${name}/blobs/uploads/`, { auth });

describe("GET /v2/", () => {
  it("challenges strangers, so that clients log in", async () => {
    const reply = await at.send("GET", "/v2/", { auth: null });
    expect(reply.status).toBe(401);
    expect(reply.headers["www-authenticate"]).toBe(`Bearer realm="${at.url}/v2/_kiln/token",service="kiln"`);
    expect(reply.json.errors).toEqual([{ code: "UNAUTHORIZED", message: "authentication required", detail: null }]);
  });

  it("answers 200 to an access key and to a token, also an anonymous one", async () => {
    expect((await at.send("GET", "/v2/")).status).toBe(200);
    expect((await at.send("GET", "/v2/", { auth: await bearer("", null) })).status).toBe(200);
    expect((await at.send("GET", "/v2/", { auth: await bearer("", "test:test") })).status).toBe(200);
  });

  it("refuses wrong secrets, temporary keys and broken headers", async () => {
    for (const auth of ["test:wrong", "nobody:x", "ASIATEMPORARY:short", "Bearer nonsense"]) {
      expect((await at.send("GET", "/v2/", { auth })).status).toBe(401);
    }
  });
});

describe("the token route", () => {
  it("declares the first login of a host and refuses other passwords from then on", async () => {
    expect((await token("", "me:first", "docker.io")).status).toBe(200);
    expect(at.registry.accounts.list("docker.io").map(({ user }) => user)).toEqual(["me"]);
    expect((await token("", "me:first", "docker.io")).status).toBe(200);
    for (const auth of ["me:second", "you:first", "me:"]) {
      const reply = await token("", auth, "docker.io");
      expect(reply.status).toBe(401);
      expect(reply.json).toEqual({
        details: "incorrect username or password",
        errors: [{ code: "UNAUTHORIZED", message: "incorrect username or password", detail: null }],
      });
    }
  });

  it("takes the OAuth form, without refresh tokens", async () => {
    await at.registry.accounts.declare("docker.io", "me", "secret");
    const post = (form: Record<string, string>) =>
      at.send("POST", "/v2/_kiln/token", { auth: null, body: new URLSearchParams(form).toString() });
    const scope = "repository:docker.io/me/app:pull,push";
    const ok = await post({ grant_type: "password", service: "kiln", username: "me", password: "secret", scope });
    expect(ok.json).toMatchObject({ token: ok.json.access_token, expires_in: 300 });
    expect((await startUpload("docker.io/me/app", `Bearer ${ok.json.access_token}`)).status).toBe(202);
    expect((await post({ grant_type: "password", username: "me", password: "wrong", scope })).status).toBe(401);
    const refresh = await post({ grant_type: "refresh_token", refresh_token: "x" });
    expect(refresh.status).toBe(400);
    expect(refresh.json.errors[0].message).toBe("only grant_type=password is offered, there are no refresh tokens");
  });

  it("does not let a mistyped access key become the first local account", async () => {
    expect((await token("", "test:wrong")).status).toBe(401);
    expect(at.registry.accounts.list()).toEqual([]);
  });

  it("issues tokens that run out", async () => {
    const auth = await bearer("repository:app:pull,push", "me:first");
    expect((await startUpload("app", auth)).status).toBe(202);
    at.clock.advance(300_000);
    const reply = await startUpload("app", auth);
    expect(reply.status).toBe(401);
    expect(reply.headers["www-authenticate"]).toMatch(/scope="repository:app:pull,push",error="invalid_token"$/);
  });
});

describe("pushing to the stand-in of Docker Hub", () => {
  beforeEach(() =>
    at.registry.accounts.declare("https://index.docker.io/v1/", "Me", "secret", { namespaces: ["acme"] }),
  );

  it.each(["docker.io/me/app", "docker.io/acme/app", "index.docker.io/me/app"])("works for %s", async (name) => {
    const auth = await bearer(`repository:${name}:pull,push`, "me:secret");
    expect((await startUpload(name, auth)).status).toBe(202);
  });

  it.each(["docker.io/you/app", "docker.io/library/python"])("is denied for %s", async (name) => {
    const auth = await bearer(`repository:${name}:pull,push`, "me:secret");
    const reply = await startUpload(name, auth);
    expect(reply.status).toBe(401);
    expect(reply.headers["www-authenticate"]).toBe(
      `Bearer realm="${at.url}/v2/_kiln/token",service="kiln",scope="repository:${name}:pull,push",error="insufficient_scope"`,
    );
    expect(reply.json.errors[0]).toMatchObject({
      code: "DENIED",
      message: "requested access to the resource is denied",
    });
  });

  it("is denied without a login", async () => {
    const auth = await bearer("repository:docker.io/me/app:pull,push", null);
    expect((await startUpload("docker.io/me/app", auth)).headers["www-authenticate"]).toContain(
      'error="insufficient_scope"',
    );
    const bare = await startUpload("docker.io/me/app", null);
    expect(bare.status).toBe(401);
    expect(bare.json.errors[0].code).toBe("UNAUTHORIZED");
  });

  it("is denied with a token for another repository", async () => {
    const auth = await bearer("repository:docker.io/me/app:pull,push", "me:secret");
    expect((await startUpload("docker.io/me/other", auth)).status).toBe(401);
  });

  it("is denied to IAM principals other than root", async () => {
    expect((await startUpload("docker.io/me/app", "AKIADEPLOYER:deploys")).status).toBe(403);
    expect((await startUpload("docker.io/me/app", "test:test")).status).toBe(202);
  });
});

describe("pulling", () => {
  it("is open for official images and local repositories, and asks for a login elsewhere", async () => {
    await at.registry.accounts.declare("docker.io", "me", "secret");
    await at.registry.accounts.declare("docker.io", "you", "secret");
    for (const name of ["docker.io/library/python", "tools/linter"]) {
      await pushImage(at, name, "v1");
      expect((await at.send("GET", `/v2/${name}/manifests/v1`, { auth: null })).status).toBe(200);
    }
    await pushImage(at, "docker.io/me/app", "v1");
    const path = "/v2/docker.io/me/app/manifests/v1";
    expect((await at.send("GET", path, { auth: null })).status).toBe(401);
    expect((await at.send("GET", path, { auth: await bearer("repository:docker.io/me/app:pull", null) })).status).toBe(
      401,
    );
    const auth = await bearer("repository:docker.io/me/app:pull", "you:secret");
    expect((await at.send("GET", path, { auth })).status).toBe(200);
  });

  it("mounts only from repositories the token may pull", async () => {
    await at.registry.accounts.declare("docker.io", "me", "secret");
    await pushImage(at, "docker.io/you/private", "v1");
    const mount = `/v2/docker.io/me/app/blobs/uploads/?mount=${sha256("{}")}&from=docker.io/you/private`;
    const without = await bearer("repository:docker.io/me/app:pull,push", "me:secret");
    expect((await at.send("POST", mount, { auth: without })).status).toBe(202);
    const both = await bearer(
      "repository:docker.io/me/app:pull,push repository:docker.io/you/private:pull",
      "me:secret",
    );
    expect((await at.send("POST", mount, { auth: both })).status).toBe(201);
  });
});

describe("a Host header of another registry", () => {
  it("makes names relative to it", async () => {
    await at.registry.accounts.declare("ghcr.io", "me", "secret");
    const headers = { host: "ghcr.io" };
    const challenge = await at.send("POST", "/v2/me/app/blobs/uploads/", { auth: null, headers });
    expect(challenge.headers["www-authenticate"]).toBe(
      `Bearer realm="${at.url}/v2/_kiln/token",service="ghcr.io",scope="repository:me/app:pull,push"`,
    );
    const granted = await token("repository:me/app:pull,push", "me:secret", "ghcr.io");
    const reply = await at.send("POST", "/v2/me/app/blobs/uploads/", { auth: `Bearer ${granted.json.token}`, headers });
    expect(reply.status).toBe(202);
    expect(reply.headers.location).toMatch(/^\/v2\/me\/app\/blobs\/uploads\//);
    expect((await at.send("GET", `/v2/ghcr.io/me/app${String(reply.headers.location).slice(10)}`)).status).toBe(204);
  });

  it("of this machine is Kiln itself, and the token route is told in the same words", async () => {
    const reply = await at.send("GET", "/v2/", { auth: null, headers: { host: "host.docker.internal:4566" } });
    expect(reply.headers["www-authenticate"]).toBe(
      'Bearer realm="http://host.docker.internal:4566/v2/_kiln/token",service="kiln"',
    );
  });
});

describe("accounts", () => {
  it("are removed, listed without passwords, and kept as salted hashes", async () => {
    await at.registry.accounts.declare("docker.io", "me", "hunter2");
    expect(at.registry.accounts.list()).toEqual([
      { host: "docker.io", user: "me", declaredAtMs: at.clock.nowMs(), namespaces: [] },
    ]);
    const stored = JSON.stringify(at.registry.records.accounts.list([]));
    expect(stored).not.toContain("hunter2");
    expect(await at.registry.accounts.login("docker.io", "me", "hunter3")).toBe("refused");
    expect(await at.registry.accounts.login("registry-1.docker.io", "ME", "hunter2")).toBe("ok");
    expect(await at.registry.accounts.remove("docker.io", "me")).toBe(true);
    expect(await at.registry.accounts.remove("docker.io", "me")).toBe(false);
    expect(await at.registry.accounts.login("docker.io", "you", "x")).toBe("declared");
  });

  it("of concurrent first logins, only one declares", async () => {
    const outcomes = await Promise.all(
      ["a", "b", "c"].map((user) => at.registry.accounts.login("quay.io", user, user)),
    );
    expect(outcomes.sort()).toEqual(["declared", "refused", "refused"]);
  });
});

it("lists all repositories to root only", async () => {
  await pushImage(at, "b", "v1");
  await pushImage(at, "docker.io/library/a", "v1");
  const reply = await at.send("GET", "/v2/_catalog?n=1");
  expect(reply.json).toEqual({ repositories: ["b"] });
  expect(reply.headers["link"]).toBe('</v2/_catalog?n=1&last=b>; rel="next"');
  expect((await at.send("GET", "/v2/_catalog?n=1&last=b")).json).toEqual({ repositories: ["docker.io/library/a"] });
  expect((await at.send("GET", "/v2/_catalog", { auth: "AKIADEPLOYER:deploys" })).status).toBe(401);
});
