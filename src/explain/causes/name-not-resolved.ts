/** A command asks for a host whose name does not resolve: no network where the build runs, or a wrong name (T35). */
import type { BuildFacts } from "../build-facts.ts";
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import type { FailedCommand } from "../failures.ts";
import { isTestTalk } from "./finding-parts.ts";

/** What curl, wget, pip, git, npm, apt, Go and Java print; a group holds the host where the line names it. */
const PATTERNS: readonly RegExp[] = [
  /[Cc]ould not resolve host(?:name)?:? ['"]?([^\s'";,)]+)/,
  /unable to resolve host address [‘'"`]?([^\s’'"`]+)/,
  /[Tt]emporary failure (?:in name resolution|resolving ['"]([^'"]+)['"])/,
  /getaddrinfo (?:ENOTFOUND|EAI_AGAIN) (\S+)/,
  /dial tcp: lookup (\S+?)(?: on \S+)?: /,
  /java\.net\.UnknownHostException: (\S+)/,
  /Name or service not known/,
];

export const nameNotResolved: Cause = {
  id: "network/name-not-resolved",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-no-internet-connectivity",
  ],
  match(failure, facts): Finding | undefined {
    if (!failure.command) return undefined;
    for (const line of failure.output) {
      const match = PATTERNS.map((pattern) => pattern.exec(line)).find((found) => found !== null);
      if (!match || isTestTalk(line)) continue;
      const host = match[1]?.replace(/[.,:)]+$/, "");
      if (host?.startsWith(".")) return emptyStart(host, line, failure.command, facts);
      return {
        cause: `${host === undefined ? "the name of a host" : `the host name \`${host}\``} does not resolve: there is no network where the build runs, or no such host`,
        ...placeOfCommand(facts, failure.command),
        evidence: [line.trim(), ...failure.output.slice(-1)].filter((text, at, all) => all.indexOf(text) === at),
        why: "on this machine a build has this machine's network; on AWS a build in a VPC needs a NAT gateway",
        next: "try the same command by hand, or point the tool at a mirror that is in reach",
        confidence: "likely",
      };
    }
    return undefined;
  },
};

/** `$AWS_ACCOUNT_ID.dkr.ecr…` where nothing sets the variable. */
function emptyStart(host: string, line: string, command: FailedCommand, facts: BuildFacts): Finding {
  const variable = /\$\{?([A-Za-z_]\w*)\}?\.\w/.exec(command.text)?.[1];
  const name = variable === undefined ? "what stands before the first dot" : `\`${variable}\``;
  return {
    cause: `the host name \`${host}\` begins with a dot: ${name} is empty`,
    ...placeOfCommand(facts, command),
    evidence: [line.trim()],
    ...(variable === "AWS_ACCOUNT_ID" && { why: "CodeBuild does not set `AWS_ACCOUNT_ID`: project or buildspec must" }),
    next:
      variable === undefined
        ? "print the variables with `echo` before the command"
        : `set \`${variable}\` under \`env.variables\` of the buildspec or in the project, here also with \`kiln run -e ${variable}=…\``,
    confidence: "likely",
  };
}
