/**
 * CloudFormation, cdk, sam, cfn-lint, serverless: configuration, refused calls, and of a rollback the first resource that
 * failed. Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
 */
import { place, placed } from "../code-places.ts";
import { knownTrouble, quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import { MAX_LINES, type Reading, type ToolReader } from "../tool-failure.ts";
import { find, findAll, type ToolLog } from "../tool-log.ts";

const RESOURCE_FAILED =
  /(?:^|\| )\s*((?:CREATE|UPDATE|DELETE|IMPORT)_FAILED)\s+\|?\s*([A-Z]\w+(?:::\w+)+)\s+\|?\s*(\S+)(?: \(\w+\))?\s*(.*)$/;

const stackForms = lineReader("cloudformation", [
  {
    mark: "ROLLBACK_COMPLETE state",
    pattern: /Stack(?::\S+| \[?\S+?\]?)? is in (\w*ROLLBACK_\w+) state and can not be updated/,
    kind: "deployment",
    say: ([, status]) => `the stack is in ${quote(status)} and cannot be updated`,
    next: "a stack that was never made must be deleted first: `aws cloudformation delete-stack`",
  },
  {
    mark: "Failed to create/update the stack",
    pattern: /^Failed to create\/update the stack\. Run the following command/,
    kind: "deployment",
    say: () => "CloudFormation could not make or update the stack",
    below: /aws cloudformation describe-stack-events/,
    next: "the command it names prints the events: the first that ends in `_FAILED` says why",
  },
  {
    mark: "Failed to create the changeset",
    pattern: /Failed to create the changeset: (?:Waiter \w+ failed: )?(.+)$/,
    kind: "deployment",
    say: ([, text]) => `CloudFormation could not make a change set: ${short(text, 240)}`,
    below: /^(?:Status|Reason)/,
  },
  {
    mark: "No changes to deploy. ",
    pattern: /^(?:Error: )?No changes to deploy\. (?:Stack )?(\S+) is up to date/,
    kind: "deployment",
    say: ([, name]) => `nothing to change in the stack ${quote(name)}, which counts as an error`,
    next: "add `--no-fail-on-empty-changeset`",
  },
  {
    mark: "Template format error",
    pattern: /Template (?:format|validation) error: (.+)$/,
    kind: "configuration",
    say: ([, text]) => `CloudFormation cannot use the template: ${short(text)}`,
  },
]);

/** Stack events of cdk, sam, `aws cloudformation` and serverless: the first that failed, cancellations left out. */
export const cloudFormation: ToolReader = {
  tool: "cloudformation",
  marks: ["_FAILED", ...stackForms.marks],
  read(log) {
    const failed = findAll(log, "_FAILED", RESOURCE_FAILED, 100).filter(
      ({ match }) => !/Resource (?:creation|update|deletion) [Cc]ancel/i.test(match[0]),
    );
    const [first] = failed;
    if (first) {
      const [, status, type, name, reason = ""] = first.match;
      const said = reason === "" ? (log.lines[first.at + 1] ?? "").trim() : reason;
      const stack = findAll(log, "failed: ", /^.{0,6}?\s*(\S+) failed: (.+)$/, 3, first.at).find(({ match }) =>
        /ROLLBACK|Error/.test(match[0]),
      );
      return {
        rank: "verdict",
        at: first.at,
        to: stack?.at ?? failed.at(-1)?.at ?? first.at,
        lines: [
          first.at,
          ...(reason === "" && said !== "" ? [first.at + 1] : []),
          ...failed.slice(1, 3).map(({ at }) => at),
          ...(stack ? [stack.at] : []),
        ].slice(0, MAX_LINES),
        kind: /not authorized|AccessDenied/.test(said) ? "permission" : "deployment",
        headline: `CloudFormation ended ${quote(name)} (${type}) as ${status}: ${short(said, 240)}`,
        next: /not authorized|AccessDenied/.test(said)
          ? "give the role that deploys (the service role, or CloudFormation's execution role) this permission"
          : "the other events follow from it: see the stack's events",
      };
    }
    return stackForms.read(log);
  },
};

export const cdk = lineReader("cdk", [
  {
    mark: "--app is required",
    pattern: /^--app is required either in command-line, in cdk\.json/,
    kind: "file-not-found",
    say: () => "there is no cdk.json in the folder of the command",
    next: "change to the app's folder first (`cd`)",
  },
  {
    mark: "Has the environment been bootstrapped",
    pattern: /^(?:.{0,4}\S+ failed: )?(?:\w*Error: )?(.*Has the environment been bootstrapped\?.*)$/,
    kind: "deployment",
    say: () => "the account and region are not prepared for cdk",
    next: "once, with enough rights: `npx cdk bootstrap aws://ACCOUNT/REGION`",
  },
  {
    mark: "SSM parameter /cdk-bootstrap/",
    pattern: /SSM parameter (\/cdk-bootstrap\/\S+) not found/,
    kind: "deployment",
    say: ([, name]) => `the account and region are not prepared for cdk: ${quote(name)} is missing`,
    next: "once, with enough rights: `npx cdk bootstrap aws://ACCOUNT/REGION`",
  },
  {
    mark: "no credentials have been configured",
    pattern: /^Need to perform AWS calls for account (\S+), but no credentials have been configured/,
    kind: "authentication",
    say: ([, account]) => `cdk has no credentials for account ${quote(account)}`,
  },
  {
    mark: "but the current credentials are for",
    pattern: /^Need to perform AWS calls for account (\S+), but the current credentials are for (\S+)/,
    kind: "authentication",
    say: ([, wanted, has]) => `cdk wants account ${quote(wanted)}, and the build's role is in ${quote(has)}`,
    next: "see the `env` of the stack, and let the role assume one of that account",
  },
  {
    mark: "could not be used to assume",
    pattern: /current credentials could not be used to assume '([^']+)'/,
    rank: "symptom",
    kind: "permission",
    say: ([, role]) => `cdk may not assume ${quote(role)}`,
    next: "allow `sts:AssumeRole` on it to the service role of the project",
  },
  {
    mark: "Cloud assembly schema version mismatch",
    pattern: /Cloud assembly schema version mismatch: (.+)$/,
    kind: "version-mismatch",
    say: ([, text]) => `the cdk CLI is older than the library: ${short(text)}`,
    next: "run the project's own: `npx aws-cdk@latest`, or pin both",
  },
  {
    mark: "Unable to resolve AWS account",
    pattern: /Unable to resolve AWS account to use/,
    kind: "authentication",
    say: () => "cdk does not know which account: it has no credentials, or may not ask",
  },
  {
    mark: "ValidationError",
    pattern:
      /^(?:\S+\/node_modules\/.+:\d+)?(?:Error|ValidationError): (Validation failed with the following errors:)$/,
    kind: "configuration",
    say: () => "cdk does not accept the stack",
    below: /^\s+\[[^\]]+\] /,
  },
  {
    mark: "[Error at /",
    pattern: /^\[Error at (\/[^\]]+)\] (.+)$/,
    kind: "configuration",
    say: ([, path, said]) => `cdk does not accept ${quote(path)}: ${short(said)}`,
  },
  {
    mark: "No stacks match the name",
    pattern: /^(?:Error: )?No stacks match the name\(s\) (.+)$/,
    kind: "usage",
    say: ([, name]) => `the cdk app has no stack ${quote(name)}`,
    next: "`cdk list` names them",
  },
  {
    mark: "pproval is required",
    pattern:
      /"--require-approval" is enabled and stack includes security-sensitive updates, but terminal \(TTY\) is not attached/,
    kind: "usage",
    say: () => "cdk wants an approval, and nobody is there to give it",
    next: "add `--require-approval never`",
  },
  {
    mark: "the toolkit stack must be deployed",
    pattern: /the toolkit stack must be deployed to the environment/,
    kind: "configuration",
    say: () => "the account and region are not prepared for cdk",
    next: "once, with enough rights: `npx cdk bootstrap aws://ACCOUNT/REGION`",
  },
  {
    mark: "or run in a directory with 'cdk.json'",
    pattern: /^Specify an environment name like 'aws:\/\/\S+', or run in a directory with 'cdk\.json'/,
    kind: "usage",
    say: () => "cdk was run outside the folder of its app: there is no cdk.json",
    next: "change to the folder with cdk.json first (`cd`), or name the environment: `cdk bootstrap aws://ACCOUNT/REGION`",
  },
  {
    mark: "Subprocess exited with error",
    pattern: /^(?:Error: )?Subprocess exited with error (\d+)/,
    rank: "wrapper",
    kind: "runtime-error",
    say: ([, code]) => `the cdk app ended with exit status ${code}`,
    within: () => "the cdk app",
  },
]);

export const sam = lineReader("sam", [
  {
    mark: "Build Failed",
    pattern: /^Build Failed$/,
    kind: "compile-error",
    say: () => "sam could not build a function",
    below: /^Error: /,
  },
  {
    mark: "Error: ",
    pattern:
      /^Error: ((?:PythonPipBuilder|NodejsNpmBuilder|NodejsNpmEsbuildBuilder|JavaMavenWorkflow|JavaGradleWorkflow|GoModulesBuilder|RubyBundlerBuilder|DotnetCliPackageBuilder|CustomMakeBuilder):\S+) - (.+)$/,
    kind: "compile-error",
    say: ([, step, said]) => `sam could not build a function (${step}): ${short(said, 240)}`,
  },
  {
    mark: "Binary validation failed",
    pattern: /Binary validation failed for (\w+), searched for (\w+) in following locations/,
    kind: "version-mismatch",
    say: ([, name]) => `sam finds no ${quote(name)} of the function's runtime`,
    next: "choose the runtime's version under `phases.install.runtime-versions`, or `sam build --use-container`",
  },
  {
    mark: "Error: Template file not found",
    pattern: /^Error: (?:Template file not found at|Invalid value for '-t' \/ '--template-file'.*) ?(\S*)/,
    kind: "file-not-found",
    say: ([, file]) => `sam finds no template ${quote(file)}`,
    next: "change to its folder first, or name it: `-t FILE`",
  },
  {
    mark: "Resources with id",
    pattern: /Resource with id \[([^\]]+)\] is invalid\. (.+)$/,
    kind: "configuration",
    say: ([, id, said]) => `sam does not accept ${quote(id)}: ${short(said)}`,
  },
  {
    mark: "is invalid. ",
    pattern: /Resource with id \[([^\]]+)\] is invalid\. (.+)$/,
    kind: "configuration",
    say: ([, id, said]) => `sam does not accept ${quote(id)}: ${short(said)}`,
  },
  {
    mark: "[[E",
    pattern: /\[\[(E\d{4}): (.+?)\] (.+)\] matched/,
    kind: "configuration",
    say: ([, id, , said]) => `the template is not valid: ${short(said)} (${id})`,
  },
  {
    mark: "Cannot use both --resolve-s3",
    pattern: /^Error: (Cannot use both .+|Cannot skip both .+|Missing option .+)$/,
    kind: "usage",
    say: ([, said]) => `sam refuses: ${short(said)}`,
  },
  {
    mark: "Unable to upload artifact",
    pattern: /^(?:\w*Error: )?Unable to upload artifact (\S+) referenced by (\w+) parameter of (\S+) resource\.?/,
    kind: "deployment",
    say: ([, artifact, parameter, resource]) =>
      `${quote(artifact)} (${parameter} of ${quote(resource)}) was not uploaded`,
    below: /^(?:An error occurred|Parameter |S3 Bucket|\w.+)/,
    next: "the lines below say why: a path that is not there must be built or named right before; for AccessDenied the service role needs `s3:PutObject` on the bucket",
  },
  {
    mark: "Changes to deploy",
    pattern: /^Error: (?:No changes to deploy)/,
    kind: "deployment",
    say: () => "nothing to change in the stack, which counts as an error",
    next: "add `--no-fail-on-empty-changeset`",
  },
]);

/** `E3012 text`, and below it `template.yaml:12:5`. */
export const cfnLint: ToolReader = {
  tool: "cfn-lint",
  marks: [".yaml:", ".yml:", ".json:", ".template:"],
  read(log) {
    const found = [".yaml:", ".yml:", ".json:", ".template:"]
      .flatMap((mark) => findAll(log, mark, /^(\S+\.(?:ya?ml|json|template)):(\d+):(\d+)$/, 20))
      .sort((a, b) => a.at - b.at)
      .find(({ at }) => /^E\d{4} /.test(log.lines[at - 1] ?? ""));
    if (!found) return undefined;
    const [, id, said] = /^(E\d{4}) (.+)$/.exec(log.lines[found.at - 1] ?? "") ?? [];
    return {
      rank: "verdict",
      at: found.at - 1,
      lines: [found.at - 1, found.at],
      kind: "configuration",
      headline: `the template is not valid: ${short(said)} (${id})`,
      ...placed(place(found.match[1], found.match[2], found.match[3])),
    };
  },
};

export const serverless: ToolReader = {
  tool: "serverless",
  marks: ["framework ", "Serverless Error", "Serverless: "],
  read(log: ToolLog): Reading | undefined {
    const title =
      find(log, "Error:", /^\s*(?:✖ )?(?:\w+ )?Error:?$/) ?? find(log, "Serverless Error", /Serverless Error -+$/);
    if (!title || !/serverless|\bsls\b/i.test(`${log.text.slice(0, 400_000)} ${log.command}`)) return undefined;
    const lines: number[] = [];
    for (let at = title.at + 1; at < log.lines.length && at < title.at + 20 && lines.length < 4; at += 1) {
      if ((log.lines[at] ?? "").trim() !== "" && !/^\s*(?:Get Support|Docs:|-{5,})/.test(log.lines[at] ?? ""))
        lines.push(at);
    }
    const said = (log.lines[lines[0] ?? -1] ?? "").trim();
    const detail = (log.lines[lines[1] ?? -1] ?? "").trim();
    const [, file, line, column] = /in "([^"]+)" \((\d+):(\d+)\)/.exec(said) ?? [];
    const resource = /^(?:CREATE|UPDATE)_FAILED: (\S+) \(([^)]+)\)/.exec(said);
    return {
      rank: "verdict",
      at: title.at,
      to: lines.at(-1) ?? title.at,
      lines: [title.at, ...lines].slice(0, MAX_LINES),
      kind: /Cannot parse|bad indentation/.test(said)
        ? "syntax"
        : resource
          ? "deployment"
          : /credentials|not signed in/i.test(said)
            ? "authentication"
            : (knownTrouble(said)?.kind ?? "configuration"),
      headline: `serverless: ${short(said, 200)}${/errored with:$|following errors|:$/.test(said) || resource ? ` ${short(detail)}` : ""}`,
      ...placed(place(file, line, column)),
    };
  },
};
