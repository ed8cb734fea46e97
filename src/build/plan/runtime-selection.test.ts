import { describe, expect, it } from "vitest";
import { selectRuntimes } from "./runtime-selection.ts";

const select = (image: string, runtime: string, version: string, variables: Record<string, string> = {}) =>
  selectRuntimes(image, [{ runtime, version }], new Map(Object.entries(variables)));
const standard7 = "aws/codebuild/standard:7.0";

describe("runtime-versions", () => {
  it.each([
    [standard7, "python", "3.11", "3.11", "Installing Python version 3.11 ..."],
    [standard7, "nodejs", "20.x", "20", "Installing Node.js version 20 ..."],
    [standard7, "python", "3.x", "3.14", "Installing Python version 3.14 ..."],
    [standard7, "golang", "latest", "1.26", "Installing Go version 1.26 ..."],
    [standard7, "java", "corretto17", "corretto17", "Installing Java version 17 ..."],
    ["aws/codebuild/standard:8.0", "java", "corretto25", "corretto25", "Installing Corretto(OpenJDK) version 25 ..."],
    [
      "aws/codebuild/amazonlinux-x86_64-standard:5.0",
      "java",
      "corretto21",
      "corretto21",
      "Installing corretto(OpenJDK) version 21 ...",
    ],
    ["aws/codebuild/standard:7.0-24.10.29", "ruby", "3.2", "3.2", "Installing Ruby version 3.2 ..."],
    [standard7, "python", "3.11.7", "3.11.7", "Installing custom Python version $VERSION ..."],
    ["aws/codebuild/standard:6.0", "nodejs", "20", "20", "Installing custom Node.js version $VERSION ..."],
  ])("%s makes of %s %s the version %s", (image, runtime, wanted, version, installing) => {
    expect(select(image, runtime, wanted)).toEqual({
      ok: true,
      value: { kind: "selected", runtimes: [{ runtime, wanted, version, installing }] },
    });
  });

  it("takes a version from a variable", () => {
    expect(select(standard7, "python", "$PY", { PY: "3.12" })).toMatchObject({
      value: { runtimes: [{ wanted: "3.12", version: "3.12" }] },
    });
    expect(select(standard7, "python", "${PY}", { PY: "3.12" })).toMatchObject({
      value: { runtimes: [{ version: "3.12" }] },
    });
  });

  it("refuses what an image without a default does not list", () => {
    expect(select("aws/codebuild/amazonlinux2-x86_64-standard:3.0", "nodejs", "15")).toEqual({
      ok: false,
      error: "Unknown runtime version named '15' of nodejs. This build image has the following versions: 10, 12",
    });
  });

  it.each([
    "standard:2.0",
    "standard:3.0",
    "standard:4.0",
    "amazonlinux2-x86_64-standard:1.0",
    "amazonlinux2-x86_64-standard:2.0",
    "amazonlinux2-x86_64-standard:3.0-24.10.29",
    "amazonlinux2-aarch64-standard:1.0",
    "amazonlinux2-aarch64-standard:2.0",
  ])("wants one at least on the old image %s", (name) => {
    expect(selectRuntimes(`aws/codebuild/${name}`, [])).toEqual({
      ok: false,
      error: "This build image requires selecting at least one runtime version.",
    });
  });

  it.each([
    ["x86_64-standard:1.0", "3.8", "3.7"],
    ["x86_64-standard:2.0", "3.7", "3.8"],
    ["aarch64-standard:1.0", "3.9", "3.7, 3.8"],
  ])("knows the Python of Amazon Linux 2 %s", (name, version, listed) => {
    expect(select(`aws/codebuild/amazonlinux2-${name}`, "python", version)).toEqual({
      ok: false,
      error: `Unknown runtime version named '${version}' of python. This build image has the following versions: ${listed}`,
    });
  });

  it.each(["aws/codebuild/amazonlinux-aarch64-lambda-standard:nodejs22", standard7])("may be none on %s", (image) => {
    expect(selectRuntimes(image, [])).toEqual({ ok: true, value: { kind: "none" } });
  });

  it("names the runtimes of the image for one that it does not have", () => {
    expect(select(standard7, "node", "20")).toEqual({
      ok: false,
      error:
        "Unknown runtime named 'node'. This build image has the following runtimes: dotnet, golang, java, nodejs, php, python, ruby",
    });
  });

  it.each(["python:3.11", "aws/codebuild/amazonlinux-x86_64-lambda-standard:python3.12"])(
    "is skipped for %s",
    (image) => {
      expect(select(image, "python", "3.11")).toEqual({
        ok: true,
        value: {
          kind: "skipped",
          warning:
            "[WARN] Skipping install of runtimes. Runtime version selection is not supported by this build image.",
        },
      });
    },
  );

  it("lets a curated image that is newer than the table have anything", () => {
    expect(select("aws/codebuild/standard:9.0", "python", "3.19")).toMatchObject({
      ok: true,
      value: { kind: "selected", runtimes: [{ version: "3.19" }] },
    });
  });
});
