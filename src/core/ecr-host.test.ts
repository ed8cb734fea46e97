import { describe, expect, it } from "vitest";
import { isEcrHost, parseEcrImage } from "./ecr-host.ts";

describe("names of ECR", () => {
  it("are told from those of other registries", () => {
    expect(isEcrHost("123456789012.dkr.ecr.eu-west-1.amazonaws.com")).toBe(true);
    expect(isEcrHost("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com")).toBe(true);
    expect(isEcrHost("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn")).toBe(true);
    expect(isEcrHost("public.ecr.aws")).toBe(false);
    expect(isEcrHost("123456789012.dkr.ecr.eu-west-1.amazonaws.com.example.org")).toBe(false);
  });

  it("are read with tag and digest", () => {
    const name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app";
    const image = { name, accountId: "123456789012", region: "eu-west-1", repository: "team/app" };
    expect(parseEcrImage(name)).toEqual(image);
    expect(parseEcrImage(`${name}:1.2`)).toEqual({ ...image, tag: "1.2" });
    expect(parseEcrImage(`${name}:1.2@sha256:abc`)).toEqual({ ...image, tag: "1.2", digest: "sha256:abc" });
    expect(parseEcrImage("docker.io/library/python:3")).toBeUndefined();
    expect(parseEcrImage("python")).toBeUndefined();
  });
});
