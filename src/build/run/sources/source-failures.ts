/**
 * CodeBuild's words for a source that cannot be had. The texts for the primary source are from published logs; for a
 * secondary source AWS's wording is not known, so `nameOf` alone decides it.
 */
import { AwsError } from "../../../core/errors.ts";
import type { PhaseContext } from "../events.ts";
import { isOtherRegion, s3FailureText } from "../s3-failure.ts";
import type { WantedSource } from "./taken-source.ts";

type Named = Pick<WantedSource, "identifier" | "version">;

/** `primary source and source version main`. */
function nameOf({ identifier, version }: Named): string {
  const which = identifier === undefined ? "primary source" : `secondary source ${identifier}`;
  return `${which} and source version ${version ?? ""}`;
}

export const clientError = (message: string): PhaseContext => ({ statusCode: "CLIENT_ERROR", message });

export const repositoryNotFound = (wanted: Named): PhaseContext =>
  clientError(`repository not found for ${nameOf(wanted)}`);
export const referenceNotFound = (wanted: Named): PhaseContext =>
  clientError(`reference not found for ${nameOf(wanted)}`);
export const authenticationRequired = (wanted: Named): PhaseContext =>
  clientError(`authentication required for ${nameOf(wanted)}`);
export const authorizationFailed = (wanted: Named): PhaseContext =>
  clientError(`authorization failed for ${nameOf(wanted)}`);

/** CodeBuild's images have git; the text is ours. */
export const noGit = (wanted: Named): PhaseContext =>
  clientError(
    `Git clone failed: there is no \`git\` on PATH for ${nameOf(wanted)}; install git and start the build again`,
  );

/** An object that could not be read; anything but an AWS error is a bug and goes on. */
export function downloadFailed(key: string, error: unknown, wanted?: Named): PhaseContext {
  if (!(error instanceof AwsError)) throw error;
  if (isOtherRegion(error)) return clientError(OTHER_REGION_TEXT);
  return clientError(
    `error while downloading key ${key}, error: ${s3FailureText(error)}${wanted ? ` for ${nameOf(wanted)}` : ""}`,
  );
}

const OTHER_REGION_TEXT =
  "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint";

/** What git said, as CodeBuild words it. `url` must not hold credentials. */
export function gitFailure(message: string, url: string, wanted: Named): PhaseContext {
  if (/returned error: 403|Permission to .* denied/i.test(message)) return authorizationFailed(wanted);
  if (
    /could not read (?:Username|Password)|Authentication failed|terminal prompts disabled|Permission denied \(|returned error: 401/i.test(
      message,
    )
  ) {
    return authenticationRequired(wanted);
  }
  if (/couldn't find remote ref|not our ref|no such ref was fetched|unadvertised object/i.test(message)) {
    return referenceNotFound(wanted);
  }
  if (
    /repository .*not found|does not exist|does not appear to be a git repository|not a git repository|returned error: 404/i.test(
      message,
    )
  ) {
    return repositoryNotFound(wanted);
  }
  const last = message.split("\n").findLast((line) => /^(?:fatal|error): /.test(line)) ?? message.split("\n").at(-1);
  const reason = (last ?? "")
    .replace(/^(?:fatal|error): /, "")
    .replace(/^unable to access/, "Unable to access")
    // AWS: the older spelling, with a capital.
    .replace(/(SSL certificate problem: )self[- ]signed certificate/i, "$1Self signed certificate")
    .replaceAll(/(\w+:\/\/)[^/@\s']*@/g, "$1");
  return clientError(`Git clone failed: ${reason || `cannot clone '${url}'`}`);
}
