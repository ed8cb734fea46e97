/** The S3 permissions of a plan in a project: nothing more than what a build of it calls. */
import { expect, it } from "vitest";
import { parseBuildspec } from "../buildspec/index.ts";
import { planBuild, requiredPermissions, type S3Settings } from "./index.ts";

const scope = { partition: "aws", region: "us-east-1", accountId: "111122223333" };

function needs(settings: S3Settings, sections = ""): string[] {
  const text = `version: 0.2\nenv:\n  variables: { STAGE: test }\nphases:\n  build:\n    commands: [x]\n${sections}`;
  const { buildspec } = parseBuildspec(text, "buildspec.yml");
  if (!buildspec) throw new Error("no buildspec");
  const { plan } = planBuild({
    buildspec,
    project: { name: "app", environment: { type: "LINUX_CONTAINER", image: "i", computeType: "c" } },
  });
  return requiredPermissions(plan, scope, "app", settings)
    .filter(({ action }) => !action.startsWith("logs:"))
    .map(({ action, resource, why }) => `${action} ${resource} (${why})`);
}
const ARTIFACTS = "artifacts:\n  files: ['**/*']\n";
const KEY = "arn:aws:kms:us-east-1:111122223333:key/1";

it("is nothing for a project without S3", () => {
  const settings = { source: { type: "GITHUB", location: "https://x" }, artifacts: { type: "NO_ARTIFACTS" } };
  expect(needs({ ...settings, cache: { type: "NO_CACHE" } }, `${ARTIFACTS}cache:\n  paths: [x]\n`)).toEqual([]);
  expect(needs({ artifacts: { type: "S3", location: "bucket" } })).toEqual([]);
  expect(needs({ artifacts: { type: "S3", location: "file:///x" } }, ARTIFACTS)).toEqual([]);
});

it("reads the certificate for git servers", () => {
  const expected = ["s3:GetObject arn:aws:s3:::certs/ca.pem (the certificate for git servers)"];
  expect(needs({ certificate: "certs/ca.pem" })).toEqual(expected);
  expect(needs({ certificate: "arn:aws:s3:::certs/ca.pem" })).toEqual(expected);
});

it("reads sources and the buildspec", () => {
  expect(
    needs({
      source: { type: "S3", location: "in/app.zip", buildspec: "arn:aws:s3:::in/spec.yml" },
      sourceVersion: "v",
    }),
  ).toEqual([
    "s3:GetObject arn:aws:s3:::in/app.zip (the source in S3)",
    "s3:GetObjectVersion arn:aws:s3:::in/app.zip (the source in S3)",
    "s3:GetObject arn:aws:s3:::in/spec.yml (the buildspec in S3)",
  ]);
  expect(needs({ secondarySources: [{ type: "S3", location: "in/folder/" }] })).toEqual([
    "s3:GetObject arn:aws:s3:::in/folder/* (the source in S3)",
    "s3:ListBucket arn:aws:s3:::in (the source in S3)",
  ]);
});

it.each<[string, object, string, string]>([
  ["a folder", {}, "", "out/app/*"],
  ["a ZIP", { packaging: "ZIP", name: "x.zip", path: "p" }, "", "out/p/x.zip"],
  ["the root", { name: "/" }, "", "out/*"],
  ["a build id", { namespaceType: "BUILD_ID" }, "  s3-prefix: $STAGE\n", "out/test/*/app/*"],
  [
    "a name of the shell's",
    { overrideArtifactName: true },
    "  name: $STAGE/$(date)-${CODEBUILD_BUILD_NUMBER}\n",
    "out/test/*-*/*",
  ],
])("writes artifacts: %s", (_, target, more, resource) => {
  expect(needs({ artifacts: { type: "S3", location: "out", ...target } }, ARTIFACTS + more)).toEqual([
    `s3:PutObject arn:aws:s3:::${resource} (the artifacts)`,
  ]);
});

it("writes secondary artifacts, uses the project's own key, and needs the ACL for the bucket's owner", () => {
  const sections = "artifacts:\n  secondary-artifacts:\n    one:\n      files: [x]\n    two:\n      files: [x]\n";
  const one = { type: "S3", location: "out", artifactIdentifier: "one", bucketOwnerAccess: "FULL" };
  const settings = { artifacts: { type: "S3", location: "main" }, secondaryArtifacts: [one] };
  expect(needs({ ...settings, encryptionKey: KEY }, sections)).toEqual([
    "s3:PutObject arn:aws:s3:::out/app/* (the artifacts)",
    "s3:PutBucketAcl arn:aws:s3:::out (the artifacts)",
    `kms:GenerateDataKey ${KEY} (the artifacts, encrypted)`,
  ]);
  expect(needs({ ...settings, encryptionKey: "alias/mine" }, sections)[2]).toBe(
    "kms:GenerateDataKey arn:aws:kms:us-east-1:111122223333:key/* (the artifacts, encrypted)",
  );
  const aws = "arn:aws:kms:us-east-1:111122223333:alias/aws/s3";
  expect(needs({ ...settings, encryptionKey: aws }, sections)).toHaveLength(2);
});

it("reads and writes the cache as far as `action` says", () => {
  const cache = { type: "S3", location: "cache/pre" };
  const all = [
    "s3:GetObject arn:aws:s3:::cache/pre/* (the cache)",
    "s3:PutObject arn:aws:s3:::cache/pre/* (the cache)",
  ];
  const list = "s3:ListBucket arn:aws:s3:::cache (the cache)";
  expect(needs({ cache }, "cache:\n  paths: [x]\n")).toEqual([...all, list]);
  expect(needs({ cache }, "cache:\n  paths: [x]\n  action: restore\n")).toEqual([all[0], list]);
  expect(needs({ cache }, "cache:\n  paths: [x]\n  action: save\n")).toEqual([all[1], list]);
  expect(needs({ cache })).toEqual([]);
});

it("writes the log", () => {
  expect(needs({ s3Logs: { location: "arn:aws:s3:::logs/pre/" }, encryptionKey: KEY })).toEqual([
    "s3:PutObject arn:aws:s3:::logs/pre/* (the log in S3)",
    `kms:GenerateDataKey ${KEY} (the log in S3, encrypted)`,
  ]);
});
