/** The cache of builds, in S3 and on this machine: lines, keys, the ledger, failures that fail nothing. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type RoleScript, testBuild } from "../../../../test/support/run-test-build.ts";
import { s3Error, scriptedS3 } from "../../../../test/support/scripted-s3.ts";
import { createHostEngine } from "../../../engines/index.ts";
import type { ArtifactsTarget, CacheTarget } from "../build-request.ts";

const engine = createHostEngine({ graceMs: 100 });
const S3: CacheTarget = { type: "S3", location: "bucket/prefix" };
/** Prints how often the cached file was found, and counts up. */
const COUNT =
  'mkdir -p cached && n=$(cat cached/n 2>/dev/null || echo 0) && echo "found $n" && echo $((n + 1)) > cached/n';

async function build(
  section: string,
  {
    cache = S3,
    role,
    commands = [COUNT],
    cacheDir,
    projectName = "my-project",
    artifacts,
  }: {
    readonly cache?: CacheTarget;
    readonly role?: RoleScript;
    readonly commands?: readonly string[];
    readonly cacheDir?: string;
    readonly projectName?: string;
    readonly artifacts?: ArtifactsTarget;
  },
) {
  const tested = await testBuild({
    engine,
    ...(role ? { role } : {}),
    buildspec: `version: 0.2\nphases:\n  build:\n    commands: ${JSON.stringify(commands)}\n${section}`,
    request: { cache, projectName, ...(artifacts ? { artifacts } : {}) },
    ...(cacheDir === undefined ? {} : { dependencies: { cacheDir } }),
  });
  const ledger = tested.events.flatMap((event) => {
    if (event.type !== "cache") return [];
    const { key, matchedKey, reason } = event;
    return [[event.kind, key, matchedKey, reason].filter((part) => part !== undefined).join(" | ")];
  });
  const moving = tested.log.indexOf("C Moving to directory");
  const restoring = tested.log.slice(moving, tested.log.indexOf("C Registering with agent"));
  return { ...tested, ledger, restoring, found: /^found \S+$/m.exec(tested.log)?.[0] };
}
const CACHED = "cache:\n  paths: ['cached/**/*']\n";
const keyed = (key: string, more = ""): string => `${CACHED}  key: ${JSON.stringify(key)}\n${more}`;

describe("a cache in S3 without a key", () => {
  it("is restored, replaced after each build, and a build without one says so as AWS does", async () => {
    const { role, objects } = scriptedS3();
    const one = await build(CACHED, { role });
    expect(one.restoring).toBe(`C Moving to directory SRC
C Expanded cache path cached/**/*
C Downloading S3 cache...
C Unable to download cache: NoSuchKey: The specified key does not exist.
\tstatus code: 404, request id: REQUEST, host id: HOST
`);
    expect(one.ledger).toEqual(["missed | nothing is cached yet", "saved"]);
    const two = await build(CACHED, { role });
    expect(two.restoring).toBe(`C Moving to directory SRC
C Expanded cache path cached/**/*
C Downloading S3 cache...
C Unarchiving cache...
`);
    expect([two.found, two.ledger]).toEqual(["found 1", ["restored", "saved"]]);
    expect((await build(CACHED, { role })).found).toBe("found 2");
    expect([...objects.keys()]).toEqual([
      expect.stringMatching(/^bucket\/prefix\/kiln-cache\/project-my-project-0\/[0-9a-f]{32}\/project\.tar\.gz$/),
    ]);
    const restored = two.events.find((event) => event.type === "cache");
    expect(restored).toMatchObject({ kind: "restored", store: "S3", files: 1, bytes: expect.any(Number) });
  });

  it("belongs to one project, one set of paths, and the time since it was last invalidated", async () => {
    const { role } = scriptedS3();
    await build(CACHED, { role });
    expect((await build(CACHED, { role, projectName: "other" })).found).toBe("found 0");
    expect((await build("cache:\n  paths: ['cached/n']\n", { role })).found).toBe("found 0");
    expect((await build(CACHED, { role, cache: { ...S3, generation: 1 } })).found).toBe("found 0");
  });

  it("is only restored, or only saved, with `action`", async () => {
    const { role } = scriptedS3();
    const saving = await build(`${CACHED}  action: save\n`, { role });
    expect(saving.ledger).toEqual(["skipped | `action` is save: nothing is restored", "saved"]);
    const restoring = await build(`${CACHED}  action: restore\n`, { role });
    expect(restoring.ledger).toEqual(["restored", "skipped | `action` is restore: nothing is saved"]);
  });

  it("is not saved by a failed build, nor when its paths name nothing", async () => {
    const { role, objects } = scriptedS3();
    const failed = await build(CACHED, { role, commands: [COUNT, "false"] });
    expect(failed.ledger.at(-1)).toBe("skipped | the build failed");
    const notUploaded = await build(`${CACHED}artifacts: {files: [absent]}\n`, {
      role,
      artifacts: { type: "CODEPIPELINE" },
    });
    expect(notUploaded.log).toContain("no matching artifact paths found");
    expect(notUploaded.ledger.at(-1)).toBe("skipped | the build failed");
    const empty = await build(CACHED, { role, commands: ["true"] });
    expect(empty.ledger.at(-1)).toBe("skipped | the paths name no file");
    expect(objects.size).toBe(0);
  });

  it("fails no build when the role may not use the bucket", async () => {
    const refuse = (): never => {
      throw s3Error("AccessDenied", 403, 'no, s3:ListBucket on resource: "arn:aws:s3:::bucket"');
    };
    const { result, log, ledger } = await build(CACHED, { role: { GetObject: refuse, PutObject: refuse } });
    expect(result.buildStatus).toBe("SUCCEEDED");
    const text =
      'AccessDenied: no, s3:ListBucket on resource: "arn:aws:s3:::bucket"\n\tstatus code: 403, request id: REQUEST, host id: HOST';
    expect(log).toContain(`C Unable to download cache: ${text}\n`);
    expect(log).toContain(`C Uploading S3 cache...\nC Unable to upload cache: ${text}\n`);
    expect(ledger).toEqual([
      'missed | AccessDenied: no, s3:ListBucket on resource: "arn:aws:s3:::bucket"',
      'skipped | AccessDenied: no, s3:ListBucket on resource: "arn:aws:s3:::bucket"',
    ]);
  });
});

describe("a cache in S3 with a key", () => {
  it("is found by its key, never written again, and by the newest of a fallback key's", async () => {
    const { role } = scriptedS3();
    const one = await build(keyed("npm-$(echo a)/$STAGE", ""), { role, commands: [COUNT] });
    expect(one.log).toContain("C No cache found for key npm-a/\n");
    expect(one.ledger).toEqual([
      "missed | npm-a/ | neither the key nor a fallback key leads to a cache",
      "saved | npm-a/",
    ]);
    const two = await build(keyed("npm-a/"), { role });
    expect(two.ledger).toEqual([
      "restored | npm-a/ | npm-a/",
      "skipped | npm-a/ | the key is cached already, and a keyed cache is not written again",
    ]);
    expect((await build(keyed("npm-a/"), { role })).found).toBe("found 1");
    await build(keyed("npm-b", "  fallback-keys: ['npm-a']\n"), { role });
    const last = await build(keyed("npm-c", "  fallback-keys: ['yarn-', 'npm-']\n"), { role });
    expect(last.ledger).toEqual(["restored | npm-c | npm-b", "saved | npm-c"]);
    expect(last.found).toBe("found 2");
  });

  it("uses five fallback keys, and no empty key", async () => {
    const { role } = scriptedS3();
    const keys = "  fallback-keys: [a, b, c, d, e, f]\n";
    expect((await build(keyed("k", keys), { role })).notices).toContain(
      "cache: at most 5 fallback keys count; 1 are not used",
    );
    const empty = await build(keyed("$NOTHING"), { role });
    expect(empty.log).toContain("C Unable to initialize cache download: the cache key is empty\n");
    expect(empty.ledger).toEqual(["skipped |  | the cache key is empty"]);
  });

  it("is shared by projects of one namespace", async () => {
    const { role } = scriptedS3();
    const cache = { ...S3, cacheNamespace: "team" };
    await build(keyed("k"), { role, cache });
    expect((await build(keyed("k"), { role, cache, projectName: "other" })).found).toBe("found 1");
    expect((await build(keyed("k"), { role, projectName: "other" })).found).toBe("found 0");
    // Without a key there is nothing to share.
    await build(CACHED, { role, cache });
    expect((await build(CACHED, { role, cache, projectName: "other" })).found).toBe("found 0");
  });
});

describe("paths of a cache", () => {
  it("mean the build's HOME for /root, and leave your machine alone by name", async () => {
    const { role } = scriptedS3();
    const section = "cache:\n  paths: ['/root/.m2/**/*', '/etc/hosts']\n";
    const commands = [
      'mkdir -p "$HOME/.m2" && echo "found $(cat "$HOME/.m2/x" 2>/dev/null)" && echo kept > "$HOME/.m2/x"',
    ];
    const one = await build(section, { role, commands });
    expect(one.notices).toContain(
      "cache: the path `/etc/hosts` is left out, because it is outside the build's folders, on your machine",
    );
    expect((await build(section, { role, commands })).found).toBe("found kept");
  });

  it.each([
    [
      "",
      "C Moving to directory SRC\nC Cache is not defined in the buildspec\nC Skip cache due to: no paths specified to be cached\n",
    ],
    ["cache:\n  key: x\n", "C Moving to directory SRC\nC Skip cache due to: no paths specified to be cached\n"],
  ])("are needed: %j", async (section, restoring) => {
    expect((await build(section, {})).restoring).toBe(restoring);
  });

  it.each([
    ["NO_CACHE", undefined, "the project's cache type is NO_CACHE: the buildspec's `cache` is not used"],
    [
      "LOCAL",
      ["LOCAL_SOURCE_CACHE"],
      "the project's local cache has no mode LOCAL_CUSTOM_CACHE: the buildspec's `cache` is not used",
    ],
  ])("are not used with %s %s, and that is said once", async (type, modes, text) => {
    const { notices, restoring } = await build(CACHED, { cache: { type, modes } });
    expect(notices.filter((notice) => notice.includes("cache"))).toEqual([text]);
    expect(restoring).toBe("C Moving to directory SRC\n");
  });
});

describe("a local custom cache", () => {
  let cacheDir = "";
  beforeEach(async () => {
    cacheDir = await mkdtemp(join(tmpdir(), "kiln-local-"));
  });
  afterEach(() => rm(cacheDir, { recursive: true, force: true }));
  const cache = { type: "LOCAL", modes: ["LOCAL_CUSTOM_CACHE"] };

  it("links folders into the build, also for a build that fails", async () => {
    const one = await build("cache:\n  paths: ['cached/**/*']\n", { cache, cacheDir, commands: [COUNT, "false"] });
    expect(one.ledger).toEqual(["missed | cached/**/* | nothing is cached yet, or another build has it"]);
    expect(one.restoring).toBe("C Moving to directory SRC\nC Symlinking local cache cached/**/*\n");
    const two = await build("cache:\n  paths: ['cached/**/*']\n", {
      cache,
      cacheDir,
      commands: [COUNT, "test -L cached"],
    });
    expect([two.found, two.ledger, two.result.buildStatus]).toEqual([
      "found 1",
      ["restored | cached/**/*"],
      "SUCCEEDED",
    ]);
    expect((await build(CACHED, { cache: { ...cache, generation: 1 }, cacheDir })).found).toBe("found 0");
  });

  it.each(["NONE", "ZIP"])("is part of the build for its artifacts, %s", async (packaging) => {
    const section = `${CACHED}artifacts:\n  files: ['**/*']\n  enable-symlinks: yes\n`;
    const { result, notices } = await build(section, {
      cache,
      cacheDir,
      artifacts: { type: "S3", packaging, name: "x" },
    });
    expect(result.buildStatus).toBe("SUCCEEDED");
    expect(notices.filter((text) => text.startsWith("artifacts: "))).toEqual([
      expect.stringMatching(/^artifacts: 1 file in /),
    ]);
  });

  it("takes directories only", async () => {
    const { log, ledger } = await build("cache:\n  paths: ['*.txt', cached]\n", { cache, cacheDir });
    expect(log).toContain("C Unable to initialize cache download: only directories can be cached locally: *.txt\n");
    expect(ledger).toEqual([
      "skipped | *.txt | only directories can be cached locally: *.txt",
      "missed | cached | nothing is cached yet, or another build has it",
    ]);
  });
});
