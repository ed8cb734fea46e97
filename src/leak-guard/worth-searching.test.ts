/** Which values are looked for, and what a build is known to have been given. */
import { describe, expect, it } from "vitest";
import type { GivenSecret, SecretOrigin } from "./given-secret.ts";
import { namesOf } from "./given-secret.ts";
import { SecretLedger } from "./secret-ledger.ts";
import { worthOf } from "./worth-searching.ts";

const parameter = (name: string, type = "SecureString"): SecretOrigin => ({ kind: "parameter", name, type });
const worth = (origin: SecretOrigin, value: string, ...variables: string[]) => worthOf({ origin, value, variables });
const everywhere = (...values: string[]) => ({ search: "everywhere", values });

describe("a value is looked for", () => {
  it.each([
    ["by its name, whatever it looks like", parameter("/app/db/password"), "correcthorse"],
    ["by its name as String, too", parameter("/app/api-token", "String"), "correcthorse"],
    ["by its looks under any name", parameter("/app/setting"), "Xk29vQ7mLp1z"],
    ["where it is a key of several lines", parameter("/app/pem"), "-----BEGIN KEY-----\nabcdef\n-----END KEY-----"],
    ["where a machine made it", { kind: "registry-password" } as const, "whatever-it-is"],
  ])("%s", (_, origin, value) => {
    expect(worth(origin, value)).toEqual(everywhere(value));
  });

  it("by the name of its variable", () => {
    expect(worth(parameter("/app/1"), "correcthorse", "DB_PASSWORD")).toEqual(everywhere("correcthorse"));
  });

  it("together with the password in it, where it is an address", () => {
    const url = "postgres://app:hunter2hunter2@db.acme.io/shop";
    expect(worth(parameter("/app/url"), url)).toEqual(everywhere(url, "hunter2hunter2"));
  });

  it("in settings only where it is short", () => {
    expect(worth(parameter("/app/password"), "q7x2")).toEqual({ search: "settings", values: ["q7x2"] });
  });
});

describe("a value is not looked for", () => {
  it.each([
    ["docker.io", "/app/docker/url"],
    ["https://index.docker.io/v1/", "/app/docker/url"],
    ["acme-shop", "/app/docker/username"],
    ["acme_shop_2", "/app/name"],
    ["eu-central-1", "/app/region"],
    ["123456789012", "/app/account"],
    ["arn:aws:iam::123456789012:role/x", "/app/role"],
    ["true", "/app/flag"],
    ["80", "/app/port"],
    ["v1.22.333", "/app/version"],
    ["bob@acme.io", "/app/email"],
  ])("where it is no secret: `%s`", (value, name) => {
    expect(worth(parameter(name), value)).toEqual({ search: "nowhere" });
  });

  it("as String under a name that says nothing", () => {
    expect(worth(parameter("/app/commit", "String"), "9fceb02d0ae598e95dc970b74767")).toEqual({ search: "nowhere" });
  });

  it.each([
    ["abc", "its value is shorter than 4 characters"],
    ["changeme", "its value is a placeholder"],
    ["4711", "its value is a short number"],
    ["/run/secrets/db", "its value is an address or a path"],
  ])("and that is told, where its name says secret: `%s`", (value, reason) => {
    expect(worth(parameter("/app/password"), value)).toEqual({ search: "nowhere", reason });
  });
});

describe("what a build was given", () => {
  const names = (ledger: SecretLedger): string[] =>
    ledger.secrets().map((secret: GivenSecret) => namesOf(secret).title);

  it("is nothing for a build with no more than every build has", () => {
    const ledger = new SecretLedger();
    ledger.roleCredentials("builder", "s".repeat(40), "t".repeat(200));
    ledger.add({ kind: "credentials-token" }, "u".repeat(48));
    expect(ledger.secrets()).toEqual([]);
    ledger.credentialsWereGiven();
    expect(names(ledger)).toEqual([
      "secret access key of role `builder`",
      "session token of role `builder`",
      "`AWS_CONTAINER_AUTHORIZATION_TOKEN`",
    ]);
  });

  it("is what its calls were answered in clear, each text of a JSON object by its key, never the value", () => {
    const ledger = new SecretLedger();
    const withDecryption = { WithDecryption: true };
    ledger.answered("ssm", "GetParameter", {}, { Parameter: { Name: "/c", Type: "SecureString", Value: "cipher" } });
    expect(names(ledger)).toEqual([]);
    ledger.answered("ssm", "GetParametersByPath", withDecryption, {
      Parameters: [{ Name: "/a", Type: "SecureString", Value: "value-a" }],
    });
    ledger.answered(
      "secretsmanager",
      "BatchGetSecretValue",
      {},
      {
        SecretValues: [{ Name: "db", SecretString: '{"user":{"name":"u1"},"password":"p1"}' }],
      },
    );
    ledger.answered("kms", "Decrypt", {}, { KeyId: "key", Plaintext: Buffer.from("plain") });
    const login = Buffer.from("AWS:pa:ss").toString("base64");
    ledger.answered("ecr", "GetAuthorizationToken", {}, { authorizationData: [{ authorizationToken: login }] });
    ledger.name("DB", "p1", { kind: "secret", secretId: "other-name" });
    expect(names(ledger)).toEqual([
      "parameter `/a`",
      "key `user.name` of secret `db`",
      "`DB` (key `password` of secret `db`)",
      "plaintext of KMS key `key`",
      "password of `aws ecr get-login-password`",
    ]);
    expect(ledger.secrets().at(-1)?.value).toBe("pa:ss");
  });

  it("grows with the sessions that it opens by itself", () => {
    const ledger = new SecretLedger();
    const Arn = "arn:aws:sts::111122223333:assumed-role/deployer/x";
    ledger.answered(
      "sts",
      "AssumeRole",
      {},
      {
        AssumedRoleUser: { Arn },
        Credentials: { SecretAccessKey: "k".repeat(40), SessionToken: "t".repeat(99) },
      },
    );
    expect(ledger.hasSession(Arn)).toBe(true);
    expect(names(ledger)).toEqual(["secret access key of role `deployer`", "session token of role `deployer`"]);
  });
});
