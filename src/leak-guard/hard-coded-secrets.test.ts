/** Which texts hold a secret, and which only look like it. The values are made up here, piece by piece. */
import { describe, expect, it } from "vitest";
import { hardCodedSecrets } from "./hard-coded-secrets.ts";

/** No pattern that a scanner of this repository knows stands in this file. */
const LETTERS = "aB3dE5gH7jK9mN1pQrStUvWxYz";
const made = (length: number, step = 7): string =>
  Array.from({ length }, (_, index) => LETTERS[(index * step + ((index / LETTERS.length) | 0)) % LETTERS.length]).join(
    "",
  );
const kinds = (text: string, file = "file"): string[] => hardCodedSecrets(text, file).map(({ kind }) => kind);

describe("a text with a secret", () => {
  it.each([
    ["an AWS secret access key", `AWS_SECRET_ACCESS_KEY=${made(40)}`],
    ["a GitHub token", `curl -H "Authorization: token gh${"p_"}${made(36)}"`],
    ["a GitLab token", `glpat${"-"}${made(20)}`],
    ["an npm token", `npm${"_"}${made(36)}`],
    ["a Docker token", `dckr_pat${"_"}${made(27)}`],
    ["a Slack token", `xoxb${"-"}4719385026-${made(24)}`],
    ["a password in a URL", `https://ci:${made(16)}@git.acme.io/x.git`],
    ["a database password", `postgres://app:${made(14)}@db.acme.io/shop`],
    ["a registry login", `{"auth": "${Buffer.from(`acmeci:${made(14)}`).toString("base64")}"}`],
    [
      "a private key",
      `-----BEGIN ${"PRIVATE"} KEY-----\nMII${made(61)}\n${made(64, 5)}\n-----END ${"PRIVATE"} KEY-----\n`,
    ],
  ])("holds %s", (kind, text) => {
    expect(kinds(text)).toEqual([kind]);
  });

  it("has it where it stands, and shows its beginning only", () => {
    const token = `gh${"p_"}${made(36)}`;
    const [found] = hardCodedSecrets(`# why\nTOKEN=${token}\n`, ".env");
    expect(found).toEqual({ kind: "a GitHub token", shown: "ghp_…", startOffset: 12, endOffset: 12 + token.length });
  });
});

describe("a text without one", () => {
  it.each([
    ["AWS's own examples", "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"],
    ["an AWS account id", "arn:aws:iam::123456789012:role/x AWS_ACCOUNT_ID=123456789012"],
    [
      "variables",
      "https://$USER:$TOKEN@host.io/ https://u:${P}@host.io/ _authToken=${NPM_TOKEN} https://{{u}}:{{p}}@h.io/",
    ],
    ["a test's database", "postgres://postgres:postgres@localhost/x mysql://root:hT7secretX@db:3306/x"],
    ["a host of the documentation", "https://bob:hT7vLm2xZk9@registry.example.com/"],
    ["marks to be replaced", `ghp_${"x".repeat(36)} https://user:password@host.io/ https://<user>:<token>@host.io/`],
    ["a key that is cut", "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----"],
    ["checksums", `sha512-${made(86)}== 2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae`],
  ])("may hold %s", (_, text) => {
    expect(kinds(text)).toEqual([]);
  });

  it("stays fast, whatever it is made of", () => {
    const lines = ["secret_".repeat(3000), "://a:".repeat(4000), '"auth":"'.repeat(3000), "A".repeat(30_000)];
    const before = process.cpuUsage();
    for (const text of lines) kinds(text);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(2000);
  });
});
