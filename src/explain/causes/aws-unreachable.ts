/**
 * AWS itself cannot be reached from the build: CodeBuild's agent for logs and artifacts (T25), or a command's own tool.
 * Behind it stands a proxy, or a VPC without a way to the service.
 */
import type { BuildFacts } from "../build-facts.ts";
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { findLine, firstLine } from "./finding-parts.ts";

const PROXY = "https://docs.aws.amazon.com/codebuild/latest/userguide/use-proxy-server.html";
const REQUEST = /\bsend request failed\b/i;
const ENDPOINT = /https?:\/\/([\w.*-]+\.amazonaws\.com(?:\.cn)?)/;
const CLI =
  /Could not connect to the endpoint URL: "?(https?:\/\/[^"\s]+)|Connect timeout on endpoint URL: "?(https?:\/\/[^"\s]+)|EndpointConnectionError/;

const PROXY_VARIABLE = /^https?_proxy$/i;

function hasProxy({ build, plan, buildspec }: BuildFacts): boolean {
  const names = [
    ...(build.environment?.environmentVariables ?? []).map(({ name }) => name ?? ""),
    ...(plan?.variables ?? []).map(({ name }) => name),
    ...(buildspec?.env.variables ?? []).map(({ name }) => name.value),
  ];
  return names.some((name) => PROXY_VARIABLE.test(name));
}

export const agentCannotReachAws: Cause = {
  id: "network/aws-unreachable",
  sources: [PROXY, "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html"],
  match(failure, facts): Finding | undefined {
    const lines = [failure.message, ...containerLines(facts)];
    const line = lines.find((text) => REQUEST.test(text) && (ENDPOINT.test(text) || /dial tcp/.test(text)));
    if (line === undefined || failure.command || line.startsWith("error while downloading key")) return undefined;
    // The cache's trouble fails no build.
    if (line.startsWith("Unable to download cache")) return undefined;
    const host = ENDPOINT.exec(line)?.[1] ?? "AWS";
    const isLog = host.startsWith("logs.");
    const isRefused = /connection refused/.test(line);
    const behindProxy = hasProxy(facts);
    const has = facts.buildspec?.proxy;
    const lacks = !(has?.logs?.value && has.uploadArtifacts?.value);
    const edit = facts.buildspec && !has ? addProxy(facts.buildspec) : undefined;
    return {
      cause: `the build cannot reach \`${host}\`, so ${isLog ? "its log was not written" : "its artifacts were not uploaded"}: ${isRefused ? "the connection was refused" : "nothing answered"}`,
      ...(facts.buildspec && lacks ? { file: facts.buildspec.file, line: 1 } : {}),
      evidence: [firstLine(line)],
      why: behindProxy
        ? "CodeBuild's agent uses the proxy of `HTTPS_PROXY` only for what the buildspec's `proxy` section names"
        : "either a proxy stands between (its ssl-bump or its rules refuse AWS, or the buildspec's `proxy` section is missing), or the VPC has no endpoint for the service",
      ...(edit
        ? { fix: edit }
        : {
            fix: {
              kind: "command" as const,
              title: `or, without a proxy, make an endpoint for ${isLog ? "CloudWatch Logs" : "S3"} in the VPC`,
              commands: [endpointCommand(facts, isLog)],
            },
          }),
      next: "the proxy must let `*.amazonaws.com` through unopened (no ssl-bump), the project must set `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` (with `169.254.170.2`); with VPC endpoints for S3 and Logs no proxy is needed for them",
      prove: `a command \`curl -sS -o /dev/null -w '%{http_code}' https://${host.replace("*", "x")}\` in the build prints a status code`,
      confidence: "likely",
    };
  },
};

const containerLines = ({ events }: BuildFacts): string[] =>
  events.flatMap((event) => (event.type === "log" && REQUEST.test(event.text) ? [event.text] : []));

function addProxy({ text, file }: { readonly text: string; readonly file: string }) {
  const version = /^version:.*(?:\r?\n|$)/m.exec(text);
  const offset = version ? version.index + version[0].length : 0;
  return {
    kind: "edit" as const,
    title: "let the agent use the proxy for artifacts and logs",
    edits: [
      { file, startOffset: offset, endOffset: offset, newText: "proxy:\n  upload-artifacts: yes\n  logs: yes\n" },
    ],
  };
}

function endpointCommand({ build }: BuildFacts, isLog: boolean): string {
  const region = build.arn?.split(":")[3] ?? "REGION";
  const type = isLog ? "Interface" : "Gateway --route-table-ids ROUTE_TABLE";
  return `aws ec2 create-vpc-endpoint --vpc-id ${build.vpcConfig?.vpcId ?? "VPC"} --service-name com.amazonaws.${region}.${isLog ? "logs" : "s3"} --vpc-endpoint-type ${type}`;
}

export const commandCannotReachAws: Cause = {
  id: "network/endpoint-unreachable",
  sources: ["https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-troubleshooting.html"],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, CLI);
    if (line === undefined || !failure.command) return undefined;
    const url = CLI.exec(line)
      ?.slice(1)
      .find(Boolean)
      ?.replace(/[".]+$/, "");
    return {
      cause: `the command cannot reach ${url === undefined ? "the endpoint of the service" : `\`${url}\``}`,
      ...placeOfCommand(facts, failure.command),
      evidence: [line.trim()],
      why: "a wrong region makes a host that does not exist; a build in a VPC needs a NAT gateway or an endpoint of the service",
      next: "see the region (`AWS_DEFAULT_REGION`, `--region`), then the network: `curl -sS URL` in the build",
      ...(url === undefined
        ? {}
        : { prove: `\`curl -sS -o /dev/null -w '%{http_code}' ${url}\` in the build prints a status code` }),
      confidence: "certain",
    };
  },
};
