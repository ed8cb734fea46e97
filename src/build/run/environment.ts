/**
 * The variables CodeBuild itself gives every command: one table, each row with where it is documented.
 * [ref] https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
 * [seen] internal ones that published environment dumps show; the harmless ones are given.
 * [sdk] https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 * Not given, because nothing here answers behind them: CODEBUILD_AGENT_ENDPOINT, CODEBUILD_BMR_URL, CODEBUILD_AUTH_TOKEN,
 * ECS_CONTAINER_METADATA_URI. CODEBUILD_WEBHOOK_… and the batch's come with the request.
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import type { BuildRequest } from "./build-request.ts";

export interface EnvironmentInput {
  readonly request: BuildRequest;
  readonly srcDir: string;
  /** `CODEBUILD_SRC_DIR…`, `CODEBUILD_SOURCE_…`: what the sources turned out to be (sources/take-sources.ts). */
  readonly sourceVariables: Readonly<Record<string, string>>;
  readonly credentials: { readonly uri: string; readonly token: string };
  readonly endpointUrl: string;
}

type Row = readonly [
  name: string,
  source: "ref" | "seen" | "sdk" | "kiln",
  /** Undefined: not set. */
  value: (input: EnvironmentInput) => string | undefined,
];

const TABLE: readonly Row[] = [
  ["AWS_CONTAINER_AUTHORIZATION_TOKEN", "sdk", ({ credentials }) => credentials.token],
  ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "sdk", ({ credentials }) => credentials.uri],
  ["AWS_DEFAULT_REGION", "ref", ({ request }) => request.scope.region],
  ["AWS_ENDPOINT_URL", "kiln", ({ endpointUrl }) => endpointUrl],
  ["AWS_EXECUTION_ENV", "seen", () => "AWS_ECS_EC2"],
  ["AWS_REGION", "ref", ({ request }) => request.scope.region],
  // AWS: set and empty outside a batch; a batch's value comes with the request.
  ["CODEBUILD_BATCH_BUILD_IDENTIFIER", "ref", () => ""],
  ["CODEBUILD_BUILD_ARN", "ref", ({ request }) => request.buildArn],
  ["CODEBUILD_BUILD_ID", "ref", ({ request }) => request.buildId],
  ["CODEBUILD_BUILD_IMAGE", "ref", ({ request }) => request.image],
  ["CODEBUILD_BUILD_NUMBER", "ref", ({ request }) => String(request.buildNumber)],
  ["CODEBUILD_BUILD_SUCCEEDING", "ref", () => "1"],
  ["CODEBUILD_BUILD_URL", "seen", ({ request }) => consoleUrl(request)],
  ["CODEBUILD_CI", "seen", () => "true"],
  ["CODEBUILD_CONTAINER_NAME", "seen", () => "default"],
  ["CODEBUILD_EXECUTION_ROLE_BUILD", "seen", () => ""],
  ["CODEBUILD_FE_REPORT_ENDPOINT", "seen", ({ request }) => `https://codebuild.${request.scope.region}.amazonaws.com/`],
  ["CODEBUILD_GOPATH", "seen", ({ srcDir }) => outputFolder(srcDir)],
  ["CODEBUILD_INITIATOR", "ref", ({ request }) => request.initiator],
  ["CODEBUILD_KMS_KEY_ID", "ref", ({ request }) => request.encryptionKey],
  ["CODEBUILD_LAST_EXIT", "seen", () => "0"],
  ["CODEBUILD_LOG_PATH", "ref", ({ request }) => request.logs?.streamName ?? request.uuid],
  ["CODEBUILD_PROJECT_ARN", "ref", ({ request }) => request.projectArn],
  ["CODEBUILD_PROJECT_UUID", "seen", ({ request }) => uuidOf(request.projectArn)],
  ["CODEBUILD_START_TIME", "ref", ({ request }) => String(request.startTimeMs)],
];

/** CodeBuild's variables for one build. */
export function codeBuildVariables(input: EnvironmentInput): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const [name, , valueIn] of TABLE) {
    const value = valueIn(input);
    if (value !== undefined) variables[name] = value;
  }
  return { ...variables, ...input.sourceVariables, ...input.request.variables };
}

/**
 * The build's own variables over CodeBuild's, as commands see them. AWS: names that begin with `CODEBUILD_` are reserved;
 * what becomes of such a variable is not published. Here CodeBuild's own value stays, and names that it does not set
 * itself (`CODEBUILD_CONFIG_AUTO_DISCOVER` is one) pass.
 */
export function withBuildVariables(
  own: Readonly<Record<string, string>>,
  variables: readonly (readonly [name: string, value: string])[],
): { readonly variables: Record<string, string>; readonly reserved: readonly string[] } {
  const isReserved = (name: string): boolean => name.startsWith("CODEBUILD_") && name in own;
  return {
    variables: { ...own, ...Object.fromEntries(variables.filter(([name]) => !isReserved(name))) },
    reserved: variables.map(([name]) => name).filter(isReserved),
  };
}

/**
 * Why a value can be no environment variable's; it does not show the value, as the operating system's refusal to start
 * the shell would. Secrets that are bytes have such values.
 */
export function unfitVariable(variables: readonly (readonly [name: string, value: string])[]): string | undefined {
  const found = variables.find(([, value]) => value.includes("\0"));
  return found && `the value of \`${found[0]}\` holds a null character, which no environment variable can hold`;
}

const consoleUrl = ({ buildId, scope: { region } }: BuildRequest): string =>
  `https://${region}.console.aws.amazon.com/codebuild/home?region=${region}#/builds/${buildId}/view/new`;

/** `…/codebuild/output/src<digits>` of a source folder, wherever below it the sources lie. */
function outputFolder(srcDir: string): string {
  for (let at = srcDir; at !== dirname(at); at = dirname(at)) {
    if (/\/codebuild\/output\/src\d+$/.test(at)) return at;
  }
  return join(srcDir, "..");
}

/** A uuid that stays the same for one project. */
function uuidOf(projectArn: string): string {
  const digest = createHash("sha256").update(projectArn).digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x40;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}
