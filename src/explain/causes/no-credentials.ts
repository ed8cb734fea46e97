/** A command's tool finds no credentials (T24), or no region, although CodeBuild offers the service role's. */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { findLine } from "./finding-parts.ts";

const ABSENT =
  /Unable to locate credentials|NoCredentialsError|NoCredentialProviders|Could not load credentials from any providers|CredentialsProviderError|Unable to load (?:AWS )?credentials from any (?:of the )?provider|no valid credential sources|failed to refresh cached credentials, no EC2 IMDS role found|Missing credentials in config/i;
const NO_REGION =
  /You must specify a region|NoRegionError|Region is missing|MissingRegion\b|Could not find region configuration/;
const VARIABLES = "-e AWS_DEFAULT_REGION -e AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

export const credentialsNotFound: Cause = {
  id: "aws/no-credentials",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-versions"],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, ABSENT);
    if (line === undefined || !failure.command) return undefined;
    const { text } = failure.command;
    const inContainer = /\bdocker(?:-compose|\s+compose)?\s+(?:container\s+)?(?:run|exec|up)\b/.exec(text);
    const inBuild = /\bdocker\s+(?:image\s+|buildx\s+)?build\b/.test(text);
    const found = { ...placeOfCommand(facts, failure.command), evidence: [line], confidence: "certain" as const };
    const prove = "`aws sts get-caller-identity` at the same place prints the service role's session";
    if (inContainer || inBuild) {
      const place = inContainer ? "the container" : "a `RUN` step of the Dockerfile";
      return {
        ...found,
        cause: `${place} has no credentials: the service role's are offered to the build's own commands only`,
        why: "tools find them over the variable `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`, which docker does not pass on by itself",
        fix: {
          kind: "command",
          title: inContainer
            ? "pass the variables on"
            : "pass the variables on as build arguments, each with an `ARG` in the Dockerfile",
          commands: [
            inContainer
              ? `docker run ${VARIABLES} IMAGE`
              : "docker build --build-arg AWS_DEFAULT_REGION=$AWS_DEFAULT_REGION --build-arg AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI .",
          ],
        },
        next: inContainer
          ? "the container must reach 169.254.170.2, too: `--network host` where it does not"
          : "the credentials themselves never become part of the image in this way; to fetch files before `docker build` and COPY them is simpler",
        prove,
        confidence: "likely",
      };
    }
    return {
      ...found,
      cause: "the command's aws CLI or SDK found no credentials, although the build has those of its service role",
      why: "it is too old to know CodeBuild's credentials (aws CLI before 1.10.47, boto3 before 1.4.0, JavaScript before 2.4.7), or a changed environment (`sudo`, `env -i`, `su`, another profile) hides `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`",
      fix: {
        kind: "command",
        title: "bring the tool up to date in the install phase",
        commands: ["pip install --upgrade awscli boto3"],
      },
      next: "with `sudo` keep the variable: `sudo -E`, or `sudo --preserve-env=AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`; take `AWS_PROFILE` out",
      prove,
      confidence: "likely",
    };
  },
};

export const regionNotSet: Cause = {
  id: "aws/no-region",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html"],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, NO_REGION);
    if (line === undefined || !failure.command) return undefined;
    return {
      cause: "the command does not know which AWS region it works in",
      ...placeOfCommand(facts, failure.command),
      evidence: [line],
      why: "CodeBuild sets `AWS_REGION` and `AWS_DEFAULT_REGION` for its own commands; a container, `sudo` or `env -i` loses them",
      next: "name it: `--region $AWS_REGION`, or `docker run -e AWS_REGION -e AWS_DEFAULT_REGION`",
      prove: "`echo $AWS_DEFAULT_REGION` at the same place prints the region",
      confidence: "certain",
    };
  },
};
