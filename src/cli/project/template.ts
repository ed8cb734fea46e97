/** A project as a file: CreateProject's input as JSON, for `--template`. */
import { readFileSync } from "node:fs";
import { AwsError, KilnError, usageError } from "../../core/errors.ts";
import { nearest } from "../../core/nearest.ts";
import { absolute } from "../settings.ts";
import { cloudFormationProject, isCloudFormation } from "./cloudformation-project.ts";

/** The members as they stand in the file; nothing is checked but that it is one object. */
export const readTemplate = (file: string, cwd: string): Record<string, unknown> =>
  parseTemplate(readTemplateText(file, cwd), file);

/** The same, and of a CloudFormation template what it says of its project literally: enough to check, not to create. */
export function readProjectTemplate(file: string, cwd: string, name?: string): Record<string, unknown> {
  const text = readTemplateText(file, cwd);
  return isCloudFormation(text) ? cloudFormationProject(text, file, name) : parseTemplate(text, file);
}

function readTemplateText(file: string, cwd: string): string {
  try {
    return readFileSync(absolute(file, cwd), "utf8");
  } catch (error) {
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `cannot read the template \`${file}\``,
      why: whyUnreadable(error),
      fix: ["name a file with CreateProject's JSON: `aws codebuild create-project --generate-cli-skeleton`"],
      exitCode: 2,
      cause: error,
    });
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "it is not readable for this user",
};

/** Why a file that somebody named cannot be read, in words. */
export function whyUnreadable(error: unknown): string {
  const { code = "unknown" } = error as NodeJS.ErrnoException;
  return UNREADABLE[code] ?? code;
}

/** CreateProject's refusal as a mistake in the file; anything else as it is. */
export function refusedTemplate(file: string, error: unknown): unknown {
  if (!(error instanceof AwsError) || error.cause instanceof KilnError) return error;
  return new KilnError({
    code: "KILN_E_TEMPLATE",
    message: `CodeBuild does not take the project in \`${file}\` (${error.code}): ${error.message}`,
    fix: [
      "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html says what each member takes",
    ],
    exitCode: 2,
    cause: error,
  });
}

function parseTemplate(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  let problem = "";
  try {
    value = JSON.parse(text);
  } catch (error) {
    problem = jsonProblem(text, error);
  }
  const isCloudFormation =
    /AWSTemplateFormatVersion|^Resources:/m.test(text) ||
    (typeof value === "object" && value !== null && "Resources" in value);
  if (isCloudFormation) {
    throw usageError(`\`${file}\` is a CloudFormation template, which this version of Kiln does not read`, [
      "give the project as CreateProject's JSON: `aws codebuild create-project --generate-cli-skeleton`",
    ]);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw usageError(`\`${file}\` is not JSON of a CreateProject input${problem}`);
  }
  refuseUnknownMembers(file, Object.keys(value));
  return value as Record<string, unknown>;
}

/** Where the text stops being JSON. Node says a position, a line, or nothing, depending on its version. */
function jsonProblem(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : "";
  const position = /position (\d+)/.exec(message)?.[1];
  if (position === undefined) return text.trim() === "" ? ": it is empty" : ": it ends too early";
  const before = text.slice(0, Number(position)).split("\n");
  return `: line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1} is not JSON`;
}

/** CreateProject would pass over a misspelt member; the aws CLI refuses it, and so does Kiln. */
function refuseUnknownMembers(file: string, members: readonly string[]): void {
  const unknown = members.find((member) => !MEMBERS.includes(member) && !ANSWERED.includes(member));
  if (unknown === undefined) return;
  const suggestion = nearest(unknown, MEMBERS);
  throw usageError(`\`${file}\` has the member \`${unknown}\`, which CreateProject does not know`, [
    suggestion === undefined ? `its members are ${MEMBERS.join(", ")}` : `did you mean \`${suggestion}\`?`,
  ]);
}

/** https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html */
const MEMBERS: readonly string[] = [
  ...["name", "description", "source", "secondarySources", "sourceVersion", "secondarySourceVersions", "artifacts"],
  ...["secondaryArtifacts", "cache", "environment", "serviceRole", "timeoutInMinutes", "queuedTimeoutInMinutes"],
  ...["encryptionKey", "tags", "vpcConfig", "badgeEnabled", "logsConfig", "fileSystemLocations", "buildBatchConfig"],
  ...["concurrentBuildLimit", "autoRetryLimit"],
];
/** Of BatchGetProjects' answer, which people paste: harmless. */
const ANSWERED = ["arn", "created", "lastModified", "webhook", "badge", "projectVisibility", "publicProjectAlias"];
