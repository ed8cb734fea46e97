import { expect, it } from "vitest";
import { isPlaceholder, isSecretName, secretLookOf } from "./secret-looks.ts";

it.each([
  ...["DOCKER_PASSWORD", "apiKey", "API_TOKEN", "dbpassword", "client-secret", "AWS_SECRET_ACCESS_KEY", "NPM_TOKEN"],
  ...["my-app-docker-credentials-password", "GITHUB_TOKENS"],
])("%s is a secret's name", (name) => {
  expect(isSecretName(name)).toBe(true);
});

it.each([
  "SECRET_ARN",
  "TOKEN_URL",
  "PASSWORD_LENGTH",
  "USE_TOKEN",
  "KEY",
  "MONKEY",
  "BUCKET",
  "secretsManager",
  "COMPASS",
])("%s is not", (name) => {
  expect(isSecretName(name)).toBe(false);
});

it("knows what tokens and keys look like", () => {
  expect(secretLookOf(`AKIA${"A".repeat(16)}`)).toBe("an AWS access key");
  expect(secretLookOf("postgres://app:hunter22@db/x")).toBe("a password in a URL");
  expect(secretLookOf(`ghp_${"k3Jd9QxZ7vB2nM5w".repeat(3).slice(0, 36)}`)).toBe("a GitHub token");
  expect(secretLookOf("https://github.com/you/app")).toBeUndefined();
  expect(secretLookOf("https://$USER:$PASSWORD@host/x")).toBeUndefined();
});

it.each(["", "$TOKEN", "<token>", "changeme", "***", "true"])("`%s` stands for a value", (value) => {
  expect(isPlaceholder(value)).toBe(true);
});
