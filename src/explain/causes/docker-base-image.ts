/** The image of a FROM, or the build's own image, cannot be had (R23, T11, T12, T27). */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { findLine } from "./finding-parts.ts";

const UNAVAILABLE =
  /pull access denied for|pull access denied, repository does not exist|toomanyrequests|manifest for \S+ not found|manifest unknown|lookup registry-1\.docker\.io|base image \S+ is not (?:available|to be had)|failed to resolve source metadata for|: failed to do request: Head/;

export const baseImageUnavailable: Cause = {
  id: "docker/base-image-unavailable",
  sources: [
    "https://docs.docker.com/reference/dockerfile/#from",
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-unable-to-pull-image",
  ],
  match(failure, facts): Finding | undefined {
    const isBuildImage = failure.statusCode === "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE";
    const line = isBuildImage ? failure.message : findLine(failure.output, UNAVAILABLE);
    if (line === undefined) return undefined;
    const image =
      /pull access denied for ([^\s,]+)|manifest for (\S+) not found|source metadata for ([^\s:]+(?::[^\s:/]+)?)|base image `?([^\s`]+)/
        .exec(line)
        ?.slice(1)
        .find(Boolean) ?? /^\s*FROM\s+(\S+)/im.exec(facts.workspace?.readText("Dockerfile") ?? "")?.[1];
    const what = isBuildImage ? "the build's image" : "the base image";
    const name = image === undefined ? what : `${what} \`${image}\``;
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
        commands: [`kiln images map ${image ?? "NAME:TAG"}=LOCAL-IMAGE-OR-OCI-FOLDER`],
      },
      next: isRateLimited
        ? "or log in before `docker build`"
        : "or correct the name, or log in to its registry before `docker build`",
      confidence: "likely",
    };
  },
};
