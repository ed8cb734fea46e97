/**
 * What the aws commands of a buildspec ask IAM for, as far as their words tell: the action, and the resource where an
 * option names it. Only services whose operations and actions have the same names, or that are listed here.
 * Sources: https://docs.aws.amazon.com/service-authorization/latest/reference/ and
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 * Gaps: what a command calls besides (`cloudformation deploy` creates resources), SDKs, Terraform, other tools.
 */
import type { ShellCommand, ShellModel, ShellWord } from "../shell/shell-model.ts";

/** One permission that a command needs. `*` in the resource stands for what is not known. */
export interface AwsCall {
  readonly action: string;
  /** ARN pattern with `REGION` and `ACCOUNT` where the build's own are meant. */
  readonly resource: string;
  readonly command: ShellCommand;
  /** `aws s3 cp`, for people. */
  readonly title: string;
}

/** The calls of all commands that run with the service role's credentials, in order; `also` those that may not run at all. */
export function awsCalls(shell: ShellModel, also?: "guarded"): AwsCall[] {
  const calls: AwsCall[] = [];
  if (startsAsSomebodyElse(shell)) return calls;
  for (const command of shell.commands) {
    // From here on the commands may be somebody else.
    if (changesCredentials(command)) return calls;
    if (command.name !== "aws" || (command.isGuarded && also === undefined)) continue;
    calls.push(...callsOf(command));
  }
  return calls;
}

/** Do some of the commands run with other credentials than the service role's? */
export const usesOtherCredentials = (shell: ShellModel): boolean =>
  startsAsSomebodyElse(shell) || shell.commands.some(changesCredentials);

const startsAsSomebodyElse = ({ variables }: ShellModel): boolean =>
  variables.has("AWS_ACCESS_KEY_ID") || variables.has("AWS_PROFILE");

const CREDENTIALS =
  /^(?:AWS_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|PROFILE|DEFAULT_PROFILE|ROLE_ARN))(?:=|$)/;

function changesCredentials({ name, args, within }: ShellCommand): boolean {
  if (name === "export" || name === "declare") return args.some(({ source }) => CREDENTIALS.test(source));
  if (name === "aws")
    return args[0]?.text === "configure" && /access_key|credential|role_arn|source_profile/.test(within.value);
  if (name === "source" || name === "." || name === "eval") return /assume|credential|\baws\b/.test(within.value);
  return /^(?:\w+=\S*\s+)*AWS_(?:ACCESS_KEY_ID|PROFILE)=/.test(within.value);
}

interface ParsedAws {
  readonly service: string;
  readonly operation: string;
  /** Words that are no options, after the operation. */
  readonly operands: readonly ShellWord[];
  /** The words after each option. */
  readonly options: ReadonlyMap<string, readonly ShellWord[]>;
}

const GLOBAL_WITH_VALUE = new Set([
  ...["--region", "--output", "--query", "--color", "--ca-bundle", "--cli-read-timeout", "--cli-connect-timeout"],
  ...["--cli-binary-format", "--profile", "--endpoint-url"],
]);
const S3_SWITCHES = new Set([
  ...["--delete", "--recursive", "--quiet", "--only-show-errors", "--no-progress", "--dryrun", "--follow-symlinks"],
  ...["--no-follow-symlinks", "--exact-timestamps", "--size-only", "--force", "--human-readable", "--summarize"],
  ...["--no-guess-mime-type", "--no-verify-ssl", "--debug", "--no-paginate", "--no-cli-pager", "--no-sign-request"],
]);
/** The command asks somebody else than this role's AWS. */
const ELSEWHERE = ["--profile", "--endpoint-url", "--no-sign-request"];

function parseAws(command: ShellCommand): ParsedAws | undefined {
  const words = [...command.args];
  const before: string[] = [];
  while (words[0]?.source.startsWith("-")) {
    const [option = ""] = (words.shift()?.source ?? "").split("=");
    before.push(option);
    if (GLOBAL_WITH_VALUE.has(option)) words.shift();
  }
  const service = words.shift()?.text;
  const operation = words.shift()?.text;
  if (!service || !operation || !/^[a-z][a-z0-9-]*$/.test(service) || !/^[a-z][a-z0-9-]*$/.test(operation)) {
    return undefined;
  }
  const options = new Map<string, ShellWord[]>(before.map((option) => [option, []]));
  const operands: ShellWord[] = [];
  let current: ShellWord[] | undefined;
  for (const word of words) {
    if (/^--[a-z]/.test(word.source)) {
      const [name = ""] = word.source.split("=");
      const values: ShellWord[] = word.source.includes("=") ? [afterEquals(word)] : [];
      options.set(name, values);
      current = S3_SWITCHES.has(name) || word.source.includes("=") ? undefined : values;
      continue;
    }
    // The options of s3 take one word each, or none.
    const isOperand = service === "s3" && (current === undefined || current.length > 0 || isPlace(word));
    if (current && !isOperand) current.push(word);
    else operands.push(word);
  }
  return { service, operation, operands, options };
}

/** The value of `--name=value`. */
const afterEquals = (word: ShellWord): ShellWord => {
  const [first, ...rest] = word.pieces;
  return { ...word, pieces: first ? [{ ...first, text: first.text?.replace(/^[^=]*=/, "") }, ...rest] : [] };
};

const isPlace = (word: ShellWord): boolean => /^s3:\/\//.test(known(word));

function callsOf(command: ShellCommand): AwsCall[] {
  const aws = parseAws(command);
  if (!aws || ELSEWHERE.some((option) => aws.options.has(option)) || aws.operation === "help") return [];
  const title = `aws ${aws.service} ${aws.operation}`;
  const needs = NEEDS[`${aws.service} ${aws.operation}`]?.(aws) ?? (aws.operation === "wait" ? [] : regular(aws));
  const region = aws.options.get("--region")?.[0];
  return needs.map(({ action, resource }) => ({
    action,
    resource: region === undefined ? resource : resource.replace(":REGION:", `:${known(region)}:`),
    command,
    title,
  }));
}

interface Need {
  readonly action: string;
  readonly resource: string;
}

type Needs = (aws: ParsedAws) => Need[];

/** The word with `*` for what is not known. */
const known = (word: ShellWord | undefined): string =>
  word === undefined ? "*" : word.pieces.map(({ text }) => (text === undefined ? "*" : text)).join("");

const optionOf = (aws: ParsedAws, ...names: string[]): string => {
  for (const name of names) {
    const word = aws.options.get(name)?.[0];
    if (word) return known(word);
  }
  return "*";
};

const arn = (service: string, resource: string): string => `arn:*:${service}:REGION:ACCOUNT:${resource}`;
/** The value itself when it is an ARN, else the resource of that name. */
const named = (value: string, service: string, resource: (name: string) => string): string =>
  value.startsWith("arn:") ? value : arn(service, resource(value));

const parameter = (name: string): string =>
  named(name, "ssm", (one) => `parameter/${one.replace(/^\//, "").split(":")[0] ?? one}`);

const bucket = (path: string): string => `arn:*:s3:::${path}`;

/** `s3://bucket/key` → bucket and key; undefined for a path of this machine. */
function place(word: ShellWord | undefined): { bucket: string; key: string } | undefined {
  if (!word) return undefined;
  const text = known(word);
  const found = /^s3:\/\/([^/]*)\/?(.*)$/.exec(text);
  if (found) return { bucket: found[1] || "*", key: found[2] ?? "" };
  return text === "*" ? { bucket: "*", key: "*" } : undefined;
}

/** Copies: reads of the first place, writes of the second. */
const copies =
  (lists: boolean, removes: boolean): Needs =>
  ({ operands, options }) => {
    const [from, to] = [place(operands[0]), place(operands[1])];
    const isMany = lists || options.has("--recursive");
    const below = (key: string) => (isMany || key === "" || key.endsWith("/") ? `${key}*` : key);
    // Where neither is known for a place in S3, nothing is.
    if (!from && !to) return [];
    const isGuess = from?.bucket === "*" && to?.bucket === "*";
    if (isGuess) return [];
    const needs: Need[] = [];
    if (from && from.bucket !== "*") {
      needs.push({ action: "s3:GetObject", resource: bucket(`${from.bucket}/${below(from.key)}`) });
      if (isMany) needs.push({ action: "s3:ListBucket", resource: bucket(from.bucket) });
      if (removes) needs.push({ action: "s3:DeleteObject", resource: bucket(`${from.bucket}/${below(from.key)}`) });
    }
    if (to && to.bucket !== "*") {
      needs.push({ action: "s3:PutObject", resource: bucket(`${to.bucket}/${below(to.key)}`) });
      if (lists) needs.push({ action: "s3:ListBucket", resource: bucket(to.bucket) });
      if (options.has("--delete")) {
        needs.push({ action: "s3:DeleteObject", resource: bucket(`${to.bucket}/${below(to.key)}`) });
      }
      if (options.has("--acl")) {
        needs.push({ action: "s3:PutObjectAcl", resource: bucket(`${to.bucket}/${below(to.key)}`) });
      }
    }
    return needs;
  };

const one = (action: string, resource: string): Need[] => [{ action, resource }];
const stackOf = (aws: ParsedAws): string =>
  named(optionOf(aws, "--stack-name"), "cloudformation", (name) => `stack/${name}/*`);

const NEEDS: Readonly<Record<string, Needs>> = {
  "s3 cp": copies(false, false),
  "s3 mv": copies(false, true),
  "s3 sync": copies(true, false),
  "s3 ls": ({ operands }) => {
    const at = place(operands[0]);
    return at ? one("s3:ListBucket", bucket(at.bucket)) : one("s3:ListAllMyBuckets", "*");
  },
  "s3 rm": ({ operands, options }) => {
    const at = place(operands[0]);
    if (!at) return [];
    const key = options.has("--recursive") || at.key === "" ? `${at.key}*` : at.key;
    return one("s3:DeleteObject", bucket(`${at.bucket}/${key}`));
  },
  "s3 mb": ({ operands }) => one("s3:CreateBucket", bucket(place(operands[0])?.bucket ?? "*")),
  "s3 rb": ({ operands }) => one("s3:DeleteBucket", bucket(place(operands[0])?.bucket ?? "*")),
  "s3 presign": () => [],
  "s3 website": ({ operands }) => one("s3:PutBucketWebsite", bucket(place(operands[0])?.bucket ?? "*")),
  "s3api put-object": (aws) => one("s3:PutObject", bucket(`${optionOf(aws, "--bucket")}/${optionOf(aws, "--key")}`)),
  "s3api get-object": (aws) => one("s3:GetObject", bucket(`${optionOf(aws, "--bucket")}/${optionOf(aws, "--key")}`)),
  "s3api head-object": (aws) => one("s3:GetObject", bucket(`${optionOf(aws, "--bucket")}/${optionOf(aws, "--key")}`)),
  "s3api list-objects-v2": (aws) => one("s3:ListBucket", bucket(optionOf(aws, "--bucket"))),
  "s3api list-objects": (aws) => one("s3:ListBucket", bucket(optionOf(aws, "--bucket"))),
  "ecr get-login-password": () => one("ecr:GetAuthorizationToken", "*"),
  "ecr get-login": () => one("ecr:GetAuthorizationToken", "*"),
  "ecr-public get-login-password": () => [
    ...one("ecr-public:GetAuthorizationToken", "*"),
    ...one("sts:GetServiceBearerToken", "*"),
  ],
  "codeartifact login": (aws) => codeArtifact(aws),
  "codeartifact get-authorization-token": (aws) => codeArtifact(aws),
  "ssm get-parameter": (aws) => one("ssm:GetParameter", parameter(optionOf(aws, "--name"))),
  "ssm put-parameter": (aws) => one("ssm:PutParameter", parameter(optionOf(aws, "--name"))),
  "ssm get-parameters": (aws) =>
    (aws.options.get("--names") ?? [undefined]).map((word) => ({
      action: "ssm:GetParameters",
      resource: parameter(known(word)),
    })),
  "ssm get-parameters-by-path": (aws) => {
    // AWS: asked about the path itself.
    const path = optionOf(aws, "--path");
    return one("ssm:GetParametersByPath", parameter(path.replace(/\/+$/, "") || "*"));
  },
  "secretsmanager get-secret-value": (aws) => one("secretsmanager:GetSecretValue", secret(aws)),
  "secretsmanager describe-secret": (aws) => one("secretsmanager:DescribeSecret", secret(aws)),
  "secretsmanager put-secret-value": (aws) => one("secretsmanager:PutSecretValue", secret(aws)),
  "lambda update-function-code": (aws) => one("lambda:UpdateFunctionCode", lambdaFunction(aws)),
  "lambda update-function-configuration": (aws) => one("lambda:UpdateFunctionConfiguration", lambdaFunction(aws)),
  "lambda publish-version": (aws) => one("lambda:PublishVersion", lambdaFunction(aws)),
  "lambda update-alias": (aws) => one("lambda:UpdateAlias", lambdaFunction(aws)),
  "lambda get-function": (aws) => one("lambda:GetFunction", lambdaFunction(aws)),
  "lambda invoke": (aws) => one("lambda:InvokeFunction", lambdaFunction(aws)),
  "lambda wait": () => [],
  "ecs update-service": (aws) =>
    one(
      "ecs:UpdateService",
      named(optionOf(aws, "--service"), "ecs", (name) => `service/${clusterOf(aws)}/${name}`),
    ),
  "ecs register-task-definition": () => one("ecs:RegisterTaskDefinition", "*"),
  "ecs describe-task-definition": () => one("ecs:DescribeTaskDefinition", "*"),
  "ecs run-task": (aws) =>
    one(
      "ecs:RunTask",
      named(optionOf(aws, "--task-definition"), "ecs", (name) => `task-definition/${name}*`),
    ),
  "eks update-kubeconfig": (aws) =>
    one(
      "eks:DescribeCluster",
      named(optionOf(aws, "--name"), "eks", (name) => `cluster/${name}`),
    ),
  "cloudfront create-invalidation": (aws) =>
    one(
      "cloudfront:CreateInvalidation",
      `arn:*:cloudfront::ACCOUNT:distribution/${optionOf(aws, "--distribution-id")}`,
    ),
  "cloudformation deploy": (aws) =>
    ["CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DescribeStacks"].map((action) => ({
      action: `cloudformation:${action}`,
      resource: stackOf(aws),
    })),
  "cloudformation package": (aws) => one("s3:PutObject", bucket(`${optionOf(aws, "--s3-bucket")}/*`)),
  "cloudformation validate-template": () => one("cloudformation:ValidateTemplate", "*"),
  "sts get-caller-identity": () => [],
  "sts assume-role": (aws) => one("sts:AssumeRole", orOpen(optionOf(aws, "--role-arn"))),
  "sns publish": (aws) => one("sns:Publish", orOpen(optionOf(aws, "--topic-arn", "--target-arn"))),
  "codebuild start-build": (aws) =>
    one(
      "codebuild:StartBuild",
      named(optionOf(aws, "--project-name"), "codebuild", (name) => `project/${name}`),
    ),
  "codepipeline start-pipeline-execution": (aws) =>
    one("codepipeline:StartPipelineExecution", arn("codepipeline", optionOf(aws, "--name"))),
  "dynamodb put-item": (aws) => one("dynamodb:PutItem", table(aws)),
  "dynamodb get-item": (aws) => one("dynamodb:GetItem", table(aws)),
  "events put-events": () => one("events:PutEvents", "*"),
  "iam pass-role": () => [],
};

function secret(aws: ParsedAws): string {
  const id = optionOf(aws, "--secret-id");
  return named(id, "secretsmanager", (name) => `secret:${name}-??????`);
}

const lambdaFunction = (aws: ParsedAws): string =>
  named(optionOf(aws, "--function-name"), "lambda", (name) => `function:${name.split(":").at(-1) ?? name}`);

const clusterOf = (aws: ParsedAws): string => {
  const cluster = optionOf(aws, "--cluster");
  return cluster.split("/").at(-1) ?? cluster;
};

const table = (aws: ParsedAws): string => arn("dynamodb", `table/${optionOf(aws, "--table-name")}`);

const codeArtifact = (aws: ParsedAws): Need[] => [
  {
    action: "codeartifact:GetAuthorizationToken",
    resource: arn("codeartifact", `domain/${optionOf(aws, "--domain")}`),
  },
  { action: "sts:GetServiceBearerToken", resource: "*" },
];

const orOpen = (value: string): string => (value.startsWith("arn:") ? value : "*");

/** Services of which each operation asks for the action of its own name, and the prefix of their actions. */
const REGULAR: Readonly<Record<string, string>> = {
  ssm: "ssm",
  secretsmanager: "secretsmanager",
  kms: "kms",
  ecr: "ecr",
  ecs: "ecs",
  eks: "eks",
  cloudfront: "cloudfront",
  cloudformation: "cloudformation",
  codebuild: "codebuild",
  codepipeline: "codepipeline",
  deploy: "codedeploy",
  codecommit: "codecommit",
  sns: "sns",
  sqs: "sqs",
  events: "events",
  logs: "logs",
  iam: "iam",
  ec2: "ec2",
  elasticbeanstalk: "elasticbeanstalk",
  autoscaling: "autoscaling",
  rds: "rds",
  stepfunctions: "states",
  apprunner: "apprunner",
  amplify: "amplify",
  elbv2: "elasticloadbalancing",
  route53: "route53",
};

/** The action of the operation's name, on a resource that is not known. */
function regular({ service, operation }: ParsedAws): Need[] {
  const prefix = REGULAR[service];
  if (prefix === undefined) return [];
  // Waiters and the aws CLI's own commands are no operations.
  if (["wait", "deploy", "package", "push", "tail", "update-kubeconfig", "get-token", "login"].includes(operation)) {
    return [];
  }
  const name = operation.replace(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
  return one(`${prefix}:${name}`, "*");
}
