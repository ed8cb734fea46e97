import { expect, it } from "vitest";
import { checkCacheExports, readBuildOptions } from "./build-options.ts";
import { readOutputs } from "./outputs.ts";

it("reads what clients send of a build", () => {
  expect(
    readBuildOptions(
      {
        filename: "docker/Dockerfile",
        target: "app",
        "build-arg:A": "1=2",
        "build-arg:SOURCE_DATE_EPOCH": "0",
        "label:a.b:c": "d",
        "no-cache": "one,two",
        platform: "linux/amd64",
        "force-network-mode": "none",
        "add-hosts": "a=1.2.3.4,b=::1",
        "shm-size": "1048576",
        ulimit: "nofile=10:20,nproc=5",
        "cache-imports": '[{"Type":"registry","Attrs":{"ref":"me/c"}}]',
        "context:base": "docker-image://alpine:3",
        "context:src": "local:src",
        cmdline: "docker/dockerfile:1",
        "local-sessionid:context": "x",
      },
      [{ type: "registry", attrs: { ref: "me/d" } }],
    ),
  ).toEqual({
    buildArgs: { A: "1=2", SOURCE_DATE_EPOCH: "0" },
    labels: { "a.b:c": "d" },
    namedContexts: {
      base: { kind: "image", reference: "alpine:3" },
      src: { kind: "folder", name: "src" },
    },
    context: { kind: "folder", name: "context" },
    dockerfileName: "docker/Dockerfile",
    dockerfileFolder: "dockerfile",
    target: "app",
    noCache: ["one", "two"],
    platform: "linux/amd64",
    network: "none",
    extraHosts: [
      { name: "a", address: "1.2.3.4" },
      { name: "b", address: "::1" },
    ],
    shmSizeBytes: 1048576,
    ulimits: [
      { name: "nofile", soft: 10, hard: 20 },
      { name: "nproc", soft: 5, hard: 5 },
    ],
    cacheFrom: ["me/d", "me/c"],
  });
});

it("takes an archive that the client uploads as context", () => {
  expect(readBuildOptions({ context: "http://buildkit-session/abc" }, [])).toMatchObject({
    context: { kind: "upload", path: "abc" },
    dockerfileFolder: undefined,
    noCache: false,
  });
  expect(
    readBuildOptions({ context: "http://buildkit-session/abc", dockerfilekey: "dockerfile", "no-cache": "" }, []),
  ).toMatchObject({
    dockerfileFolder: "dockerfile",
    noCache: true,
  });
});

const refusal = (what: string): string => `kiln's embedded builder does not do ${what}; start Docker for it`;

it.each<[Record<string, string>, string]>([
  [{ context: "https://u:secret@example.com/a.git" }, "fetching a build context: `https://example.com/a.git`"],
  [{ "context:x": "target:y" }, "--build-context `x=target:y` (a folder or docker-image:// only)"],
  [{ "context:x": "oci-layout://y" }, "--build-context `x=oci-layout://y` (a folder or docker-image:// only)"],
  [{ platform: "linux/amd64,linux/arm64" }, "several platforms in one build (linux/amd64, linux/arm64)"],
  [{ "attest:provenance": "mode=max" }, "attestations (--attest type=provenance)"],
  [{ requestid: "frontend.lint" }, "`frontend.lint` (docker build --call, --check)"],
  [{ "cgroup-parent": "x" }, "--cgroup-parent"],
  [{ "force-network-mode": "bridge" }, "--network bridge (default, host and none only)"],
  [{ "build-arg:BUILDKIT_SYNTAX": "me/frontend" }, "another frontend (BUILDKIT_SYNTAX)"],
  [{ "cache-imports": '[{"Type":"gha"}]' }, "--cache-from type=gha (type=registry only)"],
  [{ "something-new": "1" }, "the build option `something-new`"],
  [{ toString: "1" }, "the build option `toString`"],
])("refuses %j by name", (attributes, what) => {
  expect(() => readBuildOptions(attributes, [])).toThrow(refusal(what));
});

it("refuses outputs and caches that it does not write, by name", () => {
  expect(() => readOutputs([{ type: "oci", attrs: {} }])).toThrow(refusal("--output type=oci"));
  expect(() => readOutputs([{ type: "image", attrs: { push: "true" } }])).toThrow(
    "tag is needed when pushing to registry",
  );
  expect(readOutputs([{ type: "moby", attrs: { name: "b/a", push: "true" } }])).toMatchObject([{ isPushed: false }]);
  expect(() => readOutputs([{ type: "moby", attrs: { name: "b/A" } }])).toThrow(
    "failed to parse b/A: invalid reference format: repository name (b/A) must be lowercase",
  );
  expect(() => checkCacheExports([{ type: "registry", attrs: {} }])).toThrow(
    refusal("--cache-to type=registry (type=inline only)"),
  );
  expect(() => checkCacheExports([{ type: "inline", attrs: {} }])).not.toThrow();
});

it.each([
  [{ "add-hosts": "nowhere" }, "invalid host nowhere"],
  [{ ulimit: "nofile" }, "invalid ulimit argument: nofile"],
  [{ "shm-size": "64m" }, "failed to parse shm-size: 64m"],
  [{ "cache-imports": "{" }, "the build option `cache-imports` is no list of cache sources"],
] as const)("says what is wrong with %j", (attributes, problem) => {
  expect(() => readBuildOptions(attributes as unknown as Record<string, string>, [])).toThrow(problem);
});
