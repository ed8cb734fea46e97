/** Which login each registry Kiln stands in for asks for: Basic for ECR, of any account and region; Bearer for the others. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  basic,
  DEPLOYER,
  pushImage,
  type RegistryFixture,
  SCOPE,
  startRegistry,
} from "../../../test/support/registry-fixture.ts";

let at: RegistryFixture;
beforeAll(async () => {
  at = await startRegistry();
});
afterAll(() => at.close());

const challengeOf = async (path: string, host?: string) =>
  (await at.send("GET", path, { auth: null, ...(host !== undefined && { headers: { host } }) })).headers[
    "www-authenticate"
  ];

describe("a stand-in", () => {
  it.each([
    "111122223333.dkr.ecr.eu-central-1.amazonaws.com",
    "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn",
    "000000000000.dkr.ecr.us-gov-west-1.amazonaws.com",
  ])("of %s asks for Basic, by Host header and by path", async (host) => {
    const challenge = `Basic realm="https://${host}/",service="ecr.amazonaws.com"`;
    expect(await challengeOf("/v2/", host)).toBe(challenge);
    expect(await challengeOf(`/v2/${host}/app/tags/list`)).toBe(challenge);
  });

  it.each(["docker.io", "public.ecr.aws", "registry.example.com"])("of %s asks for Bearer", async (host) => {
    const realm = `Bearer realm="${at.url}/v2/_kiln/token",service="${host}"`;
    expect(await challengeOf("/v2/", host)).toBe(realm);
    const push = await at.send("POST", "/v2/me/app/blobs/uploads/", { auth: null, headers: { host } });
    expect(push.headers["www-authenticate"]).toBe(`${realm},scope="repository:me/app:pull,push"`);
  });
});

describe("ECR Public", () => {
  it("lets anybody pull, and the accounts of that host push to their own names", async () => {
    await at.registry.accounts.declare("public.ecr.aws", "me", "secret");
    await pushImage(at, "public.ecr.aws/me/app", "v1");
    const headers = { host: "public.ecr.aws" };
    expect((await at.send("GET", "/v2/me/app/manifests/v1", { auth: null, headers })).status).toBe(200);
    const tokenFor = async (name: string) => {
      const path = `/v2/_kiln/token?service=public.ecr.aws&scope=repository:${name}:pull,push`;
      const reply = await at.send("GET", path, { auth: null, headers: { authorization: basic("me:secret") } });
      return `Bearer ${reply.json.token}`;
    };
    const start = async (name: string) =>
      (await at.send("POST", `/v2/${name}/blobs/uploads/`, { auth: await tokenFor(name), headers })).status;
    expect([await start("me/app"), await start("other/app")]).toEqual([202, 401]);
  });
});

describe("a token of ECR", () => {
  it("is good in the region it was issued in, for twelve hours", async () => {
    const { password, expiresAtMs } = at.registry.issueEcrToken(DEPLOYER, SCOPE);
    expect(expiresAtMs - at.clock.nowMs()).toBe(12 * 60 * 60 * 1000);
    const auth = `AWS:${password}`;
    const listIn = (region: string) =>
      at.send("GET", `/v2/000000000000.dkr.ecr.${region}.amazonaws.com/app/tags/list`, { auth });
    expect([(await listIn("us-east-1")).status, (await listIn("eu-west-1")).status]).toEqual([403, 401]);
    at.clock.advance(12 * 60 * 60 * 1000);
    const expired = await listIn("us-east-1");
    expect([expired.status, expired.json.errors[0]]).toEqual([
      403,
      {
        ...{ code: "DENIED", detail: null },
        message: "Your authorization token has expired. Reauthenticate and try again.",
      },
    ]);
  });
});
