import { describe, expect, it } from "vitest";
import { parseImageReference, parseRepositoryAddress, standInHostOf } from "./repository-address.ts";

const own = ["127.0.0.1:4566", "localhost:4566"];

describe("repository names", () => {
  it.each([
    ["app", "local", "app", "app"],
    ["team/app", "local", "team/app", "team/app"],
    ["docker.io/library/python", "docker.io", "library/python", "docker.io/library/python"],
    ["docker.io/python", "docker.io", "library/python", "docker.io/library/python"],
    ["registry-1.docker.io/me/app", "docker.io", "me/app", "docker.io/me/app"],
    ["ghcr.io/me/app", "ghcr.io", "me/app", "ghcr.io/me/app"],
    ["localhost:5000/app", "localhost:5000", "app", "localhost:5000/app"],
    ["[::1]:5000/app", "[::1]:5000", "app", "[::1]:5000/app"],
    ["Docker.IO:443/me/app", "docker.io", "me/app", "docker.io/me/app"],
    ["docker.io./me/app", "docker.io", "me/app", "docker.io/me/app"],
    ["public.ecr.aws:443/me/app", "public.ecr.aws", "me/app", "public.ecr.aws/me/app"],
    ["127.0.0.1:4566/app", "local", "app", "app"],
  ])("reads %s", (text, host, name, fullName) => {
    expect(parseRepositoryAddress(text, { ownAuthorities: own })).toEqual({ host, name, fullName });
  });

  it.each([
    ["123456789012.dkr.ecr.eu-west-1.amazonaws.com/a/b", "aws", "eu-west-1"],
    ["123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/a/b", "aws-us-gov", "us-gov-west-1"],
    ["123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a/b", "aws-cn", "cn-north-1"],
    ["123456789012.dkr-ecr.eu-west-1.on.aws/a/b", "aws", "eu-west-1"],
    ["123456789012.dkr.ecr.eu-west-1.amazonaws.com:443/a/b", "aws", "eu-west-1"],
    ["123456789012.dkr.ecr.eu-west-1.amazonaws.com./a/b", "aws", "eu-west-1"],
    ["123456789012.DKR.ECR.eu-west-1.amazonaws.com/a/b", "aws", "eu-west-1"],
  ])("knows account and region of %s", (text, partition, region) => {
    expect(parseRepositoryAddress(text)).toMatchObject({
      name: "a/b",
      ecr: { partition, region, accountId: "123456789012" },
    });
  });

  it.each([
    ...["", "App", "a//b", "/a", "a/", "docker.io/", "a/../b", "-a"],
    `${"a".repeat(256)}`,
    ...["€.b/app", 'a".b/app', "a .b/app", "../app", ".:/app", "a.b:x/app", "a..b/app", "-a.b/app", "a.b:123456/app"],
    `${"a".repeat(300)}.b/app`,
  ])("refuses %j", (text) => {
    expect(parseRepositoryAddress(text)).toBeUndefined();
  });
});

describe("image references", () => {
  it.each([
    ["app", "app", "latest"],
    ["docker.io/library/python:3.11-slim", "docker.io/library/python", "3.11-slim"],
    ["localhost:5000/app", "localhost:5000/app", "latest"],
    ["app:v1@sha256:abc", "app", "sha256:abc"],
  ])("reads %s", (text, fullName, reference) => {
    expect(parseImageReference(text)).toMatchObject({ address: { fullName }, reference });
  });
});

describe("the Host header", () => {
  it.each([
    ["docker.io", "docker.io"],
    ["registry-1.docker.io:443", "docker.io"],
    ["DOCKER.IO.", "docker.io"],
    ["111122223333.dkr.ecr.eu-west-1.amazonaws.com.:4566", "111122223333.dkr.ecr.eu-west-1.amazonaws.com"],
    ["111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.com", "111122223333.dkr.ecr.eu-west-1.amazonaws.com.evil.com"],
    ["ghcr.io", "ghcr.io"],
    ["127.0.0.1:4566", undefined],
    ["localhost:4566", undefined],
    ["[::1]:4566", undefined],
    ["host.docker.internal:4566", undefined],
    ["kiln:4566", undefined],
    [undefined, undefined],
  ])("%s stands for %s", (host, expected) => {
    expect(standInHostOf(host, own)).toBe(expected);
  });

  it("may be Kiln's own published name", () => {
    expect(standInHostOf("kiln.example.com:4566", ["kiln.example.com:4566"])).toBeUndefined();
  });
});
