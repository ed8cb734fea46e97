/** The aws CLI, versions 1 and 2: refusals of a service, its own checks, credentials, region, endpoint. Source: https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html */
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import type { ToolFailureKind } from "../tool-failure.ts";

const DENIED = /AccessDenied|Unauthorized|NotAuthorized|Forbidden|^403$/;
const THROTTLED = /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|RateExceeded/;
const EXPIRED =
  /ExpiredToken|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|AuthFailure|InvalidAccessKeyId/;

const serviceKind = (code: string): ToolFailureKind =>
  DENIED.test(code)
    ? "permission"
    : THROTTLED.test(code)
      ? "rate-limit"
      : EXPIRED.test(code)
        ? "authentication"
        : "service-error";

function noBucket(line: string): string {
  const bucket = /\bs3:\/\/([a-z0-9][a-z0-9.-]+)/.exec(line)?.[1];
  return bucket === undefined
    ? "see whether the bucket's name is right, or make it: `aws s3 mb s3://BUCKET`"
    : `see whether \`${bucket}\` is the right name, or make the bucket: \`aws s3 mb s3://${bucket}\``;
}

export const aws = lineReader("aws", [
  {
    mark: "An error occurred (",
    pattern:
      /^(?:.{0,120}?: )?(?:fatal error: |upload failed: .{0,300} |download failed: .{0,300} |copy failed: .{0,300} )?An error occurred \((\w+)\) when calling the (\w+) operation(?: \(reached max retries: \d+\))?: (.*)$/,
    kind: ([, code]) => serviceKind(code ?? ""),
    say: ([, code, operation, text]) => `AWS refused ${quote(operation)} (${code}): ${short(text, 240)}`,
    next: ([line = "", code]) =>
      code === "NoSuchBucket"
        ? noBucket(line)
        : DENIED.test(code ?? "")
          ? "give the service role of the project this permission"
          : THROTTLED.test(code ?? "")
            ? "call less often, or let the CLI try more: `AWS_MAX_ATTEMPTS` under `env.variables`"
            : EXPIRED.test(code ?? "")
              ? "does something set AWS_ACCESS_KEY_ID in the build? without, the CLI uses the service role"
              : "see what the command passes: `echo` the variables before it",
  },
  {
    mark: "Unable to locate credentials",
    pattern: /^Unable to locate credentials/,
    kind: "authentication",
    say: () => "the aws CLI has no credentials",
    next: "inside `docker run` and `docker build` pass `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` and `AWS_DEFAULT_REGION`; with `sudo` use `sudo -E`",
  },
  {
    mark: "Partial credentials found",
    pattern: /^Partial credentials found in (\S+), missing: (.+)$/,
    kind: "authentication",
    say: ([, where, what]) => `the aws CLI has half of the credentials (${where}): missing ${quote(what)}`,
  },
  {
    mark: "The config profile (",
    pattern: /^(?:aws: \[ERROR\]: )?The config profile \(([^)]+)\) could not be found/,
    kind: "configuration",
    say: ([, name]) => `the aws CLI has no profile ${quote(name)}`,
    next: "a build has no `~/.aws/config`: leave `--profile` and AWS_PROFILE out, or write the profile first",
  },
  {
    mark: "You must specify a region",
    pattern: /^(?:aws: \[ERROR\]: )?You must specify a region/,
    kind: "configuration",
    say: () => "the aws CLI does not know which region",
    next: "CodeBuild sets AWS_REGION and AWS_DEFAULT_REGION: something emptied them; pass `--region`",
  },
  {
    mark: "Could not connect to the endpoint URL",
    pattern: /^Could not connect to the endpoint URL: "([^"]+)"/,
    kind: "network",
    say: ([, url]) => `the aws CLI cannot reach ${quote(url)}`,
    next: "is the region's name right? on AWS a build in a VPC needs a NAT gateway or an endpoint of the service",
  },
  {
    mark: "Invalid endpoint: ",
    pattern: /^Invalid endpoint: (\S+)/,
    kind: "configuration",
    say: ([, url]) => `${quote(url)} is no endpoint${url?.includes("..") ? ": the region is empty" : ""}`,
    next: "see `--region`, AWS_REGION and AWS_DEFAULT_REGION",
  },
  {
    mark: "Provided region_name",
    pattern: /^Provided region_name '([^']*)' doesn't match a supported format/,
    kind: "configuration",
    say: ([, name]) => `${quote(name)} is no name of a region`,
  },
  {
    mark: "Connect timeout on endpoint URL",
    pattern: /^(?:Connect|Read) timeout on endpoint URL: "([^"]+)"/,
    kind: "network",
    say: ([, url]) => `${quote(url)} did not answer in time`,
  },
  {
    mark: "SSL validation failed for",
    pattern: /^SSL validation failed for (\S+) (.+)$/,
    kind: "tls",
    say: ([, url]) => `the certificate of ${quote(url)} is not trusted`,
    next: "name the authority's certificate: `AWS_CA_BUNDLE` under `env.variables`",
  },
  {
    mark: "Parameter validation failed",
    pattern: /^(?:aws: \[ERROR\]: )?Parameter validation failed:/,
    kind: "usage",
    say: () => "the aws CLI does not accept a parameter",
    below: /^(?:Invalid|Unknown|Missing) |^Parameter /,
    next: "an empty variable is the usual reason: `echo` those of the command before it",
  },
  {
    mark: "Error parsing parameter",
    pattern: /^(?:aws: \[ERROR\]: )?Error parsing parameter '([^']+)': (.+)$/,
    kind: ([, , text]) => (/No such file/.test(text ?? "") ? "file-not-found" : "usage"),
    say: ([, name, text]) => `the aws CLI cannot read ${quote(name)}: ${short(text)}`,
    below: /^(?:JSON received: |Expected: )/,
  },
  {
    mark: "the following arguments are required",
    pattern:
      /^aws: (?:\[ERROR\]: |error: )(?:An error occurred \(ParamValidation\): )?the following arguments are required: (.+)$/,
    kind: "usage",
    say: ([, names]) => `the aws CLI needs ${quote(names)}`,
  },
  {
    mark: "Unknown options: ",
    pattern: /^(?:aws: \[ERROR\]: |aws: error: )?(?:An error occurred \(ParamValidation\): )?Unknown options: (.+)$/,
    kind: "usage",
    say: ([, names]) => `this aws CLI does not know ${quote(names)}`,
    next: "is it spelt right? an option can be newer than the CLI of the image, and what follows an unquoted value with spaces counts as one",
  },
  {
    mark: "nvalid choice",
    pattern:
      /^(?:aws: error: |aws: \[ERROR\]: )(?:An error occurred \(ParamValidation\): )?argument (\w+): (?:Invalid choice, valid choices are:|Found invalid choice '([^']+)')/,
    kind: "usage",
    say: ([, what, name]) =>
      `the aws CLI does not know this ${what === "command" ? "service" : what === "operation" ? "operation" : (what ?? "argument")}${name === undefined ? "" : `: ${quote(name)}`}`,
    below: /^(?:Invalid choice: |Maybe you meant|maybe you meant|\s+\* )/,
    next: "is it spelt right? a new service can be missing in the CLI of an old image: `aws --version`",
  },
  {
    mark: "The user-provided path",
    pattern: /^(?:aws: \[ERROR\]: )?The user-provided path (.+) does not exist/,
    kind: "file-not-found",
    say: ([, path]) => `the aws CLI finds no file or folder ${quote(path)}`,
    next: "was it built before, and in the folder the command runs in?",
  },
  {
    mark: "Invalid template path",
    pattern: /^Invalid template path (.+)$/,
    kind: "file-not-found",
    say: ([, path]) => `the aws CLI finds no template ${quote(path)}`,
  },
  {
    mark: "upload failed: ",
    pattern: /^(?:upload|download|copy|move|delete) failed: (\S+)(?: to (\S+))? (.+)$/,
    kind: ([, , , text]) => knownTrouble(text ?? "")?.kind ?? "service-error",
    say: ([, from, to, text]) =>
      `${quote(from)} was not copied${to === undefined ? "" : ` to ${quote(to)}`}: ${short(text)}`,
  },
  {
    mark: "Waiter ",
    pattern: /^Waiter (\w+) failed: (.+)$/,
    kind: "deployment",
    say: ([, name, text]) => `waiting for ${quote(name)} failed: ${short(text)}`,
    next: "see the events of what it waits for",
  },
]);

/** Programs that call AWS with an SDK print the service's own words. */
export const awsSdk = lineReader("aws sdk", [
  {
    mark: "CredentialsProviderError",
    pattern: /^(?:Error: |.{0,60})?CredentialsProviderError: (.+)$/,
    kind: "authentication",
    say: ([, text]) => `the AWS SDK has no credentials: ${short(text)}`,
    next: "inside a container pass `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` and `AWS_DEFAULT_REGION`",
  },
  {
    mark: "is not authorized to perform",
    pattern: /(?:User: )?(\S+) is not authorized to perform: ([\w-]+:\w+)(?: on resource: "?([^"\s]+))?/,
    rank: "symptom",
    kind: "permission",
    say: ([, who, action, resource]) =>
      `${quote(who)} may not ${quote(action)}${resource === undefined ? "" : ` on ${quote(resource)}`}`,
    next: "give the service role of the project this permission",
  },
]);
