/**
 * Calls that CodeBuild refuses before a build begins, and what its console says instead of a code: limits of the account
 * and the project (T29, T39, R28, R29), a pipeline's project started by hand (R30), a role the console may not edit (T19),
 * a role's tag (T28), a Bitbucket app without its scopes (T32), a Windows image where there is none (T08).
 */
import { shellWord } from "../../core/shell-word.ts";
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { findDenial, policyFix } from "../denial.ts";
import type { Failure } from "../failures.ts";
import { remedy, whyDenied } from "../remedy.ts";
import { firstLine } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";
import { updateEnvironment, updateProject } from "./update-project.ts";

const TROUBLESHOOTING = "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html";
const LIMITS = "https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html";
const QUOTAS =
  "aws service-quotas list-service-quotas --service-code codebuild --query \"Quotas[?contains(QuotaName, 'oncurrent')].[QuotaName,Value]\"";

/** A row of what is known of a refusal by its text alone. */
interface Refusal {
  readonly id: string;
  readonly sources: readonly string[];
  readonly pattern: RegExp;
  finding(match: RegExpExecArray, facts: BuildFacts): Omit<Finding, "evidence">;
}

const REFUSALS: readonly Refusal[] = [
  {
    id: "account/active-builds-limit",
    sources: [LIMITS],
    pattern: /Cannot have more than (\S+) active builds for the (account|project)/,
    finding: ([, limit = "", whose = ""], facts) =>
      whose === "project"
        ? projectLimit(limit, facts)
        : {
            cause: `${limit} builds of this account run at the same time, which is its quota for this compute type`,
            fix: { kind: "command", title: "see the quotas, then ask for a higher one", commands: [QUOTAS] },
            next: "or wait for a build to end; a project's `concurrentBuildLimit` keeps places free for others",
            prove:
              "`aws service-quotas list-service-quotas --service-code codebuild` shows the new value, and the same call answers a build",
            confidence: "certain",
          },
  },
  {
    id: "account/queue-full",
    sources: [LIMITS],
    pattern: /Cannot have more than (\d+) builds in queue for the account/,
    finding: ([, limit = ""]) => ({
      cause:
        limit === "0"
          ? "the account may not run builds at all yet: its quota is 0, as with new or limited accounts"
          : `${limit} builds of this account wait already, and no more may queue`,
      why:
        limit === "0"
          ? "AWS opens new accounts step by step"
          : "the queue holds five times the quota of concurrent builds",
      fix: { kind: "command", title: "see the account's quotas", commands: [QUOTAS] },
      next:
        limit === "0"
          ? "ask AWS Support to open CodeBuild for the account, or ask for a quota in Service Quotas"
          : "wait, stop what is not needed (`aws codebuild stop-build`), or ask for a higher quota",
      prove: "the same call answers a build",
      confidence: "certain",
    }),
  },
  {
    id: "account/project-limit-too-high",
    sources: [LIMITS],
    pattern: /Project-level concurrent build limit cannot exceed the account-level concurrent build limit of (\d+)/,
    finding: ([, limit = "1"], facts) => ({
      cause: `the project's \`concurrentBuildLimit\` is above what the account may run at the same time (${limit})`,
      ...fieldOf("concurrentBuildLimit", undefined),
      fix: {
        kind: "command",
        title: `set it to ${limit} or less, or leave it out`,
        commands: [updateProject(facts, `--concurrent-build-limit ${limit}`)],
      },
      next: "or ask for a higher quota of the account first",
      prove: "the same call answers the project",
      confidence: "certain",
    }),
  },
  {
    id: "project/build-limit-reached",
    sources: [TROUBLESHOOTING, LIMITS],
    pattern: /Build failed to start\b/,
    finding: (_, facts) => projectLimit(undefined, facts),
  },
  {
    id: "project/artifacts-override-needed",
    sources: ["https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html"],
    pattern: /ArtifactsOverride must be set when using artifacts type CodePipelines?/,
    finding: (_, { build }) => ({
      cause: "the project belongs to a pipeline (its artifacts are of type CODEPIPELINE), and was started without one",
      ...fieldOf("artifacts.type", "CODEPIPELINE"),
      why: "a pipeline hands over the source and takes the artifacts; a build by hand must name others",
      fix: {
        kind: "command",
        title: "start it with artifacts and a source of its own",
        commands: [
          `aws codebuild start-build --project-name ${build.projectName ?? "PROJECT"} --artifacts-override type=NO_ARTIFACTS --source-type-override GITHUB --source-location-override URL`,
        ],
      },
      next: "or start the pipeline: `aws codepipeline start-pipeline-execution --name PIPELINE`",
      prove: "that call answers a build",
      confidence: "certain",
    }),
  },
  {
    id: "iam/role-edited-by-console",
    sources: [TROUBLESHOOTING],
    pattern: /default version was not created by enhanced zero click role creation/,
    finding: (_, facts) => ({
      cause:
        "the console may not edit the service role: its policy was changed by hand, or an older version of it is the default",
      ...fieldOf("serviceRole", facts.build.serviceRole),
      why: "the console updates only policies that it made itself, in their newest version",
      fix: {
        kind: "command",
        title:
          "keep the role as it is: update the project without the console (there: take off `Allow AWS CodeBuild to modify this service role`)",
        commands: [updateProject(facts, `--service-role ${shellWord(facts.build.serviceRole ?? "ROLE_ARN")}`)],
      },
      next: "or let the console make a new service role",
      prove: "the project can be saved",
      confidence: "certain",
    }),
  },
  {
    id: "iam/role-tag-job-id",
    sources: [TROUBLESHOOTING],
    pattern: /Unable to verify JobWorker identity/,
    finding: (_, { build }) => {
      const role = build.serviceRole?.split("/").at(-1) ?? "ROLE";
      return {
        cause: `the service role \`${role}\` has a tag with the key \`jobId\`, which CodeBuild uses for itself`,
        ...fieldOf("serviceRole", build.serviceRole),
        fix: {
          kind: "command",
          title: "give the tag another name",
          commands: [
            `aws iam list-role-tags --role-name ${role}`,
            `aws iam untag-role --role-name ${role} --tag-keys jobId`,
          ],
        },
        prove: `\`aws iam list-role-tags --role-name ${role} --query "Tags[?Key=='jobId']"\` prints an empty list`,
        confidence: "certain",
      };
    },
  },
  {
    id: "source/bitbucket-scopes",
    sources: [TROUBLESHOOTING],
    pattern: /Your credentials lack one or more required privilege scopes/,
    finding: () => ({
      cause: "the Bitbucket app of CodeBuild has got a new scope, which your account has not accepted yet",
      ...fieldOf("source.auth", undefined),
      why: "webhooks need a scope that connections made earlier did not ask for",
      fix: {
        kind: "command",
        title: "remove the connection, then connect to Bitbucket again in the console and grant access",
        commands: [
          "aws codebuild list-source-credentials",
          "aws codebuild delete-source-credentials --arn CREDENTIAL_ARN",
        ],
      },
      prove: "the same call answers the project or the webhook",
      confidence: "certain",
    }),
  },
  {
    id: "iam/service-role-invalid",
    sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html"],
    pattern: /^Invalid service role\b/,
    finding: (_, facts) => ({
      cause:
        "CodeBuild does not accept the service role: it does not exist under this ARN, or does not trust CodeBuild",
      ...fieldOf("serviceRole", facts.build.serviceRole),
      next: "see `aws iam get-role --role-name ROLE`: the ARN must be the same to the letter (path and account, too), and `codebuild.amazonaws.com` must stand in its trust policy; a role made just now takes some seconds",
      prove: "the same call answers the project",
      confidence: "likely",
    }),
  },
  {
    id: "image/curated-needs-codebuild",
    sources: ["https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html"],
    pattern: /cannot use a CodeBuild curated image with imagePullCredentialsType SERVICE_ROLE/,
    finding: (_, facts) => ({
      cause: "the project's image is one of CodeBuild's, and its `imagePullCredentialsType` is SERVICE_ROLE",
      ...fieldOf("environment.imagePullCredentialsType", "SERVICE_ROLE"),
      why: "CodeBuild pulls its own images as itself: SERVICE_ROLE is for images of your own",
      fix: {
        kind: "command",
        title: "let CodeBuild pull it",
        commands: [updateEnvironment(facts, { imagePullCredentialsType: "CODEBUILD" })],
      },
      prove: "the same call answers the project",
      confidence: "certain",
    }),
  },
  {
    id: "image/windows-region",
    sources: [TROUBLESHOOTING],
    pattern:
      /(?:environment type|image|platform)\b.{0,80}\bWINDOWS\w*.{0,80}\bnot (?:supported|available)\b|\bWINDOWS_\w+\b.{0,80}\bnot (?:supported|available)\b.{0,40}\bregion/i,
    finding: (_, facts) => ({
      cause: "this region has no hosts for the Windows environment type of the project",
      ...fieldOf("environment.type", facts.build.environment?.type),
      next: "make the project in a region that has them, e.g. `us-east-1`, `us-east-2`, `us-west-2`, `eu-west-1`; the user guide lists them",
      prove: "`aws codebuild create-project --region REGION …` answers the project",
      confidence: "likely",
    }),
  },
];

function projectLimit(limit: string | undefined, facts: BuildFacts): Omit<Finding, "evidence"> {
  const { projectName = "PROJECT" } = facts.build;
  return {
    cause: `the project runs as many builds at the same time as its \`concurrentBuildLimit\`${limit === undefined ? "" : ` (${limit})`} allows`,
    ...fieldOf("concurrentBuildLimit", limit),
    why: "a build beyond this limit does not wait: the call that starts it fails",
    fix: {
      kind: "command",
      title: "raise the limit (-1 takes it away), or wait for a build to end",
      commands: [updateProject(facts, "--concurrent-build-limit -1")],
    },
    next: `see what runs: \`aws codebuild list-builds-for-project --project-name ${projectName}\``,
    prove: `\`aws codebuild batch-get-projects --names ${projectName} --query 'projects[0].concurrentBuildLimit'\` prints the new limit, and the same call answers a build`,
    confidence: "certain",
  };
}

/** What was said: the answer of a call, a phase's message, or a line of the log that is CodeBuild's own. */
const saidBy = (failure: Failure, { events }: BuildFacts): readonly string[] => [
  failure.message,
  ...failure.output,
  ...events.flatMap((event) => (event.type === "log" && event.kind === "container" ? [event.text] : [])),
];

export const refusals: readonly Cause[] = REFUSALS.map(({ id, sources, pattern, finding }) => ({
  id,
  sources,
  match(failure, facts): Finding | undefined {
    // A command may print anything; only one that calls CodeBuild is told by it.
    if (failure.command && !/codebuild|^$/.test(failure.command.text)) return undefined;
    for (const line of saidBy(failure, facts)) {
      const match = pattern.exec(line);
      if (match) return { evidence: [firstLine(line)], ...finding(match, facts) };
    }
    return undefined;
  },
}));

export const requestDenied: Cause = {
  id: "iam/request-denied",
  sources: ["https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"],
  match(failure, facts): Finding | undefined {
    const denial = failure.operation === undefined ? undefined : findDenial(failure.message);
    if (!denial) return undefined;
    const user = /:user\/(?:.*\/)?([^/]+)$/.exec(denial.principalArn)?.[1];
    const who = denial.roleName ?? user ?? "CALLER";
    const isPassRole = denial.action === "iam:PassRole";
    const fix = policyFix(`allow \`${denial.action}\` on this resource, and nothing else`, who, "kiln-allow-call", [
      {
        Sid: "AllowCall",
        Effect: "Allow",
        Action: [denial.action],
        Resource: [denial.resource],
        ...(isPassRole ? { Condition: { StringEquals: { "iam:PassedToService": "codebuild.amazonaws.com" } } } : {}),
      },
    ]);
    const commands =
      user === undefined
        ? fix.commands
        : fix.commands.map((one) => one.replace(/put-role-policy --role-name/, "put-user-policy --user-name"));
    return {
      cause: `\`${denial.principalArn}\` may not make this call: ${whyDenied(denial)}`,
      evidence: [firstLine(failure.message)],
      ...(isPassRole
        ? { why: "who gives a project its service role must be allowed to pass that role to CodeBuild" }
        : {}),
      ...remedy(facts, denial, { ...fix, commands }),
      prove: `\`aws iam simulate-principal-policy --policy-source-arn ${entityOf(denial.principalArn)} --action-names ${denial.action} --resource-arns '${denial.resource}'\` prints allowed; then make the call again`,
      confidence: "certain",
    };
  },
};

/** AWS: the simulator takes users and roles, no sessions of a role. */
const entityOf = (arn: string): string =>
  arn.replace(/^arn:([\w-]+):sts::(\w+):assumed-role\/([^/]+)\/.*$/, "arn:$1:iam::$2:role/$3");

/** What to do after a refusal whose code all services have. */
function afterRefusal(code: string, operation: string): string {
  if (/^(?:AccessDenied|Unauthorized|Forbidden)/.test(code)) {
    const action = operation === "" ? "the call's action" : `the action of \`${operation}\``;
    return `let the caller's policies allow ${action} on the resource, and see the resource's own policy (a bucket's, a key's): the answer names neither`;
  }
  if (/Throttl|TooManyRequests|SlowDown|LimitExceeded/.test(code))
    return "too many calls, or too many resources: wait and try again, or ask for a higher quota";
  if (/^OAuthProvider/.test(code))
    return "import a token that may do it: `aws codebuild import-source-credentials`, or connect again in the console";
  if (/NotFound|NoSuch/.test(code)) return "does it exist in this account and region, under exactly this name?";
  if (/ExpiredToken|InvalidClientToken|UnrecognizedClient|SignatureDoesNotMatch/.test(code))
    return "the credentials are not valid (any more): get new ones, and see `aws sts get-caller-identity`";
  return "compare the call's input with its documentation; the message names the member";
}

/** An answer without a cause of its own. */
export const requestRefused: Cause = {
  id: "api/request-refused",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/APIReference/CommonErrors.html"],
  match(failure): Finding | undefined {
    if (failure.operation === undefined || failure.statusCode === "") return undefined;
    const call = failure.operation === "" ? "the call" : `\`${failure.operation}\``;
    return {
      cause: `${call} was refused with \`${failure.statusCode}\`: ${firstLine(failure.message)}`,
      evidence: [firstLine(failure.message)],
      next: afterRefusal(failure.statusCode, failure.operation),
      prove: "the same call answers without an error",
      confidence: "possible",
      isUndiagnosed: true,
    };
  },
};
