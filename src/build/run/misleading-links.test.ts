/** Links that commands put in the place of what Kiln reads and writes afterwards: to keys of the user, to Kiln's own state. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type TestedBuild, testBuild } from "../../../test/support/run-test-build.ts";
import { systemClock } from "../../core/clock.ts";
import { createHostEngine, createSandboxEngine } from "../../engines/index.ts";
import type { BuildRequest } from "./build-request.ts";

const problem = await createSandboxEngine().problem?.(AbortSignal.timeout(20_000));
if (problem !== undefined) process.stderr.write(`misleading links are not tried in the sandbox: ${problem}\n`);
const isRoot = process.getuid?.() === 0;

const SECRET = "key-of-the-user";
const JUNIT = `<testsuites><testsuite name="s"><testcase name="${SECRET}"/></testsuite></testsuites>`;

/** Not below the system's temporary folder, which builds do not see anyway. */
let place = "";
/** Hidden in the sandbox; on the host it is Kiln's state. */
let hidden = "";
let privateDir = "";
beforeEach(() => {
  place = mkdtempSync(join(process.cwd(), "node_modules", ".kiln-links-"));
  chmodSync(place, 0o755);
  hidden = join(place, "hidden");
  mkdirSync(join(hidden, "out"), { recursive: true });
  for (const name of ["id", "out/id"]) writeFileSync(join(hidden, name), SECRET, { mode: 0o600 });
  for (const name of ["junit.xml", "out/junit.xml"]) writeFileSync(join(hidden, name), JUNIT);
  privateDir = mkdtempSync(join(tmpdir(), "kiln-private-"));
});
afterEach(() => {
  for (const folder of [place, privateDir]) rmSync(folder, { recursive: true, force: true });
});

interface Attack {
  readonly commands: readonly string[];
  /** Further lines of the buildspec. */
  readonly more: string;
  readonly request?: Partial<BuildRequest>;
  readonly onHost?: boolean;
}

interface Attacked extends TestedBuild {
  /** Files of the artifacts, with their texts. */
  readonly artifacts: Readonly<Record<string, string>>;
  /** Whatever was sent to S3. */
  readonly stored: string;
  readonly reported: string;
}

const LOCAL_ARTIFACTS = { artifacts: { type: "S3" } } as unknown as Partial<BuildRequest>;

async function attack({ commands, more, request = LOCAL_ARTIFACTS, onHost = false }: Attack): Promise<Attacked> {
  const artifactsDir = join(place, "artifacts");
  const stored: string[] = [];
  const reported: string[] = [];
  const group = { arn: "arn:group", name: "group", type: "TEST" } as const;
  const built = await testBuild({
    engine: onHost ? createHostEngine({ graceMs: 100 }) : createSandboxEngine({ graceMs: 100, hidden: [hidden] }),
    clock: systemClock,
    buildspec: `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((text) => `      - ${JSON.stringify(text)}\n`).join("")}${more}`,
    request,
    role: {
      PutObject: async ({ Body }: { Body: AsyncIterable<Uint8Array> }) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of Body) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        stored.push((bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString("latin1"));
        return {};
      },
      GetObject: () => {
        throw new Error("nothing there");
      },
    },
    dependencies: {
      ...{ artifactsDir, privateDir, stateDir: hidden, cacheDir: join(hidden, "cache") },
      reports: {
        openGroup: async () => group,
        createReport: async () => ({ arn: "arn:report", group }),
        putTestCases: async (_report, cases) => void reported.push(JSON.stringify(cases)),
        putCodeCoverages: async () => {},
        updateReport: async () => {},
      },
    },
  });
  const names = existsSync(artifactsDir) ? readdirSync(artifactsDir, { recursive: true }).map(String) : [];
  const files = names.filter((name) => statSync(join(artifactsDir, name)).isFile());
  const artifacts = Object.fromEntries(files.map((name) => [name, readFileSync(join(artifactsDir, name), "utf8")]));
  expect(JSON.stringify([artifacts, stored, reported, built.log])).not.toContain(SECRET);
  return { ...built, artifacts, stored: stored.join(""), reported: reported.join("") };
}

const uploadMessage = ({ result }: TestedBuild): string | undefined =>
  result.phases.find(({ phaseType }) => phaseType === "UPLOAD_ARTIFACTS")?.contexts?.[0]?.message;

describe.skipIf(problem !== undefined)("a link to what the sandbox hides", () => {
  it.each([
    ["the base directory", () => `ln -s ${hidden} out`, "out"],
    ["a folder above the base directory", () => `ln -s ${hidden} above`, "above/out"],
    ["a link to a link", () => `ln -s ${hidden} /tmp/there; ln -s /tmp/there out`, "out"],
    ["a folder of the sandbox's own", () => `ln -s ${hidden} /tmp/out`, "/tmp/out"],
  ])("in place of %s is nothing", async (_name, command, base) => {
    const attacked = await attack({
      commands: [command()],
      more: `artifacts:\n  base-directory: ${base}\n  files: ['**/*', id, out/id]\n`,
    });
    expect(uploadMessage(attacked)).toBe(`no matching base directory path found for ${base}`);
  });

  it("in place of files and folders is left out by name", async () => {
    const { artifacts, notices } = await attack({
      commands: [
        `mkdir own /tmp/copied; echo mine > own/file; ln -s ${hidden}/id own/id; ln -s ${hidden} own/folder`,
        `rm -r ../../../output/src*/src/none ../none; ln -s ${hidden} parent; true`,
      ],
      more: "artifacts:\n  files: ['own/**/*', 'own/id', 'own/folder/id', 'parent/id', 'parent/out/*']\n",
    });
    expect(artifacts).toEqual({ "own/file": "mine\n" });
    expect(notices.filter((text) => text.includes("leads out of the build")).length).toBeGreaterThan(1);
  });

  it("inside a folder of the sandbox's own is left out, and what the sandbox has at the target is not", async () => {
    const { artifacts } = await attack({
      commands: [`mkdir /tmp/made; echo made > /tmp/made/file; ln -s ${hidden}/id /tmp/made/id; ln -s /tmp/made out`],
      more: "artifacts:\n  base-directory: out\n  files: '**/*'\n",
    });
    expect(artifacts).toEqual({ file: "made\n" });
  });

  it("in place of a secondary artifact's folder is nothing", async () => {
    const attacked = await attack({
      commands: [`mkdir a && echo a > a/file; ln -s ${hidden} b`],
      more: "artifacts:\n  secondary-artifacts:\n    one: { base-directory: a, files: '**/*' }\n    two: { base-directory: b, files: '**/*' }\n",
      request: {
        secondaryArtifacts: [
          { type: "S3", artifactIdentifier: "one" },
          { type: "S3", artifactIdentifier: "two" },
        ],
      },
    });
    expect(attacked.artifacts).toEqual({ "one/file": "a\n" });
    expect(uploadMessage(attacked)).toBe("no matching base directory path found for b");
  });

  it("in place of reports is none, whether they are configured or discovered", async () => {
    const { reported } = await attack({
      commands: [
        `ln -s ${hidden} reports; ln -s ${hidden}/junit.xml junit.xml; mkdir real; ln -s ${hidden}/out real/x`,
      ],
      more: "reports:\n  one: { base-directory: reports, files: '**/*.xml' }\n  two: { files: ['junit.xml', 'reports/*.xml', 'real/**/*'] }\n",
    });
    expect(reported).toBe("");
  });

  it("in place of what a cache names is stored as a link, or not at all", async () => {
    const { stored } = await attack({
      commands: [
        `mkdir dep; echo mine > dep/own; ln -s ${hidden} dep/folder; ln -s ${hidden}/id dep/id; ln -s ${hidden} deep`,
      ],
      more: "cache:\n  paths: ['dep/**/*', 'deep/**/*', 'deep/out/id', '/root/x/**/*']\n",
      request: { cache: { type: "S3", location: "bucket" } },
    });
    expect(stored).toContain("src/dep/own");
    expect(stored).toContain("mine\n");
    expect(stored).not.toContain("junit");
  });

  it("in place of a folder on the way to a local cache keeps it from being made there", async () => {
    mkdirSync(join(hidden, "victim", "dep"), { recursive: true });
    writeFileSync(join(hidden, "victim", "dep", "file"), "kept");
    const { log } = await attack({
      commands: ["true"],
      // Values are filled in by a shell before the cache is made.
      more: `cache:\n  paths: ['$(ln -s ${hidden}/victim way; echo way/dep)/**/*']\n`,
      request: { cache: { type: "LOCAL", modes: ["LOCAL_CUSTOM_CACHE"] } },
    });
    expect(log).toContain("Unable to initialize cache download: a link is in the way: way/dep/**/*");
    expect(readFileSync(join(hidden, "victim", "dep", "file"), "utf8")).toBe("kept");
  });

  it("in place of the local cache's folder is not put back", async () => {
    const request = { cache: { type: "LOCAL", modes: ["LOCAL_CUSTOM_CACHE"] } } as const;
    const more = "cache:\n  paths: ['dep/**/*']\n";
    await attack({ commands: [`d=$(readlink dep); rm -r "$d"; ln -s ${hidden} "$d"`], more, request });
    const { log } = await attack({ commands: ["ls dep/ | wc -l; echo kept > dep/file"], more, request });
    expect(log).toContain("0\n");
    expect((await attack({ commands: ["cat dep/file"], more, request })).log).toContain("kept\n");
  });

  it("in place of the folder for scripts ends the build, and nothing is written there", async () => {
    const { result } = await attack({
      commands: [`cd ../../.. && mv output/tmp output/old && ln -s ${hidden}/out output/tmp`, "echo second"],
      more: "",
    });
    const context = result.phases.find(({ phaseType }) => phaseType === "BUILD")?.contexts?.[0];
    expect(context?.message).toContain(`now leads to ${join(hidden, "out")}`);
    expect(readdirSync(join(hidden, "out")).sort()).toEqual(["id", "junit.xml"]);
  });

  it.each(["dir.next", "env.next", "env.sh"])("in place of the saved state's %s is not read", async (name) => {
    const { result } = await attack({
      commands: [
        `trap 'rm -f ${privateDir}/shell/${name}; ln -s ${hidden}/id ${privateDir}/shell/${name}' EXIT`,
        "echo second",
      ],
      more: "  post_build:\n    commands: ['echo third']\n",
    });
    expect(result.buildStatus).toBe(name === "env.sh" ? "SUCCEEDED" : "FAULT");
    expect(readFileSync(join(hidden, "id"), "utf8")).toBe(SECRET);
  });

  it("in place of the output's pipe changes nothing", async () => {
    const { log } = await attack({
      commands: [`rm -f "$HOME/../output.fifo"; ln -s ${hidden}/id "$HOME/../output.fifo"`, "echo third"],
      more: "",
    });
    expect(log).toContain("third\n");
    expect(readFileSync(join(hidden, "id"), "utf8")).toBe(SECRET);
  });

  it("that comes and goes while files are read never leads there", async () => {
    const swap = `mkdir own && echo mine > own/id && ln -s ${hidden} link && ln -s own flip`;
    const flip = "nohup sh -c 'while :; do ln -sfn link flip; ln -sfn own flip; done' >/dev/null 2>&1 &";
    const names = Array.from({ length: 40 }, (_, number) => `n${number}`);
    const of = (name: string): string =>
      `    ${name}: { base-directory: ., files: ['own/*', 'flip/id', 'flip/**/*'] }\n`;
    const { artifacts } = await attack({
      commands: [swap, flip],
      more: `artifacts:\n  secondary-artifacts:\n${names.map(of).join("")}`,
      request: { secondaryArtifacts: names.map((artifactIdentifier) => ({ type: "S3", artifactIdentifier })) },
    });
    expect(Object.keys(artifacts).length).toBeGreaterThanOrEqual(names.length);
  });

  it.runIf(isRoot)("in place of what another user gets changes no rights there", async () => {
    const before = ["", "out", "id", "out/id"].map((name) => rights(join(hidden, name)));
    await attack({
      commands: [
        `rm -r "$HOME"; ln -s ${hidden} "$HOME"; ln -s ${hidden}/id ${privateDir}/shell/more; ln -s ${hidden}/out link`,
      ],
      more: "  post_build:\n    run-as: nobody\n    commands: ['id -un']\n",
    });
    expect(["", "out", "id", "out/id"].map((name) => rights(join(hidden, name)))).toEqual(before);
  });
});

const rights = (path: string): string => {
  const { mode, uid, gid } = statSync(path);
  return `${mode.toString(8)} ${uid}:${gid}`;
};

describe("a link to Kiln's own state on this machine itself", () => {
  it("in place of the base directory fails the phase", async () => {
    const attacked = await attack({
      commands: [`ln -s ${hidden} out`],
      more: "artifacts:\n  base-directory: out\n  files: '**/*'\n",
      onHost: true,
    });
    expect(uploadMessage(attacked)).toBe(`the base directory out leads into Kiln's own state, ${hidden}`);
  });

  it("in place of a file or a report is left out", async () => {
    const { artifacts, reported } = await attack({
      commands: [
        `echo mine > file; ln -s ${hidden}/id id; ln -s ${hidden}/junit.xml junit.xml; ln -s ${hidden} reports`,
      ],
      more: "artifacts:\n  files: [file, id]\nreports:\n  one: { files: ['junit.xml', 'reports/*'] }\n",
      onHost: true,
    });
    expect(artifacts).toEqual({ file: "mine\n" });
    expect(reported).toBe("");
  });

  it("keeps a folder elsewhere on the machine readable, as a build has the user's rights there", async () => {
    const elsewhere = join(place, "elsewhere");
    execFileSync("mkdir", [elsewhere]);
    const { artifacts } = await attack({
      commands: [`echo mine > ${elsewhere}/file; ln -s ${elsewhere} out`],
      more: "artifacts:\n  base-directory: out\n  files: '**/*'\n",
      onHost: true,
    });
    expect(artifacts).toEqual({ file: "mine\n" });
  });
});
