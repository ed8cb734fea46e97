/**
 * ECR on the real endpoint with real identities: whose token opens which repository, by every kind of policy that has a
 * say; and lifecycle policies as days go by.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Kiln, startKiln } from "../../src/app.ts";
import type { Principal } from "../../src/core/aws.ts";
import { DAY_MS, TestClock } from "../../src/core/clock.ts";
import { basic, OCI_MANIFEST, sha256 } from "../support/registry-fixture.ts";

const OWN = "000000000000";
const OTHER = "111122223333";
const HOST = `${OWN}.dkr.ecr.us-east-1.amazonaws.com`;
const ARN = `arn:aws:ecr:us-east-1:${OWN}:repository/app`;
const TRUST = { Effect: "Allow", Principal: { AWS: `arn:aws:iam::${OWN}:root` }, Action: "sts:AssumeRole" };

const clock = new TestClock(Date.UTC(2026, 5, 1));
let kiln: Kiln;
beforeAll(async () => {
  kiln = await startKiln({ memory: true, port: 0, clock });
  await ecr("CreateRepository", { repositoryName: "app", tags: [{ Key: "team", Value: "blue" }] });
  await push("app", "v1");
});
afterAll(() => kiln.close());

const ecr = (operation: string, input: object = {}) => kiln.root.call<Record<string, never>>("ecr", operation, input);
const document = (...Statement: object[]): string => JSON.stringify({ Version: "2012-10-17", Statement });
const allow = (more: object = {}) => ({ Effect: "Allow", Action: "ecr:*", Resource: "*", ...more });
const deny = (more: object = {}) => ({ ...allow(more), Effect: "Deny" });

const send = (path: string, auth: string, method = "GET", body?: string, contentType = "application/octet-stream") =>
  fetch(`${kiln.url}${path}`, {
    method,
    headers: { authorization: basic(auth), "content-type": contentType },
    ...(body !== undefined && { body }),
  });

async function push(name: string, tag: string): Promise<void> {
  const path = `/v2/${HOST}/${name}`;
  const layer = `layer ${tag}`;
  for (const content of ["{}", layer]) {
    await send(`${path}/blobs/uploads/?digest=${sha256(content)}`, "test:test", "POST", content);
  }
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha256("{}"), size: 2 },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: sha256(layer), size: layer.length }],
  });
  const reply = await send(`${path}/manifests/${tag}`, "test:test", "PUT", manifest, OCI_MANIFEST);
  expect(reply.status).toBe(201);
}

let made = 0;
/** A new user with an inline policy. */
async function newUser(...statements: object[]): Promise<{ UserName: string; arn: string; principal: Principal }> {
  const UserName = `user-${++made}`;
  const { User } = await kiln.root.call<{ User: { Arn: string } }>("iam", "CreateUser", { UserName });
  if (statements.length > 0) {
    const policy = { UserName, PolicyName: "p", PolicyDocument: document(...statements) };
    await kiln.root.call("iam", "PutUserPolicy", policy);
  }
  const { AccessKey } = await kiln.root.call<{ AccessKey: { AccessKeyId: string } }>("iam", "CreateAccessKey", {
    UserName,
  });
  return { UserName, arn: User.Arn, principal: principalOf(AccessKey.AccessKeyId) };
}

function principalOf(accessKeyId: string): Principal {
  const key = kiln.identity.findAccessKey(accessKeyId);
  if (!key) throw new Error(`no key ${accessKeyId}`);
  return key.principal;
}

/** A session of a new role, perhaps with session policies. */
async function newSession(rolePolicy: object, sessionPolicy?: object) {
  const RoleName = `role-${++made}`;
  const role = { RoleName, AssumeRolePolicyDocument: document(TRUST) };
  const { Role } = await kiln.root.call<{ Role: { Arn: string } }>("iam", "CreateRole", role);
  await kiln.root.call("iam", "PutRolePolicy", { RoleName, PolicyName: "p", PolicyDocument: document(rolePolicy) });
  const assumer = await newUser({ Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" });
  const { Credentials } = await kiln.dispatcher
    .callerFor(assumer.principal, kiln.scope)
    .call<{ Credentials: { AccessKeyId: string } }>("sts", "AssumeRole", {
      ...{ RoleArn: Role.Arn, RoleSessionName: "session" },
      ...(sessionPolicy && { Policy: document(sessionPolicy) }),
    });
  return { RoleName, arn: Role.Arn, principal: principalOf(Credentials.AccessKeyId) };
}

/** Whether the principal may list the repository's tags: over HTTP with a token, and in the JSON API; both say the same. */
async function mayList(principal: Principal): Promise<boolean> {
  const { password } = kiln.registry.issueEcrToken(principal, kiln.scope);
  const { status } = await send(`/v2/${HOST}/app/tags/list`, `AWS:${password}`);
  const caller = kiln.dispatcher.callerFor(principal, kiln.scope);
  const listed = await caller.call("ecr", "ListImages", { registryId: OWN, repositoryName: "app" }).then(
    () => 200,
    () => 403,
  );
  expect([status, listed]).toEqual([status, status]);
  return status === 200;
}

const withRepositoryPolicy = async <T>(statements: readonly object[], run: () => Promise<T>): Promise<T> => {
  const policyText = document(...statements.map(({ Resource: _, ...statement }: { Resource?: unknown }) => statement));
  await ecr("SetRepositoryPolicy", { repositoryName: "app", policyText, force: true });
  try {
    return await run();
  } finally {
    await ecr("DeleteRepositoryPolicy", { repositoryName: "app" });
  }
};

describe("an identity's policy", () => {
  it.each<[string, readonly object[], boolean]>([
    ["allows", [allow()], true],
    ["of another repository does not", [allow({ Resource: `${ARN}2` })], false],
    ["of another account's repository does not", [allow({ Resource: ARN.replace(OWN, OTHER) })], false],
    ["of another region's repository does not", [allow({ Resource: ARN.replace("us-east-1", "eu-west-1") })], false],
    ["with the tag's value", [allow({ Condition: { StringEquals: { "ecr:ResourceTag/team": "blue" } } })], true],
    ["with another value", [allow({ Condition: { StringEquals: { "ecr:ResourceTag/team": "red" } } })], false],
    ["with a tag that is not there", [allow({ Condition: { StringEquals: { "ecr:ResourceTag/cost": "1" } } })], false],
    ["with a key that is not there", [allow({ Condition: { StringEquals: { "aws:SourceVpc": "vpc-1" } } })], false],
    [
      "that denies outside a network",
      [allow(), deny({ Condition: { StringNotEquals: { "aws:SourceVpc": "vpc-1" } } })],
      false,
    ],
    [
      "that denies outside it, if known",
      [allow(), deny({ Condition: { StringNotEqualsIfExists: { "aws:SourceVpc": "v" } } })],
      false,
    ],
    [
      "that denies where the key is there",
      [allow(), deny({ Condition: { Null: { "aws:SourceVpc": "false" } } })],
      true,
    ],
    ["with NotAction", [{ Effect: "Allow", NotAction: "ecr:ListImages", Resource: "*" }], false],
    ["with NotResource", [{ Effect: "Allow", Action: "ecr:*", NotResource: ARN }], false],
  ])("%s", async (_name, statements, expected) => {
    expect(await mayList((await newUser(...statements)).principal)).toBe(expected);
  });

  it("counts as it is when the token is used, not when it was got", async () => {
    const user = await newUser(allow());
    expect(await mayList(user.principal)).toBe(true);
    await kiln.root.call("iam", "DeleteUserPolicy", { UserName: user.UserName, PolicyName: "p" });
    expect(await mayList(user.principal)).toBe(false);
  });

  it("is limited by the session's", async () => {
    expect(await mayList((await newSession(allow())).principal)).toBe(true);
    expect(await mayList((await newSession(allow(), allow({ Resource: `${ARN}2` }))).principal)).toBe(false);
    expect(await mayList((await newSession(allow(), deny())).principal)).toBe(false);
  });
});

describe("a repository's policy", () => {
  it("names principals", async () => {
    const [user, other] = [await newUser(), await newUser()];
    await withRepositoryPolicy([allow({ Principal: { AWS: user.arn } })], async () => {
      expect([await mayList(user.principal), await mayList(other.principal)]).toEqual([true, false]);
    });
  });

  it("denies everybody but those of NotPrincipal", async () => {
    const [user, other] = [await newUser(allow()), await newUser(allow())];
    await withRepositoryPolicy([deny({ NotPrincipal: { AWS: [user.arn, `arn:aws:iam::${OWN}:root`] } })], async () => {
      expect([await mayList(user.principal), await mayList(other.principal)]).toEqual([true, false]);
    });
  });

  it("and the caller's own policy must both allow across accounts", async () => {
    const stranger = principalOf(OTHER);
    expect(await mayList(stranger)).toBe(false);
    const opened = [allow({ Principal: { AWS: `arn:aws:iam::${OTHER}:root` } })];
    expect(await withRepositoryPolicy(opened, () => mayList(stranger))).toBe(true);
    const { password } = kiln.registry.issueEcrToken(stranger, kiln.scope);
    expect((await send(`/v2/${HOST}/app/blobs/uploads/`, `AWS:${password}`, "POST")).status).toBe(403);
    const byPath = [allow({ Principal: "*", Condition: { StringEquals: { "aws:PrincipalAccount": OWN } } })];
    expect(await withRepositoryPolicy(byPath, () => mayList(stranger))).toBe(false);
  });

  it("that names a role or user opens nothing to tokens of one that is gone", async () => {
    const session = await newSession(allow());
    const user = await newUser(allow());
    const { RoleName } = session;
    const { UserName } = user;
    await withRepositoryPolicy([allow({ Principal: { AWS: [session.arn, user.arn] } })], async () => {
      expect([await mayList(session.principal), await mayList(user.principal)]).toEqual([true, true]);
      await kiln.root.call("iam", "DeleteRolePolicy", { RoleName, PolicyName: "p" });
      await kiln.root.call("iam", "DeleteRole", { RoleName });
      await kiln.root.call("iam", "DeleteUserPolicy", { UserName, PolicyName: "p" });
      for (const { AccessKeyId } of (
        await kiln.root.call<{ AccessKeyMetadata: { AccessKeyId: string }[] }>("iam", "ListAccessKeys", { UserName })
      ).AccessKeyMetadata) {
        await kiln.root.call("iam", "DeleteAccessKey", { UserName, AccessKeyId });
      }
      await kiln.root.call("iam", "DeleteUser", { UserName });
      for (const { principal } of [session, user]) {
        const { password } = kiln.registry.issueEcrToken(principal, kiln.scope);
        expect((await send(`/v2/${HOST}/app/tags/list`, `AWS:${password}`)).status).toBe(400);
      }
    });
  });
});

describe("the registry's policy", () => {
  const withPolicy = async (scope: "V1" | "V2", statement: object, run: () => Promise<boolean>): Promise<boolean> => {
    await ecr("PutAccountSetting", { name: "REGISTRY_POLICY_SCOPE", value: scope });
    await ecr("PutRegistryPolicy", { policyText: document(statement) });
    try {
      return await run();
    } finally {
      await ecr("DeleteRegistryPolicy");
    }
  };

  it("counts for every action in scope V2, in V1 for three only", async () => {
    const user = await newUser();
    const open = allow({ Principal: { AWS: user.arn } });
    expect(await withPolicy("V2", open, () => mayList(user.principal))).toBe(true);
    expect(await withPolicy("V1", open, () => mayList(user.principal))).toBe(false);
    const granted = await newUser(allow());
    const closed = deny({ Principal: "*", Action: "ecr:ListImages", Resource: ARN });
    expect(await withPolicy("V2", closed, () => mayList(granted.principal))).toBe(false);
    expect(await withPolicy("V1", closed, () => mayList(granted.principal))).toBe(true);
  });
});

it("lifecycle policies expire images as days go by", async () => {
  await ecr("CreateRepository", { repositoryName: "old" });
  const rules = [
    {
      rulePriority: 1,
      description: "two weeks, for what nobody needs any more",
      selection: { tagStatus: "any", countType: "sinceImagePushed", countUnit: "days", countNumber: 14 },
      action: { type: "expire" },
    },
  ];
  await ecr("PutLifecyclePolicy", { repositoryName: "old", lifecyclePolicyText: JSON.stringify({ rules }) });
  await push("old", "v1");
  clock.advance(10 * DAY_MS);
  await push("old", "v2");
  clock.advance(5 * DAY_MS);
  const tags = async () =>
    ((await (await send(`/v2/${HOST}/old/tags/list`, "test:test")).json()) as { tags: string[] }).tags;
  await expect.poll(tags).toEqual(["v2"]);
  const { lastEvaluatedAt } = await ecr("GetLifecyclePolicy", { repositoryName: "old" });
  expect(clock.nowMs() - Number(lastEvaluatedAt)).toBeLessThanOrEqual(DAY_MS);
});
