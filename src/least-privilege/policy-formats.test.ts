/** The policy in the formats that people attach it with; the templates are read back and must say the same. */
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { explainedPolicy, type Requirement, toCloudFormation, toTerraform, toText } from "./index.ts";

const scope = { partition: "aws", region: "eu-central-1", accountId: "111122223333" };
const names = { scope, roleName: "BuildRole", policyName: "least-privilege" };
const parameter = (name: string) => `arn:aws:ssm:eu-central-1:111122223333:parameter/${name}`;
const key = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const requirements: Requirement[] = [
  { action: "ssm:GetParameters", resource: parameter("app/user"), why: "`USER` (line 4)" },
  { action: "ssm:GetParameters", resource: parameter("app/password"), why: "`PASSWORD` (line 5)" },
  ...["app/user", "app/password"].map((name) => ({
    action: "kms:Decrypt",
    resource: key,
    viaService: "ssm.eu-central-1.amazonaws.com",
    purpose: { "kms:EncryptionContext:PARAMETER_ARN": parameter(name) },
    why: "the key of the two",
  })),
  {
    action: "secretsmanager:GetSecretValue",
    resource: "arn:aws:secretsmanager:us-east-1:444455556666:secret:x-??????",
  },
  { action: "s3:PutObject", resource: "arn:aws:s3:::out/${odd}/*" },
];
const policy = explainedPolicy(requirements);

describe("a key that encrypts parameters", () => {
  it("is allowed for these parameters only, through Parameter Store only", () => {
    expect(policy.document.Statement[0]).toEqual({
      Sid: "UseKeys",
      Effect: "Allow",
      Action: "kms:Decrypt",
      Resource: key,
      Condition: {
        StringEquals: {
          "kms:ViaService": "ssm.eu-central-1.amazonaws.com",
          "kms:EncryptionContext:PARAMETER_ARN": [parameter("app/password"), parameter("app/user")],
        },
      },
    });
  });

  it("is compared by pattern where the name is open", () => {
    const [statement] = explainedPolicy([
      {
        action: "kms:Decrypt",
        resource: key,
        viaService: "secretsmanager.eu-central-1.amazonaws.com",
        purpose: {
          "kms:EncryptionContext:SecretARN": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-AbCdEf",
        },
      },
    ]).document.Statement;
    expect(statement?.Condition).toEqual({
      StringEquals: { "kms:ViaService": "secretsmanager.eu-central-1.amazonaws.com" },
      StringLike: {
        "kms:EncryptionContext:SecretARN": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:x-??????",
      },
    });
  });
});

describe("as text", () => {
  it("says what, on what, under which condition, and what for", () => {
    expect(toText(policy).split("\n\n")[0]).toBe(
      `UseKeys
  allow kms:Decrypt
  on    ${key}
  if    kms:ViaService is ssm.eu-central-1.amazonaws.com
        kms:EncryptionContext:PARAMETER_ARN is ${parameter("app/password")}, ${parameter("app/user")}
  for   the key of the two`,
    );
  });
});

interface Template {
  readonly Resources: Record<
    string,
    { Type: string; Properties: Record<string, unknown> & { PolicyDocument: unknown } }
  >;
}

/** What CloudFormation makes of the template in the account of `scope`. */
function deployed(template: string): Template {
  const values: Record<string, string> = {
    "AWS::Partition": scope.partition,
    "AWS::Region": scope.region,
    "AWS::AccountId": scope.accountId,
  };
  const sub = (text: string) =>
    text.replace(/\$\{(!?)([^}]*)\}/g, (_, mark: string, name: string) =>
      mark ? `\${${name}}` : (values[name] ?? "?"),
    );
  return parse(template, {
    customTags: [
      { tag: "!Sub", resolve: sub },
      { tag: "!Ref", resolve: (name: string) => `ref ${name}` },
    ],
  }) as Template;
}

describe("as CloudFormation", () => {
  const template = toCloudFormation(policy, names);

  it("is an inline policy of a role that the stack is told, with the same document in the project's account", () => {
    const { LeastPrivilege } = deployed(template).Resources;
    expect(LeastPrivilege).toEqual({
      Type: "AWS::IAM::RolePolicy",
      Properties: {
        RoleName: "ref ServiceRoleName",
        PolicyName: "least-privilege",
        PolicyDocument: policy.document,
      },
    });
  });

  it("names no account and region but those of other accounts, and says what each statement is for", () => {
    expect(template).not.toContain(scope.accountId);
    expect(template).toContain("secretsmanager:us-east-1:444455556666:");
    expect(template).toContain("          # `PASSWORD` (line 5)\n");
  });

  it("is several managed policies when one inline policy would be too long", () => {
    const many = explainedPolicy(
      Array.from({ length: 120 }, (_, n) => ({
        action: `s3:Action${n}`,
        resource: `arn:aws:s3:::bucket-${n}/a-rather-long-key-so-that-the-document-is-long/${n}`,
      })),
    );
    const resources = Object.values(deployed(toCloudFormation(many, names)).Resources);
    expect(resources.length).toBeGreaterThan(1);
    expect(new Set(resources.map(({ Type }) => Type))).toEqual(new Set(["AWS::IAM::ManagedPolicy"]));
    expect(
      resources.flatMap(({ Properties }) => (Properties.PolicyDocument as typeof many.document).Statement),
    ).toEqual(many.document.Statement);
    for (const { Properties } of resources)
      expect(JSON.stringify(Properties.PolicyDocument).length).toBeLessThanOrEqual(6_144);
    expect(toTerraform(many, names).match(/^resource "aws_iam_role_policy_attachment"/gm)).toHaveLength(
      resources.length,
    );
  });
});

describe("as Terraform", () => {
  it("is a policy document of the provider and the role's inline policy", () => {
    expect(
      toTerraform(explainedPolicy(requirements.slice(0, 3)), names),
    ).toBe(`# least privilege of the CodeBuild service role BuildRole
data "aws_partition" "current" {}
data "aws_region" "current" {}
data "aws_caller_identity" "current" {}

variable "service_role_name" {
  type    = string
  default = "BuildRole"
}

data "aws_iam_policy_document" "least_privilege" {
  # the key of the two
  statement {
    sid       = "UseKeys"
    actions   = ["kms:Decrypt"]
    resources = ["arn:\${data.aws_partition.current.partition}:kms:\${data.aws_region.current.id}:\${data.aws_caller_identity.current.account_id}:key/1234abcd-12ab-34cd-56ef-1234567890ab"]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["ssm.\${data.aws_region.current.id}.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "kms:EncryptionContext:PARAMETER_ARN"
      values   = ["arn:\${data.aws_partition.current.partition}:ssm:\${data.aws_region.current.id}:\${data.aws_caller_identity.current.account_id}:parameter/app/user"]
    }
  }

  # \`USER\` (line 4)
  # \`PASSWORD\` (line 5)
  statement {
    sid       = "ReadParameters"
    actions   = ["ssm:GetParameters"]
    resources = [
      "arn:\${data.aws_partition.current.partition}:ssm:\${data.aws_region.current.id}:\${data.aws_caller_identity.current.account_id}:parameter/app/password",
      "arn:\${data.aws_partition.current.partition}:ssm:\${data.aws_region.current.id}:\${data.aws_caller_identity.current.account_id}:parameter/app/user",
    ]
  }
}

resource "aws_iam_role_policy" "least_privilege" {
  name   = "least-privilege"
  role   = var.service_role_name
  policy = data.aws_iam_policy_document.least_privilege.json
}
`);
  });

  it("doubles what HCL would read as a template", () => {
    expect(toTerraform(policy, names)).toContain('s3:::out/$${odd}/*"');
  });
});

describe("names with another format's marks in them", () => {
  const hostile: Requirement[] = [
    {
      action: "ssm:GetParameters",
      resource: parameter('a"\n}\n*/${x}%{if}'),
      why: "`X\nEvil: 1\u0085Evil: 2\u2028Evil: 3\rEvil: 4\u001b[2J` (line 4)",
    },
  ];
  const roleName = "r\nResources:\n  Evil: {Type: AWS::IAM::User}\n#";
  const made = explainedPolicy(hostile);

  it("stay values and comments in CloudFormation", () => {
    const template = toCloudFormation(made, { ...names, roleName });
    expect(
      Object.keys(
        parse(template, {
          customTags: [
            { tag: "!Sub", resolve: String },
            { tag: "!Ref", resolve: String },
          ],
        }),
      ),
    ).toEqual(["AWSTemplateFormatVersion", "Description", "Parameters", "Resources"]);
    expect(template).toContain("# `X Evil: 1�Evil: 2 Evil: 3 Evil: 4␛[2J` (line 4)\n");
    expect(template).not.toMatch(/[\u0085\u2028\r]/);
  });

  it("stay values and comments in Terraform", () => {
    const written = toTerraform(made, { ...names, roleName });
    expect(written).toContain(
      "# least privilege of the CodeBuild service role r Resources: Evil: {Type: AWS::IAM::User} #\n",
    );
    expect(written).toContain('parameter/a\\"\\n}\\n*/$${x}%%{if}"');
    expect(written.split("\n").filter((line) => /^\s*Evil|^}?\s*\*\//.test(line))).toEqual([]);
  });

  it("are one line each as text", () => {
    expect(toText(made).split("\n")).toHaveLength(4);
  });
});
