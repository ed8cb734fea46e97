/** The image of a FROM, or the build's own image, cannot be had (R23, T11, T12, T27). */
import type { BuildFacts } from "../build-facts.ts";
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import type { Failure } from "../failures.ts";
import { findLine } from "./finding-parts.ts";

const UNAVAILABLE =
  /pull access denied for|pull access denied, repository does not exist|toomanyrequests|manifest for \S+ not found|manifest unknown|lookup registry-1\.docker\.io|base image \S+ is not (?:available|to be had)|failed to resolve source metadata for|: failed to do request: Head/;

const firstFrom = ({ workspace }: BuildFacts): string | undefined =>
  /^\s*FROM\s+(\S+)/im.exec(workspace?.readText("Dockerfile") ?? "")?.[1];

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

/** With CodeBuild's own credentials the repository's policy alone decides. */
function notForCodeBuild(failure: Failure, { build }: BuildFacts): Finding | undefined {
  const [, name, region, repository] = ECR_IMAGE.exec(build.environment?.image ?? "") ?? [];
  if (repository === undefined || !failure.message.includes("denied: User: CodeBuild")) return undefined;
  const policy = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: PULL_ACTIONS }],
  };
  return {
    cause: `the policy of the ECR repository \`${repository}\` does not let CodeBuild pull the build's image`,
    evidence: [failure.message],
    why: "the project's imagePullCredentialsType is CODEBUILD: CodeBuild pulls as itself, whatever the service role may do",
    fix: {
      kind: "command",
      title: `give ${name} a policy that lets it`,
      commands: [
        `aws ecr set-repository-policy --region ${region} --repository-name ${repository} --policy-text '${JSON.stringify(policy)}'`,
      ],
    },
    next: "or let the service role pull: `imagePullCredentialsType` SERVICE_ROLE, with the same actions and `ecr:GetAuthorizationToken` in its policy",
    confidence: "certain",
  };
}

const ECR_IMAGE = /^(\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+))/;
const PULL_ACTIONS = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];

const OWN_LOGIN =
  "give the project's `environment.registryCredential` a secret with the registry's user name and password";

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
    const refused = isBuildImage ? notForCodeBuild(failure, facts) : undefined;
    if (refused) return refused;
    const line = isBuildImage ? failure.message : findLine(failure.output, UNAVAILABLE);
    if (line === undefined) return undefined;
    const image = isBuildImage ? facts.build.environment?.image : (imageIn(line) ?? firstFrom(facts));
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
    const isRateLimited = line.includes("toomanyrequests");
    return {
      cause: isRateLimited
        ? `${name} was not pulled: Docker Hub limits pulls without a login`
        : line.includes("lookup ")
          ? `${name} was not pulled: the registry's name does not resolve, there is no network here`
          : `${name} does not exist, or needs a login`,
      ...(isBuildImage ? {} : placeOfCommand(facts, failure.command)),
      evidence: [line],
      fix: {
        kind: "command",
        title: "give Kiln an image to use under this name",
        commands: [`kiln images map ${image ?? "NAME:TAG"}=LOCAL-IMAGE`],
      },
      next: `${isRateLimited ? "or" : "or correct the name, or"} ${isBuildImage ? OWN_LOGIN : "log in to its registry before `docker build`"}`,
      confidence: "likely",
    };
  },
};
