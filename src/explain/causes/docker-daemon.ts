/** docker has no daemon to talk to, because the project's privileged mode is off (T13, P07). */

import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause } from "../cause.ts";
import { findLine } from "./finding-parts.ts";
import { updateEnvironment } from "./update-project.ts";

/** As docker says it, and those who call it: Compose, SAM, the Python SDK. */
const UNREACHABLE =
  /Cannot connect to the Docker daemon|Is the docker daemon running|Couldn't connect to Docker daemon|Docker is unreachable\. Docker needs to be running|Running AWS SAM projects locally requires (?:Docker|a container runtime)|docker\.errors\.DockerException: Error while fetching server API version/;

export const dockerDaemonUnreachable: Cause = {
  id: "docker/privileged-mode-off",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-cannot-connect-to-docker-daemon",
  ],
  match(failure, facts) {
    const isOff = (facts.build.environment?.privilegedMode ?? facts.plan?.privilegedMode) !== true;
    // Without a daemon newer docker CLIs try to log in by themselves, and say so before they fail.
    const line =
      findLine(failure.output, UNREACHABLE) ??
      (isOff ? findLine(failure.output, /Error logging in to endpoint, trying next endpoint/) : undefined);
    if (line === undefined) return undefined;
    const place = placeOfCommand(facts, failure.command);
    // A log alone does not say what the project has.
    const isKnown = !facts.isSaved || facts.build.environment?.privilegedMode !== undefined;
    if (!isOff) {
      return {
        cause: "docker found no daemon, although the project's privileged mode is on",
        ...place,
        evidence: [line],
        next: "a custom image must start dockerd itself and wait for it; on this machine see `kiln doctor`",
        confidence: "likely",
      };
    }
    return {
      cause: "the project's privileged mode is off, so there is no Docker daemon for this build",
      ...place,
      field: { path: "environment.privilegedMode", ...(isKnown ? { value: "false" } : {}) },
      evidence: [line, ...(isKnown ? ["project setting `environment.privilegedMode`: false"] : [])],
      why: "CodeBuild starts a Docker daemon only in builds with privileged mode",
      fix: {
        kind: "command",
        title: "switch privileged mode on (`environment.privilegedMode: true` of the project)",
        commands: [updateEnvironment(facts, { privilegedMode: "true" })],
      },
      alternatives: [{ kind: "command", title: "or for one run of Kiln", commands: ["kiln run --privileged"] }],
      confidence: isKnown ? "certain" : "likely",
    };
  },
};
