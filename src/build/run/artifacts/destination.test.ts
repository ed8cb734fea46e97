/** Where artifacts go: the key layout of CreateProject's settings. */
import { expect, it } from "vitest";
import { destinationOf, plannedLocation } from "./destination.ts";

const UUID = "u-1";
const at = (target: object, more: object = {}) => {
  const to = destinationOf({
    target: { type: "S3", location: "bucket", ...target },
    uuid: UUID,
    projectName: "app",
    artifactsDir: "/state/artifacts/u-1",
    ...more,
  });
  return to.kind === "bucket" ? `s3://${to.bucket}/${to.key}` : `${to.folder}#${to.key}`;
};

it.each<[string, object, object, string]>([
  ["the project's name by default", {}, {}, "s3://bucket/app"],
  ["path and name", { path: "MyArtifacts", name: "MyArtifact.zip" }, {}, "s3://bucket/MyArtifacts/MyArtifact.zip"],
  ["a build id", { path: "a/", namespaceType: "BUILD_ID", name: "x" }, {}, "s3://bucket/a/u-1/x"],
  ["a build id and no name", { path: "a", namespaceType: "BUILD_ID", name: "/" }, {}, "s3://bucket/a/u-1"],
  ["the root", { name: "/" }, {}, "s3://bucket/"],
  ["a name the buildspec may not override", { name: "x" }, { name: "y" }, "s3://bucket/x"],
  ["a name it may", { name: "x", overrideArtifactName: true }, { name: "b/y.zip" }, "s3://bucket/b/y.zip"],
  ["no name to override with", { overrideArtifactName: true }, {}, "s3://bucket/app"],
  ["s3-prefix with a build id", { path: "a", namespaceType: "BUILD_ID" }, { s3Prefix: "p" }, "s3://bucket/p/u-1/app"],
  ["s3-prefix without one", { path: "a" }, { s3Prefix: "p" }, "s3://bucket/a/app"],
  ["a folder of this machine", { location: "file:///tmp/out", path: "p" }, {}, "/tmp/out#p/app"],
  ["no location", { location: undefined }, {}, "/state/artifacts/u-1#"],
  ["no location, ZIP", { location: undefined, packaging: "ZIP" }, {}, "/state/artifacts/u-1#app"],
  ["a pipeline", { type: "CODEPIPELINE", location: undefined }, {}, "/state/artifacts/u-1#app.zip"],
])("%s", (_, target, more, expected) => {
  expect(at(target, more)).toBe(expected);
});

it("shows the object's ARN while the build runs, and nothing for other kinds", () => {
  expect(plannedLocation({ type: "S3", location: "bucket", path: "p" }, UUID, "app")).toBe("arn:aws:s3:::bucket/p/app");
  expect(plannedLocation({ type: "S3", location: "file:///tmp" }, UUID, "app")).toBe("");
  expect(plannedLocation({ type: "NO_ARTIFACTS" }, UUID, "app")).toBe("");
});
