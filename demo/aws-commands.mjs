/**
 * Runs `aws <service> <operation> --option value …` as the documents write it: with the unmodified aws CLI of this
 * machine, or, where there is none, as the same call of the AWS SDK for JavaScript.
 */
import { spawnSync } from "node:child_process";

const SDK_PACKAGES = {
  ssm: "@aws-sdk/client-ssm",
  iam: "@aws-sdk/client-iam",
  sts: "@aws-sdk/client-sts",
  codebuild: "@aws-sdk/client-codebuild",
  logs: "@aws-sdk/client-cloudwatch-logs",
};

/** `{ version }` of the aws CLI on PATH, or undefined. */
export function findAwsCli() {
  const { status, stdout, stderr } = spawnSync("aws", ["--version"], { encoding: "utf8" });
  return status === 0 ? { version: `${stdout}${stderr}`.trim() } : undefined;
}

export async function runAwsCommand(cli, commandLine, { url, environment, cwd }) {
  const [, ...args] = shellWords(commandLine);
  return cli ? withCli(args, url, environment, cwd) : withSdk(args, url);
}

/** `--endpoint-url` rather than the variable: aws CLI v2 before 2.13 does not read AWS_ENDPOINT_URL. */
function withCli(args, url, environment, cwd) {
  const { status, stdout, stderr } = spawnSync("aws", ["--endpoint-url", url, "--output", "json", ...args], {
    cwd,
    env: { ...environment, AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_DEFAULT_REGION: "us-east-1" },
    encoding: "utf8",
  });
  return { ok: status === 0, text: stdout + stderr, json: parse(stdout) };
}

async function withSdk([service, operation, ...options], url) {
  const sdk = await import(SDK_PACKAGES[service]);
  const clientName = Object.keys(sdk).find((name) => name.endsWith("Client") && !name.startsWith("__"));
  const client = new sdk[clientName]({
    endpoint: url,
    region: "us-east-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
  });
  try {
    const { $metadata, ...answer } = await client.send(
      new sdk[`${pascal(operation)}Command`](sdkInput(service, options)),
    );
    return { ok: true, text: Object.keys(answer).length ? JSON.stringify(answer, null, 4) : "", json: answer };
  } catch (error) {
    return { ok: false, text: `An error occurred (${error.name}): ${error.message}` };
  } finally {
    client.destroy();
  }
}

/** CLI options as SDK input. CodeBuild's members start in lower case, the other services' in upper case. */
function sdkInput(service, options) {
  const input = {};
  for (let index = 0; index < options.length; index++) {
    const name = pascal(options[index].slice(2));
    const member = service === "codebuild" || service === "logs" ? name[0].toLowerCase() + name.slice(1) : name;
    const value = options[index + 1];
    if (value === undefined || value.startsWith("--")) {
      input[member] = true;
      continue;
    }
    index++;
    if (value.startsWith("{") && !member.endsWith("Document")) input[member] = JSON.parse(value);
    else if (/^(ids|names|Names)$/.test(member)) input[member] = value.split(" ");
    else if (/^\w+=/.test(value)) input[member] = shorthand(value);
    else input[member] = value;
  }
  return input;
}

function shorthand(text) {
  const coerce = (value) => (value === "true" ? true : value === "false" ? false : value);
  return Object.fromEntries(
    text.split(",").map((pair) => [pair.slice(0, pair.indexOf("=")), coerce(pair.slice(pair.indexOf("=") + 1))]),
  );
}

function pascal(kebab) {
  return kebab.replace(/(^|-)([a-z])/g, (_, __, letter) => letter.toUpperCase());
}

/** Words of a command line with double and single quotes; no expansions. */
function shellWords(commandLine) {
  return [...commandLine.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"']+)/g)].map(
    ([, double, single, bare]) => double?.replace(/\\(["\\])/g, "$1") ?? single ?? bare,
  );
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
