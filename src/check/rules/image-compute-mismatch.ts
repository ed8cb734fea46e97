/**
 * Environment type, image and compute type that do not go together: an ARM image on x86 hosts, Lambda's images and sizes
 * elsewhere, Windows images on Linux. With a fleet the fleet decides, so nothing is said.
 */
import { nearest } from "../../core/nearest.ts";
import {
  architectureOfImage,
  architectureOfType,
  type CheckedEnvironment,
  environmentsOf,
  isLambda,
  spanOfEnvironment,
} from "../knowledge/environments.ts";
import type { Finding, Rule } from "../rule.ts";

export const imageComputeMismatch: Rule = {
  id: "image/compute-mismatch",
  severity: "error",
  title: "environment type, image and compute type that do not go together",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html",
  *run(context) {
    for (const environment of environmentsOf(context)) {
      if (environment.hasFleet) continue;
      const message = mismatch(environment);
      if (message === undefined) continue;
      const span = spanOfEnvironment(environment);
      yield { message: `${environment.label}: ${message.text}`, ...(span && { span }), why: message.why };
    }
  },
};

const TYPES = [
  ...["LINUX_CONTAINER", "LINUX_GPU_CONTAINER", "ARM_CONTAINER", "WINDOWS_CONTAINER", "WINDOWS_SERVER_2019_CONTAINER"],
  ...["WINDOWS_SERVER_2022_CONTAINER", "LINUX_LAMBDA_CONTAINER", "ARM_LAMBDA_CONTAINER", "LINUX_EC2", "ARM_EC2"],
  ...["WINDOWS_EC2", "MAC_ARM"],
];
const LAMBDA_SIZE = /^BUILD_LAMBDA_/;
const NOT_STARTED = "CodeBuild refuses the settings, or the build ends before its first command";

type Mismatch = { readonly text: string; readonly why: NonNullable<Finding["why"]> };

function mismatch(environment: CheckedEnvironment): Mismatch | undefined {
  const { type, image = "", computeType = "", isTask } = environment;
  // The batch's own rule names values that do not exist in tasks.
  if (type !== undefined && !TYPES.includes(type)) {
    const guess = nearest(type, TYPES);
    return isTask
      ? undefined
      : {
          text: `there is no environment type \`${type}\`${guess === undefined ? "" : `; did you mean \`${guess}\`?`}`,
          why: NOT_STARTED,
        };
  }
  const isLambdaImage = /^aws\/codebuild\/[\w-]+-lambda-standard:/.test(image);
  if (type !== undefined) {
    if (isLambda(type) && computeType !== "" && !LAMBDA_SIZE.test(computeType)) {
      return {
        text: `type \`${type}\` takes compute types \`BUILD_LAMBDA_…\`, not \`${computeType}\``,
        why: NOT_STARTED,
      };
    }
    if (!isLambda(type) && LAMBDA_SIZE.test(computeType)) {
      return {
        text: `compute type \`${computeType}\` is for types \`LINUX_LAMBDA_CONTAINER\` and \`ARM_LAMBDA_CONTAINER\`, not \`${type}\``,
        why: NOT_STARTED,
      };
    }
    if (isLambdaImage && !isLambda(type)) {
      return { text: `image \`${image}\` is for Lambda compute, not for type \`${type}\``, why: NOT_STARTED };
    }
    if (isLambda(type) && !isLambdaImage && image.startsWith("aws/codebuild/")) {
      return {
        text: `image \`${image}\` is not for Lambda compute, which type \`${type}\` asks for`,
        why: NOT_STARTED,
      };
    }
    const windows = windowsMismatch(type, image);
    if (windows) return windows;
    const [ofImage, ofType] = [architectureOfImage(image), architectureOfType(type)];
    if (ofImage !== undefined && ofImage !== ofType) {
      return {
        text: `image \`${image}\` is for ${ofImage}, and type \`${type}\` runs on ${ofType}`,
        why: "the container cannot start: PROVISIONING ends with `BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE` or `exec format error`",
      };
    }
  } else if (isLambdaImage && computeType !== "" && !LAMBDA_SIZE.test(computeType)) {
    return { text: `image \`${image}\` is for Lambda compute, and \`${computeType}\` is not`, why: NOT_STARTED };
  }
  return undefined;
}

function windowsMismatch(type: string, image: string): Mismatch | undefined {
  const version = /^aws\/codebuild\/windows-base:(\d{4})?/.exec(image);
  const isWindows = type.startsWith("WINDOWS");
  if (version && !isWindows)
    return { text: `image \`${image}\` is for Windows, and type \`${type}\` is not`, why: NOT_STARTED };
  if (!version && isWindows && image.startsWith("aws/codebuild/") && !image.startsWith("aws/codebuild/ami/")) {
    return { text: `image \`${image}\` is for Linux, and type \`${type}\` is not`, why: NOT_STARTED };
  }
  const year = version?.[1];
  const wanted = year === undefined ? undefined : `WINDOWS_SERVER_${year}_CONTAINER`;
  if (wanted !== undefined && type.endsWith("_CONTAINER") && type !== wanted) {
    return {
      text: `image \`${image}\` needs type \`${wanted}\`, not \`${type}\``,
      why: "`CannotPullContainerError: a Windows version …-based image is incompatible with a … host`",
    };
  }
  return undefined;
}
