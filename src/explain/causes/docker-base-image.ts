/** The image of a FROM, or the build's own image, cannot be had (R23, T11, T12, T27). */

import type { CommandFix } from "../../core/diagnostics.ts";
import { shellWord } from "../../core/shell-word.ts";
import { readDockerfile } from "../../dockerfile/index.ts";
import type { BuildFacts } from "../build-facts.ts";
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import type { Failure } from "../failures.ts";
import { mirror } from "./build-image-pull.ts";
import { findLine } from "./finding-parts.ts";

const UNAVAILABLE =
  /pull access denied for|pull access denied, repository does not exist|toomanyrequests|429 Too Many Requests|manifest for \S+ not found|manifest unknown|lookup registry-1\.docker\.io|base image \S+ is not (?:available|to be had)|failed to resolve source metadata for|: failed to do request: Head/;

/** The one image that the Dockerfile builds on; undefined when there are several, and when its name has variables. */
function onlyBase({ workspace }: BuildFacts): string | undefined {
  const stages = readDockerfile(workspace?.readText("Dockerfile") ?? "")?.stages ?? [];
  const own = new Set(stages.map(({ name }) => name));
  const bases = new Set(stages.map(({ from }) => from.text.split(/\s/)[0] ?? "").filter((base) => !own.has(base)));
  const [base] = bases;
  return bases.size === 1 && !base?.includes("$") ? base : undefined;
}

/** Kiln's own: the build's image asks for an engine that is not here. */
const engineMissing = (failure: Failure, { build }: BuildFacts): Finding => ({
  cause: `the build's image \`${build.environment?.image ?? ""}\` needs a container engine, which Kiln does not have here`,
  evidence: [failure.message],
  why: "the tools of a build are those of its image; this machine's may be others",
  fix: { kind: "command", title: "run it with this machine's tools", commands: ["kiln run --engine host"] },
  next: "or name a curated image: `kiln run --image aws/codebuild/standard:7.0`",
  confidence: "certain",
});

/** Kiln's own builder says so, and which commands help. */
const NOT_HERE = "does not ask the network";
const adviceIn = (line: string): string[] =>
  [...line.matchAll(/`(kiln images [^`]+)`/g)].map(([, command = ""]) => command);

function notHere(name: string, line: string, advice: readonly string[], place: Partial<Finding>): Finding {
  const [map = "", make] = advice;
  const makeAs = make && `${make} --as ${/map (\S+)=/.exec(map)?.[1]}`;
  return {
    cause: `${name} is not on this machine, and Kiln's builder does not ask the network for it`,
    ...place,
    evidence: [line],
    fix: makeAs
      ? { kind: "command", title: "make one from Debian packages", commands: [makeAs] }
      : { kind: "command", title: "give Kiln an image to use under this name", commands: [map] },
    ...(makeAs && { next: `or use one you have: \`${map}\`` }),
    confidence: "certain",
  };
}

const OWN_LOGIN =
  "give the project's `environment.registryCredential` a secret with the registry's user name and password";

/** What helps where no Kiln stands between the build and the registry. */
function fromAws(image: string | undefined, isRateLimited: boolean): CommandFix {
  if (isRateLimited) {
    return {
      kind: "command",
      title: `log in before the first pull, with an account kept in Parameter Store; or take the image from ECR Public${mirror(image)}`,
      commands: ['echo "$DOCKERHUB_TOKEN" | docker login --username "$DOCKERHUB_USERNAME" --password-stdin'],
    };
  }
  return {
    kind: "command",
    title: "see whether the name and the tag exist",
    commands: [`docker manifest inspect ${shellWord(image ?? "NAME:TAG")}`],
  };
}

/** The image that a text of docker's names. */
const imageIn = (line: string): string | undefined =>
  /pull access denied for ([^\s,]+?):?(?=[\s,])|manifest for (\S+) not found|source metadata for ([^\s:]+(?::[^\s:/]+)?)|base image `?([^\s`]+)/
    .exec(line)
    ?.slice(1)
    .find(Boolean);

export const baseImageUnavailable: Cause = {
  id: "docker/base-image-unavailable",
  sources: [
    "https://docs.docker.com/reference/dockerfile/#from",
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-unable-to-pull-image",
  ],
  match(failure, facts): Finding | undefined {
    const isBuildImage = failure.statusCode === "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE";
    if (isBuildImage && failure.message.includes("needs a container engine")) return engineMissing(failure, facts);
    const line = isBuildImage ? failure.message : findLine(failure.output, UNAVAILABLE);
    if (line === undefined) return undefined;
    const image = isBuildImage ? facts.build.environment?.image : (imageIn(line) ?? onlyBase(facts));
    const isRun = /docker\s+(?:container\s+)?(?:run|create|pull)\b/.test(failure.command?.text ?? "");
    const what = isBuildImage ? "the build's image" : isRun ? "the image" : "the base image";
    const name = image === undefined ? what : `${what} \`${image}\``;
    const ownAdvice = line.includes(NOT_HERE) ? adviceIn(line) : undefined;
    if (ownAdvice) return notHere(name, line, ownAdvice, placeOfCommand(facts, failure.command));
    const misspelt = isBuildImage ? /invalid reference format(?:: (.+))?/.exec(line) : undefined;
    if (misspelt) {
      return {
        cause: `\`${image}\` is no name of an image${misspelt[1] === undefined ? "" : `: ${misspelt[1]}`}`,
        field: { path: "environment.image", ...(image === undefined ? {} : { value: image }) },
        evidence: [line],
        next: "an image is named `[host/]name[:tag][@sha256:digest]`, its name in lower case",
        confidence: "certain",
      };
    }
    const isRateLimited = /toomanyrequests|429 Too Many Requests/.test(line);
    const onAws = facts.isSaved ? fromAws(image, isRateLimited) : undefined;
    return {
      cause: isRateLimited
        ? `${name} was not pulled: Docker Hub limits pulls without a login`
        : line.includes("lookup ")
          ? `${name} was not pulled: the registry's name does not resolve, there is no network here`
          : `${name} does not exist, or needs a login`,
      ...(isBuildImage ? {} : placeOfCommand(facts, failure.command)),
      evidence: [line],
      ...(isRateLimited && !isBuildImage
        ? { why: "builds of many accounts share the addresses from which they pull" }
        : {}),
      fix: onAws ?? {
        kind: "command",
        title: "give Kiln an image to use under this name",
        commands: [`kiln images map ${shellWord(image ?? "NAME:TAG")}=LOCAL-IMAGE`],
      },
      next: `${isRateLimited ? "or" : "or correct the name, or"} ${isBuildImage ? OWN_LOGIN : "log in to its registry before `docker build`"}`,
      confidence: "likely",
    };
  },
};
