/** Images that builds push with the embedded builder: what of the builds' secrets is in them, and that clean ones are. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { copyFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Kiln, startKiln } from "../../src/app.ts";
import type { BuildEvent } from "../../src/build/run/events.ts";
import { detectIsolation } from "../../src/docker-api/embedded/isolation.ts";
import { LayerStore } from "../../src/images/index.ts";
import { staticBusybox } from "../support/docker-fixture.ts";
import { allow, CODEBUILD_TRUST, documentText } from "../support/policy-documents.ts";

const dir = mkdtempSync(join(tmpdir(), "kiln-leak-images-"));
const busybox = await staticBusybox();
const isolation = await detectIsolation(await LayerStore.open(join(dir, "probe")));
const canBuild = isolation.kind !== "none" && busybox !== undefined;

const TOKEN = "npm_9fQ2xV7kLmA4tR8wZb3YcD6eHs1J";
const BASE = 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n';
let kiln: Kiln;

beforeAll(async () => {
  kiln = await startKiln({ stateDir: join(dir, "state"), port: 0, engine: "host" });
  const { root } = kiln;
  await root.call("iam", "CreateRole", { RoleName: "builds", AssumeRolePolicyDocument: CODEBUILD_TRUST });
  const PolicyDocument = documentText(allow(["*"]));
  await root.call("iam", "PutRolePolicy", { RoleName: "builds", PolicyName: "all", PolicyDocument });
  await root.call("ssm", "PutParameter", { Name: "/npm/token", Value: TOKEN, Type: "SecureString" });
});
afterAll(async () => {
  await kiln.close();
  rmSync(dir, { recursive: true, force: true });
});

type Leak = Extract<BuildEvent, { type: "leak" }>;

let count = 0;
/** Runs a build of these files, which pushes `app:1` to Kiln's registry. */
async function leaksOf(
  files: Readonly<Record<string, string>>,
  flags: string,
): Promise<{ leaks: Leak[]; log: string; check: unknown }> {
  const name = `images-${++count}`;
  const source = join(dir, name);
  const registry = new URL(kiln.url).host;
  const commands = [
    `docker login -u test -p test ${registry}`,
    `docker build ${flags} -t ${registry}/${name}:1 .`,
    `docker push ${registry}/${name}:1`,
  ];
  const all = {
    ...files,
    "buildspec.yml": `version: 0.2\nenv:\n  parameter-store:\n    NPM_TOKEN: /npm/token\nphases:\n  build:\n    commands:\n${commands.map((line) => `      - ${line}\n`).join("")}`,
  };
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(dirname(join(source, file)), { recursive: true });
    writeFileSync(join(source, file), text);
  }
  await copyFile(busybox ?? "", join(source, "busybox"));
  await kiln.root.call("codebuild", "CreateProject", {
    name,
    source: { type: "GITHUB", location: pathToFileURL(source).href },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: {
      type: "LINUX_CONTAINER",
      image: "aws/codebuild/standard:7.0",
      computeType: "BUILD_GENERAL1_SMALL",
      privilegedMode: true,
    },
    serviceRole: "arn:aws:iam::000000000000:role/builds",
  });
  const { build } = await kiln.root.call<{ build: { id: string } }>("codebuild", "StartBuild", { projectName: name });
  const events: BuildEvent[] = [];
  for await (const event of kiln.events(build.id)) events.push(event);
  const log = events.map((event) => (event.type === "log" ? event.text : "")).join("\n");
  expect(events.at(-1), log).toMatchObject({ buildStatus: "SUCCEEDED" });
  expect(JSON.stringify(events)).not.toContain(TOKEN);
  return {
    leaks: events.filter((event) => event.type === "leak"),
    check: events.find((event) => event.type === "leak-check"),
    log,
  };
}

describe.skipIf(!canBuild)("an image that a build pushed", () => {
  it("leaks build arguments in its history, with the Dockerfile's line", async () => {
    const { leaks } = await leaksOf(
      { Dockerfile: `${BASE}ARG NPM_TOKEN\nRUN echo installed\n` },
      "--build-arg NPM_TOKEN=$NPM_TOKEN",
    );
    expect(leaks.map(({ place, at, message }) => ({ place, at, message }))).toEqual([
      {
        place: expect.objectContaining({
          kind: "image",
          part: "history",
          instruction: "ARG NPM_TOKEN=***",
        }),
        at: { file: "Dockerfile", line: 4 },
        message: expect.stringMatching(
          /^`NPM_TOKEN` \(parameter `\/npm\/token`\) is in the image `.*:1`, in its history, /,
        ),
      },
    ]);
    expect(leaks[0]?.fix[0]).toBe(
      "`docker build --secret id=npm_token,env=NPM_TOKEN` and `RUN --mount=type=secret,id=npm_token …` instead of `ARG` and `--build-arg`",
    );
  });

  it("leaks its environment and labels", async () => {
    const { leaks } = await leaksOf(
      { Dockerfile: `${BASE}ARG T\nENV APP_TOKEN=$T\nLABEL build.token=$T\n` },
      "--build-arg T=$NPM_TOKEN",
    );
    const members = leaks.flatMap(({ place, at }) =>
      place.kind === "image" && place.part === "config" ? [[place.member, at?.line]] : [],
    );
    expect(members).toEqual([
      ["Env APP_TOKEN", 5],
      ["Labels build.token", 6],
    ]);
  });

  it("leaks files of its layers, also those that a later layer removes, packed or not", async () => {
    const { leaks } = await leaksOf(
      {
        Dockerfile: `${BASE}ARG T\nRUN mkdir -p /root /opt && echo "//registry/:_authToken=$T" > /root/.npmrc\nRUN rm /root/.npmrc\nCOPY app /app\nRUN echo $T | gzip > /opt/x.gz\n`,
        "app/settings.txt": "nothing\n",
      },
      "--build-arg T=$NPM_TOKEN",
    );
    const layers = leaks.flatMap(({ place, at }) =>
      place.kind === "image" && place.part === "layer" ? [{ path: place.path, gone: place.isDeletedLater, at }] : [],
    );
    expect(layers).toEqual([
      { path: "root/.npmrc", gone: true, at: { file: "Dockerfile", line: 5 } },
      { path: "opt/x.gz", gone: undefined, at: { file: "Dockerfile", line: 8 } },
    ]);
    expect(leaks.find(({ place }) => place.kind === "image" && place.path === "root/.npmrc")?.message).toMatch(
      /layer sha256:[0-9a-f]{12}, file `root\/\.npmrc`, line 1 \(a later layer removes the file\), made by `RUN \|1 T=\*\*\* /,
    );
  });

  it("leaks nothing with a secret mount", async () => {
    const { leaks, check } = await leaksOf(
      { Dockerfile: `${BASE}RUN --mount=type=secret,id=npm cat /run/secrets/npm | wc -c > /size\n` },
      "--secret id=npm,env=NPM_TOKEN",
    );
    expect(leaks).toEqual([]);
    expect(check).toMatchObject({ leaks: 0, notLookedAt: [] });
  });
});
