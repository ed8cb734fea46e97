/**
 * An error that AWS answered a call with, as tools print it: the aws CLI and boto3, SDKs for Go (Terraform), Java
 * (CloudFormation) and JavaScript, the JSON of the wire, CodePipeline's and the console's line about a phase.
 * Sources: the forms as these tools print them; https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html
 */

import { ownValue } from "../../core/own-value.ts";
import type { ApiError } from "../build-facts.ts";

/** A phase's context as CodePipeline and the console show it. */
export interface PhaseText {
  readonly phaseType: string;
  readonly statusCode: string;
  readonly message: string;
}

const CODE = "[A-Z][A-Za-z]*(?:Exception|Error|Denied|Exceeded|Fault|NotFound|Throttling)";

const FORMS: readonly RegExp[] = [
  /An error occurred \((?<code>[\w.]+)\) when calling the (?<operation>\w+) operation(?: \(reached max retries: \d+\))?: (?<message>[\s\S]*)/,
  new RegExp(
    `operation error [\\w ]+: (?<operation>\\w+),.{0,4000}?StatusCode: \\d+, RequestID: [\\w-]*,(?: api error)? (?<code>${CODE}): (?<message>[\\s\\S]*)`,
    "s",
  ),
  // What stands before the brackets is looked at once they are found: before each character it would cost its square.
  / (?=\((?:Service: [\w ]+[;,] )?Status ?Code: \d+; Error Code: (?<code>\w+);[^)]{0,4000}\))(?<=(?<message>[^"\n]*) )/,
  / (?=\(Service: [\w ]+, Status Code: \d+, Request ID: [^)]{0,4000}\))(?<=(?<message>[^"\n]*) )/,
  new RegExp(`Code: ?(?<code>${CODE}), ?Message: ?(?<message>[\\s\\S]*)`),
  new RegExp(`(?:^|[\\s:(])(?<code>${CODE}): (?<message>(?!.*\\[Container\\])[\\s\\S]*)`),
];

/** The first such error in a text, or undefined. */
export function apiErrorIn(text: string): ApiError | undefined {
  // Terraform frames its errors and breaks their lines.
  const unframed = /^[ \t]*[│╷╵]/m.test(text)
    ? text
        .split("\n")
        .map((line) => line.replace(/^\s*[│╷╵] ?/, "").trim())
        .join(" ")
    : text;
  for (const form of FORMS) {
    const groups = form.exec(unframed)?.groups;
    const message = tidy(groups?.["message"] ?? "");
    if (!groups || message === "") continue;
    const { code = "", operation } = groups;
    return { code, message, ...(operation === undefined ? {} : { operation }) };
  }
  return undefined;
}

/** `{"__type": "…#InvalidInputException", "message": "…"}`, an SDK's error object, CloudTrail's event. */
export function apiErrorOf(value: unknown): ApiError | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const json = value as Readonly<Record<string, unknown>>;
  const inner = json["Error"] ?? json["error"];
  if (typeof inner === "object") return apiErrorOf(inner);
  const code = json["__type"] ?? json["errorCode"] ?? json["Code"] ?? json["code"] ?? json["name"];
  const message = json["message"] ?? json["Message"] ?? json["errorMessage"];
  if (typeof code !== "string" || typeof message !== "string" || !/[A-Z]\w+/.test(code)) return undefined;
  const operation = json["eventName"];
  return {
    code: code.replace(/^.*#/, ""),
    message,
    ...(typeof operation === "string" ? { operation } : {}),
  };
}

const tidy = (message: string): string =>
  message
    .replace(/\n{2,}[\s\S]*$/, "")
    .replace(/^.*returned message: "/, "")
    .replace(/^Invalid request provided: /, "")
    .trim();

/** `Build terminated with state: FAILED. Phase: BUILD, Code: …, Message: …`, or `YAML_FILE_ERROR: …`. */
export function phaseTextIn(text: string): PhaseText | undefined {
  const pipeline =
    /Build terminated with state: \w+\.? Phase: (\w+), Code: ([\w .]*?), Message: ([\s\S]*?)(?:"\s*[,}]|\n\s*\n|$)/.exec(
      text,
    );
  if (pipeline) {
    const [, phaseType = "", statusCode = "", message = ""] = pipeline;
    return { phaseType, statusCode, message: message.trim() };
  }
  const log = /Phase context status code:\s{0,40}([\w .]{1,200}?)\s{1,40}Message:\s*([\s\S]+)/.exec(text);
  if (log) return { phaseType: phaseOfCode(log[1] ?? ""), statusCode: log[1] ?? "", message: (log[2] ?? "").trim() };
  const image = /Unable to pull customer's container image[\s\S]*/.exec(text)?.[0];
  // The code before it may be cut, quoted or be missing; what follows is the same.
  if (image !== undefined) {
    const message = image
      .trimEnd()
      .replace(/(?<![`\]"*])[`\]"*]+$/, "")
      .trim();
    return { phaseType: "PROVISIONING", statusCode: "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", message };
  }
  const queued = /^[ \t]*(SUBMITTED|QUEUED|PROVISIONING): ([A-Z_]{6,})\s*(?:[:.]\s*([\s\S]*))?$/m.exec(text);
  if (queued) return { phaseType: queued[1] ?? "", statusCode: queued[2] ?? "", message: (queued[3] ?? "").trim() };
  // A row of the console's phases: `BUILD | Failed | CODE: …`.
  const row = /^[ \t]*([A-Z_]{5,})\s*[|\t]\s*(?:Failed|Error|Fault|Timed out)\s*[|\t]\s*(?=[A-Z])/im.exec(text);
  const shown = new RegExp(`^[ \\t"'\`*[]*(${Object.keys(PHASE_OF_CODE).join("|")}): ([\\s\\S]+)`, "m").exec(
    row ? text.slice(row.index + row[0].length) : text,
  );
  // Without its code, too, this sentence is CodeBuild's alone.
  const command = /^[ \t]*Error while executing command: [\s\S]{0,40000}?\. Reason: exit status \d+/m.exec(text)?.[0];
  if (!shown && command !== undefined)
    return { phaseType: "BUILD", statusCode: "COMMAND_EXECUTION_ERROR", message: command.trim() };
  if (!shown) return undefined;
  const [, statusCode = "", said = ""] = shown;
  const message = said.replace(/["'`\]]\s*$/, "");
  return {
    phaseType: row?.[1]?.toUpperCase() ?? phaseOfCode(statusCode, message),
    statusCode,
    message: message.trim(),
  };
}

/** Where a code comes from, when nothing else says it. */
const PHASE_OF_CODE: Readonly<Record<string, string>> = {
  COMMAND_EXECUTION_ERROR: "BUILD",
  YAML_FILE_ERROR: "DOWNLOAD_SOURCE",
  "Decrypted Variables Error": "DOWNLOAD_SOURCE",
  "Secrets Manager Error": "DOWNLOAD_SOURCE",
  ACCESS_DENIED: "QUEUED",
  VPC_CLIENT_ERROR: "PROVISIONING",
  BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE: "PROVISIONING",
  INSUFFICIENT_SUBNET: "QUEUED",
  BUILD_TIMED_OUT: "BUILD",
  INTERNAL_SERVICE_ERROR: "BUILD",
  CLIENT_ERROR: "DOWNLOAD_SOURCE",
};

function phaseOfCode(code: string, message = ""): string {
  if (code === "CLIENT_ERROR" && /mounting '/.test(message)) return "PROVISIONING";
  if (code === "CLIENT_ERROR" && /artifact|UPLOAD_ARTIFACTS|report/i.test(message)) return "UPLOAD_ARTIFACTS";
  return ownValue(PHASE_OF_CODE, code) ?? "BUILD";
}
