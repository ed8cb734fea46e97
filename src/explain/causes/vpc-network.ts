/** A build in a VPC does not get its network: no address (T21), no way out (T35), no right to make one (T36). */
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { policyFix, type Statement, scopeOf, serviceRoleName } from "../denial.ts";
import { firstLine } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";

const VPC = "https://docs.aws.amazon.com/codebuild/latest/userguide/vpc-support.html";
const TROUBLESHOOTING = "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html";

const subnetsOf = ({ build }: BuildFacts): readonly string[] => build.vpcConfig?.subnets ?? [];
const subnetIds = (facts: BuildFacts): string => subnetsOf(facts).join(" ") || "SUBNET";

export const subnetFull: Cause = {
  id: "vpc/insufficient-subnet",
  sources: [TROUBLESHOOTING, VPC],
  match(failure, facts): Finding | undefined {
    if (failure.statusCode !== "INSUFFICIENT_SUBNET" && !/INSUFFICIENT_SUBNET/.test(failure.message)) return undefined;
    return {
      cause: `the subnet${subnetsOf(facts).length === 1 ? ` \`${subnetsOf(facts)[0]}\`` : "s"} of the project had no free address for the build's network interface`,
      ...fieldOf("vpcConfig.subnets", subnetsOf(facts).join(", ") || undefined),
      evidence: [failure.message || failure.statusCode],
      why: "each build takes an address; the first four and the last of a subnet are AWS's, so a small CIDR block has few or none",
      fix: {
        kind: "command",
        title: "see how many addresses are free, then give the project a larger subnet or one more",
        commands: [
          `aws ec2 describe-subnets --subnet-ids ${subnetIds(facts)} --query 'Subnets[].[SubnetId,CidrBlock,AvailableIpAddressCount]'`,
        ],
      },
      prove: `\`aws ec2 describe-subnets --subnet-ids ${subnetIds(facts)} --query 'Subnets[].AvailableIpAddressCount'\` prints more than 0, and a new build gets past QUEUED`,
      confidence: "certain",
    };
  },
};

export const noInternet: Cause = {
  id: "vpc/no-internet",
  sources: [TROUBLESHOOTING, VPC],
  match(failure, facts): Finding | undefined {
    const said = [failure.message, ...failure.output].find((line) =>
      /Build does not have internet connectivity/i.test(line),
    );
    if (said === undefined) return undefined;
    return {
      cause: "the build's subnets have no way to the internet",
      ...fieldOf("vpcConfig.subnets", subnetsOf(facts).join(", ") || undefined),
      evidence: [firstLine(said)],
      why: "a build in a VPC has no public address: it needs a private subnet whose route table leads to a NAT gateway, and a security group and network ACL that let it out",
      fix: {
        kind: "command",
        title: "see where the subnets' routes lead; `0.0.0.0/0` must go to a NAT gateway",
        commands: [
          `aws ec2 describe-route-tables --filters Name=association.subnet-id,Values=${subnetsOf(facts).join(",") || "SUBNET"} --query 'RouteTables[].Routes[].[DestinationCidrBlock,NatGatewayId,GatewayId]'`,
        ],
      },
      next: "an internet gateway does not help: it serves interfaces with a public address; for AWS services alone VPC endpoints are enough",
      prove: "the route table lists `0.0.0.0/0` with a NAT gateway, and a new build gets past PROVISIONING",
      confidence: "certain",
    };
  },
};

/** AWS: what CodeBuild does with the interface of a build in a VPC. */
function networkStatements(facts: BuildFacts): Statement[] {
  const { region, accountId } = scopeOf(facts);
  const known = facts.build.arn === undefined ? "*" : accountId;
  const subnets = subnetsOf(facts).map((id) => `arn:aws:ec2:${region}:${known}:subnet/${id}`);
  return [
    {
      Sid: "UseVpc",
      Effect: "Allow",
      Action: [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ],
      Resource: ["*"],
    },
    {
      Sid: "GiveInterfaceToCodeBuild",
      Effect: "Allow",
      Action: ["ec2:CreateNetworkInterfacePermission"],
      Resource: [`arn:aws:ec2:${region}:${known}:network-interface/*`],
      Condition: {
        StringEquals: { "ec2:AuthorizedService": "codebuild.amazonaws.com" },
        ...(subnets.length === 0 ? {} : { ArnEquals: { "ec2:Subnet": subnets } }),
      },
    },
  ];
}

export const ec2Denied: Cause = {
  id: "vpc/ec2-denied",
  sources: [
    "https://docs.aws.amazon.com/codebuild/latest/userguide/auth-and-access-control-iam-identity-based-access-control.html",
    VPC,
  ],
  match(failure, facts): Finding | undefined {
    const isDenied = /Unexpected EC2 error: UnauthorizedOperation|not authorized to perform: ec2:/.test(
      failure.message,
    );
    if (!isDenied || failure.command) return undefined;
    const role = serviceRoleName(facts);
    const hasFileSystem = (facts.build.fileSystemLocations ?? []).length > 0;
    return {
      cause: `the service role \`${role}\` may not make the network interface that a build in a VPC needs`,
      ...fieldOf("vpcConfig.vpcId", facts.build.vpcConfig?.vpcId),
      evidence: [firstLine(failure.message)],
      why: "CodeBuild makes an interface in the project's subnets for each build, with the service role",
      fix: policyFix("allow making this build's network interface", role, "kiln-use-vpc", networkStatements(facts)),
      next: `${hasFileSystem ? "with a file system, at least one of the subnets must be private; " : ""}a role that was just changed takes some seconds`,
      confidence: "certain",
    };
  },
};
