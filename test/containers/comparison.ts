/** One engine and one embedded builder side by side, and the docker CLIs that drive both. */
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type DockerFixture, openDockerFixture, type Ran } from "../support/docker-fixture.ts";
import { baseImages } from "./base-images.ts";
import { type Case, prepareContext, type Style } from "./cases.ts";
import { imageDifferences } from "./compare-images.ts";
import { dockerApi, dockerApiBody, engineSocket } from "./docker-api.ts";
import { buildkitFailure, classicFailure } from "./failure-text.ts";
import { type ComparableImage, readSavedImage } from "./saved-image.ts";

export interface Comparison {
  /** Why this style cannot be compared here, or undefined. */
  whyNot(one: Case, style: Style): string | undefined;
  /** `meant` are the starts in `differs` that were met. */
  compare(one: Case, style: Style): Promise<{ differences: string[]; meant: ReadonlySet<string> }>;
  close(): Promise<void>;
}

export async function whyNoComparison(): Promise<string | undefined> {
  if (!(await engineSocket())) return "no Docker engine answers on this machine (KILN_TEST_DOCKER_HOST names one)";
  if ((await dockerClis()).length === 0) return "there is no docker CLI";
  return undefined;
}

interface Cli {
  readonly path: string;
  /** Builds with BuildKit without a plugin: those before 23. */
  readonly hasBuildKit: boolean;
}

async function dockerClis(): Promise<Cli[]> {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/bin"];
  const named = process.env["KILN_TEST_BUILDKIT_CLI"];
  const paths = new Set([
    ...(named === undefined ? [] : [named]),
    ...folders.map((folder) => join(folder, "docker")).filter((path) => existsSync(path)),
  ]);
  return Promise.all(
    [...paths].map(async (path) => {
      const { stdout } = await promisify(execFile)(path, ["--version"]);
      return { path, hasBuildKit: Number(/version (\d+)\./.exec(stdout)?.[1] ?? 99) < 23 };
    }),
  );
}

export async function openComparison(): Promise<Comparison> {
  const engine = await engineSocket();
  const bases = await baseImages("kiln-compare");
  if (!engine || !bases) throw new Error("asked for a comparison where none is possible");
  const clis = await dockerClis();
  const ours = await openDockerFixture({ backend: "embedded" });
  const dir = await mkdtemp(join(tmpdir(), "kiln-compare-"));
  const ourSocket = (ours.socket.dockerHost ?? "").slice("unix://".length);
  await dockerApiBody(engine, "POST", "/images/load?quiet=1", bases);
  await dockerApiBody(ourSocket, "POST", "/images/load?quiet=1", bases);
  const { Version: text } = JSON.parse((await dockerApiBody(engine, "GET", "/version")).toString("utf8")) as {
    Version: string;
  };
  const version = Number.parseInt(text, 10);
  const made = new Set<string>(["kiln-compare/base:1", "kiln-compare/parent:1"]);
  const buildkitCli = clis.find((cli) => cli.hasBuildKit)?.path;
  const whyNoBuildKit = await whyNotBuildKit(ours, buildkitCli);
  if (whyNoBuildKit !== undefined) process.stderr.write(`comparisons with BuildKit are skipped: ${whyNoBuildKit}\n`);
  let count = 0;
  const build = (socketPath: string, one: Case, style: Style, context: string, tag: string): Promise<Ran> => {
    const cli = style === "buildkit" ? buildkitCli : clis[0]?.path;
    // The classic builder leaves the containers of failed commands behind unless told.
    const progress = style === "buildkit" ? ["--progress=plain"] : ["--force-rm"];
    // An engine for tests may have no bridge: then RUN has a network of its own only.
    const args = [
      "build",
      "--network",
      "none",
      ...progress,
      "-t",
      tag,
      ...(one.arguments ?? []),
      join(context, one.context ?? "."),
    ];
    return runCli(cli ?? "docker", args, context, {
      DOCKER_HOST: `unix://${socketPath}`,
      DOCKER_CONFIG: join(dir, "config"),
      DOCKER_BUILDKIT: style === "buildkit" ? "1" : "0",
      ...one.environment,
    });
  };
  const saved = async (socketPath: string, tag: string): Promise<{ archive: Buffer; image: ComparableImage }> => {
    const archive = await dockerApiBody(socketPath, "GET", `/images/${tag}/get`);
    return { archive, image: readSavedImage(archive) };
  };
  const runOnEngine = (tag: string, args: readonly string[]): Promise<Ran> =>
    runCli(clis[0]?.path ?? "docker", ["run", "--rm", "--network", "none", tag, ...args], dir, {
      DOCKER_HOST: `unix://${engine}`,
      DOCKER_CONFIG: join(dir, "config"),
    });
  return {
    whyNot(one, style) {
      if (style === "classic") return undefined;
      if (whyNoBuildKit !== undefined) return whyNoBuildKit;
      return version < (one.since ?? 0) ? `the engine is of version ${version}` : undefined;
    },
    async compare(one, style) {
      const context = join(dir, `${one.name}-${++count}`, "context");
      await mkdir(context, { recursive: true });
      await prepareContext(one, context);
      const tag = `kiln-compare/${one.name}:${style}`;
      const [theirRun, ourRun] = await Promise.all([
        build(engine, one, style, context, tag),
        build(ourSocket, one, style, context, tag),
      ]);
      for (const [, id = ""] of theirRun.out.matchAll(/^ ---> ([0-9a-f]{12})$/gm)) made.add(id);
      made.add(tag);
      const found: string[] = [];
      if (theirRun.code !== ourRun.code)
        found.push(
          `exit code: docker ${theirRun.code}, kiln ${ourRun.code}: ${lastLines(theirRun.code === 0 ? ourRun : theirRun)}`,
        );
      else if (one.fails) {
        const text = style === "classic" ? classicFailure : buildkitFailure;
        const [a, b] = [text(theirRun, dir), text(ourRun, dir)];
        if (a !== b) found.push(`message: docker ${JSON.stringify(a)}, kiln ${JSON.stringify(b)}`);
      }
      if (one.fails && theirRun.code === 0) found.push("docker builds it: the case is not one that fails");
      else if (!one.fails && theirRun.code !== 0) found.push(`docker does not build it: ${lastLines(theirRun)}`);
      if (theirRun.code === 0 && ourRun.code === 0) {
        const [theirs, own] = [await saved(engine, tag), await saved(ourSocket, tag)];
        found.push(...imageDifferences(theirs.image, own.image));
        if (!one.run && style === "buildkit" && hasCommand(own.image)) {
          // What most images run ends by itself when it gets no input: a container of ours is to start and to end like that.
          await dockerApiBody(engine, "POST", "/images/load?quiet=1", own.archive);
          const ran = await runOnEngine(tag, []);
          if (ran.code !== 0) found.push(`run, code: kiln's image ends with ${ran.code}: ${lastLines(ran)}`);
        }
        if (one.run) {
          const expected = await runOnEngine(tag, one.run);
          // Ours takes the name: the same command, another image.
          await dockerApiBody(engine, "POST", "/images/load?quiet=1", own.archive);
          const ran = await runOnEngine(tag, one.run);
          for (const part of ["code", "out", "err"] as const) {
            if (expected[part] !== ran[part])
              found.push(`run, ${part}: docker ${JSON.stringify(expected[part])}, kiln ${JSON.stringify(ran[part])}`);
          }
        }
      }
      const starts = Object.keys(one.differs?.[style] ?? {});
      const meant = new Set(starts.filter((start) => found.some((line) => line.startsWith(start))));
      return { differences: found.filter((line) => !starts.some((start) => line.startsWith(start))), meant };
    },
    async close() {
      for (const name of [...made].reverse()) await dockerApi(engine, "DELETE", `/images/${encodeURIComponent(name)}`);
      await ours.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Whether it starts by itself, without words of its own that need what a test has not. */
const hasCommand = ({ config }: ComparableImage): boolean => "Cmd" in config || "Entrypoint" in config;

const lastLines = ({ err, out }: Ran): string => (err.trim() || out.trim()).split("\n").slice(-3).join(" / ");

async function whyNotBuildKit(ours: DockerFixture, cli: string | undefined): Promise<string | undefined> {
  if (cli === undefined) return "no docker CLI with BuildKit (KILN_TEST_BUILDKIT_CLI names one)";
  const context = await ours.context({ Dockerfile: "FROM scratch\nCOPY Dockerfile /\n" });
  const ran = await runCli(cli, ["build", "--progress=plain", "."], context, {
    ...ours.socket.variables,
    DOCKER_BUILDKIT: "1",
  });
  return ran.code === 0 ? undefined : `the embedded builder has none: ${lastLines(ran)}`;
}

function runCli(
  cli: string,
  args: readonly string[],
  cwd: string,
  variables: Readonly<Record<string, string>>,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(cli, args, {
      cwd,
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString();
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, out, err }));
  });
}
