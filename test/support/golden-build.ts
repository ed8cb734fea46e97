/**
 * Runs a golden case of a build: the real services on a store in memory, StartBuild, the host engine. What comes back is
 * the text of the expected files. In them `T` is a time, `WORK` the build's folder, `src0` the source folder's digits,
 * `COMMIT` a commit's id, `BUILD` the build's uuid, `UUID` any other, `S` seconds, `HEX` the digest of a zip, `HOST-ID` S3's second request id, `AbCdEf` a secret's suffix.
 */
import { chmod, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { createAwsReporter } from "../../src/build/report/index.ts";
import type { BuildEvent } from "../../src/build/run/events.ts";
import type { AwsCaller } from "../../src/core/aws.ts";
import { type Clock, systemClock } from "../../src/core/clock.ts";
import { AwsError } from "../../src/core/errors.ts";
import { chunksOf, type StreamingBlob } from "../../src/core/streaming-blob.ts";
import { createHostEngine } from "../../src/engines/index.ts";
import type { Build } from "../../src/services/codebuild/index.ts";
import { openTestAccount, type TestAccount } from "./codebuild-account.ts";
import { TestRepository } from "./git-repository.ts";
import { caseFile, type GoldenCase, makeAccount } from "./golden-case.ts";

export interface GoldenBuild {
  /** Expected files by name; absent ones must not exist. */
  readonly files: ReadonlyMap<string, string | undefined>;
  /** The log as the `aws` format prints it and as it is kept, byte for byte. */
  readonly printed: string;
  readonly stored: string;
  readonly build: Build;
}

/** Nothing else in a build waits exactly as long: see {@link CaseClock}. */
const TIMEOUT_MINUTES = 7;

/** Time as it is, but a build's time is over when the case says so. */
class CaseClock implements Clock {
  #timeOut: (() => void) | undefined;

  nowMs(): number {
    return systemClock.nowMs();
  }

  after(delayMs: number, run: () => void): { cancel(): void } {
    if (delayMs === TIMEOUT_MINUTES * 60_000) this.#timeOut = run;
    return systemClock.after(delayMs, run);
  }

  timeOut(): void {
    this.#timeOut?.();
  }
}

export async function runGoldenBuild(folder: string, asked: GoldenCase): Promise<GoldenBuild> {
  const clock = new CaseClock();
  const account = await openTestAccount([createHostEngine()], undefined, {
    clock,
    strict: asked.strict === true,
    ...(asked.engine === undefined ? {} : { engine: asked.engine }),
  });
  try {
    await chmod(account.folder, 0o755); // for users of `run-as`
    await account.makeRole([]);
    const { secretArns } = await makeAccount(account, folder, asked);
    const fill = (text: string): string =>
      text.replace(/\{\{arn of ([^}]+)\}\}/g, (_, name: string) => secretArns.get(name) ?? "");
    await makeProject(account, folder, asked, fill);
    const overrides = JSON.parse(fill(JSON.stringify(asked.build ?? {}))) as object;
    const { events, printed, build } = await runBuild(account, clock, asked, overrides);
    const normal = normaliser(build, account.folder, [...secretArns.values()]);
    const shown = await shownOf(asked, account, build, events);
    return {
      files: new Map([
        ["log.txt", normal(printed)],
        ["phases.txt", normal(phasesText(build))],
        ["build.json", shown && `${normal(JSON.stringify(shown, null, 2))}\n`],
      ]),
      // What the `aws` format adds for a build that has no log is kept nowhere.
      printed: asked.log !== "nowhere" && events.some(({ type }) => type === "log") ? printed : "",
      stored: await storedLog(account, build, asked.log),
      build,
    };
  } finally {
    await account.close();
  }
}

/** Without a source the buildspec is given as text; with `source/` it lies in it. */
async function makeProject(
  account: TestAccount,
  folder: string,
  asked: GoldenCase,
  fill: (text: string) => string,
): Promise<void> {
  const given = JSON.parse(fill(JSON.stringify(asked.project ?? {}))) as { source?: object; environment?: object };
  const buildspec = caseFile(folder, "buildspec.yml");
  const sourceDir = join(account.folder, "case-source");
  const hasSource = await cp(join(folder, "source"), sourceDir, { recursive: true }).then(
    () => true,
    () => false,
  );
  if (hasSource && buildspec !== undefined) await writeFile(join(sourceDir, "buildspec.yml"), fill(buildspec));
  await mkdir(sourceDir, { recursive: true });
  if (asked.git) new TestRepository(sourceDir).commit({});
  const source = hasSource
    ? { type: asked.git ? "GITHUB" : "S3", location: `${pathToFileURL(sourceDir).href}/` }
    : { type: "NO_SOURCE", ...(buildspec === undefined ? {} : { buildspec: fill(buildspec) }) };
  await account.makeProject("", {
    timeoutInMinutes: TIMEOUT_MINUTES,
    logsConfig: { cloudWatchLogs: { status: "ENABLED" } },
    ...given,
    source: { ...source, ...given.source },
    environment: {
      type: "LINUX_CONTAINER",
      image: "aws/codebuild/standard:7.0",
      computeType: "BUILD_GENERAL1_SMALL",
      ...given.environment,
    },
  });
}

async function runBuild(
  { root, service }: TestAccount,
  clock: CaseClock,
  { when }: GoldenCase,
  overrides: object,
): Promise<{ events: BuildEvent[]; printed: string; build: Build }> {
  const started = await root.call<{ build: Build }>("codebuild", "StartBuild", {
    projectName: "my-project",
    ...overrides,
  });
  const id = started.build.id ?? "";
  const events: BuildEvent[] = [];
  let printed = "";
  const write = (text: string): void => {
    printed += text;
  };
  const reporter = createAwsReporter({ output: { write } });
  let stopped: Promise<unknown> | undefined;
  for await (const event of service.runner.events(id)) {
    events.push(event);
    reporter.event(event);
    if (event.type !== "log" || event.kind !== "output" || event.text !== when?.prints) continue;
    if (when.do === "time out") clock.timeOut();
    else stopped = root.call("codebuild", "StopBuild", { id });
  }
  await stopped;
  reporter.close();
  const { builds } = await root.call<{ builds: Build[] }>("codebuild", "BatchGetBuilds", { ids: [id] });
  return { events, printed, build: builds[0] ?? {} };
}

/** The log as it is kept, by default in CloudWatch Logs; empty without a stream. */
async function storedLog({ root }: TestAccount, { logs }: Build, place: GoldenCase["log"]): Promise<string> {
  if (place === "in S3") return s3Log(root, logs?.s3LogsArn ?? "");
  if (logs?.streamName === undefined) return "";
  let text = "";
  let nextToken: string | undefined;
  try {
    for (;;) {
      const page = await root.call<{ events: { message: string }[]; nextForwardToken: string }>(
        "logs",
        "GetLogEvents",
        {
          logGroupName: logs?.groupName,
          logStreamName: logs?.streamName,
          startFromHead: true,
          ...(nextToken === undefined ? {} : { nextToken }),
        },
      );
      text += page.events.map(({ message }) => message).join("");
      if (page.nextForwardToken === nextToken) return text;
      nextToken = page.nextForwardToken;
    }
  } catch (error) {
    if (error instanceof AwsError && error.code === "ResourceNotFoundException") return text;
    throw error;
  }
}

async function s3Log(root: AwsCaller, arn: string): Promise<string> {
  const [bucket = "", ...key] = arn.replace(/^arn:aws:s3:::/, "").split("/");
  const { Body } = await root.call<{ Body: StreamingBlob }>("s3", "GetObject", { Bucket: bucket, Key: key.join("/") });
  const chunks: Uint8Array[] = [];
  for await (const chunk of chunksOf(Body)) chunks.push(chunk);
  return gunzipSync(Buffer.concat(chunks)).toString("utf8");
}

/** `FAILED`, then a line a phase and, where it has a context that says something, another with it. */
function phasesText({ buildStatus, phases = [] }: Build): string {
  const lines = phases.map(({ phaseType, phaseStatus, contexts }) => {
    const said = (contexts ?? []).filter(({ statusCode, message }) => statusCode || message);
    const context = said.map(({ statusCode, message }) => `\n  ${statusCode}: ${message}`).join("");
    return `${[phaseType, phaseStatus].filter(Boolean).join(" ")}${context}\n`;
  });
  return `${buildStatus}\n\n${lines.join("")}`;
}

async function shownOf(
  { show, buckets = {} }: GoldenCase,
  { root }: TestAccount,
  build: Build,
  events: readonly BuildEvent[],
): Promise<object | undefined> {
  if (!show) return undefined;
  const shown: Record<string, unknown> = {};
  for (const name of show) {
    if (name === "notices") {
      const texts = events.flatMap((event) => (event.type === "notice" ? [`${event.level}: ${event.text}`] : []));
      // Every build begins with what its engine is.
      shown[name] = texts.filter((text) => !text.startsWith("info: engine host: "));
    } else if (name === "objects") {
      shown[name] = (await Promise.all(Object.keys(buckets).map((bucket) => keysOf(root, bucket)))).flat();
    } else shown[name] = name.split(".").reduce<unknown>((value, key) => (value as never)?.[key], build) ?? null;
  }
  return shown;
}

async function keysOf(root: AwsCaller, bucket: string): Promise<string[]> {
  const answer = await root.call<{ Contents?: { Key: string }[] }>("s3", "ListObjectsV2", { Bucket: bucket });
  return (answer.Contents ?? []).map(({ Key }) => `s3://${bucket}/${Key}`);
}

function normaliser(build: Build, folder: string, secretArns: readonly string[]): (text: string) => string {
  const uuid = build.id?.split(":")[1] ?? "";
  return (text) => {
    let normal = text;
    for (const arn of secretArns) normal = normal.replaceAll(arn, `${arn.slice(0, -6)}AbCdEf`);
    return normal
      .replaceAll(uuid, "BUILD")
      .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
      .replaceAll(/\b[0-9a-f]{40}\b/g, "COMMIT")
      .replaceAll(/^\[Container\] \d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} /gm, "[Container] T ")
      .replaceAll(folder, "ACCOUNT")
      .replaceAll(/ACCOUNT\/[^/\s]+(?=\/codebuild\/)/g, "WORK")
      .replaceAll(/\/codebuild\/output\/src\d+/g, "/codebuild/output/src0")
      .replaceAll(/took \d+\.\d{6} seconds/g, "took S seconds")
      .replaceAll(/"(md5sum|sha256sum)": "[0-9a-f]+"/g, '"$1": "HEX"')
      .replaceAll(/host id: [A-Za-z0-9+/=]{64}/g, "host id: HOST-ID");
  };
}
