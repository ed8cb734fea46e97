/**
 * Names of the condition keys that a call of any action may carry, whatever the service: who calls, from where, when, on
 * whose resource. The rest is in the table of actions (action-table.ts). Which of them Kiln fills is told by
 * context-keys.ts and authorize/context-keys.ts; for names in questions all count.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
import type { ConditionKeyInfo } from "./action-table.ts";

const NAMES: Readonly<Record<string, readonly string[]>> = {
  String: [
    ...["aws:PrincipalAccount", "aws:PrincipalOrgID", "aws:PrincipalServiceName", "aws:PrincipalTag/${TagKey}"],
    ...["aws:PrincipalType", "aws:userid", "aws:username", "aws:FederatedProvider", "aws:SourceIdentity"],
    ...["aws:AssumedRoot", "aws:SourceVpc", "aws:SourceVpce", "aws:VpceAccount", "aws:VpceOrgID", "aws:VpceOrgPaths"],
    ...["aws:Ec2InstanceSourceVpc", "aws:ResourceAccount", "aws:ResourceOrgID", "aws:ResourceTag/${TagKey}"],
    ...["aws:CalledViaFirst", "aws:CalledViaLast", "aws:referer", "aws:RequestedRegion", "aws:SourceAccount"],
    ...["aws:SourceOrgID", "aws:UserAgent", "ec2:RoleDelivery", "glue:CredentialIssuingService", "glue:RoleAssumedBy"],
    "identitystore:UserId",
  ],
  ArrayOfString: [
    ...["aws:PrincipalOrgPaths", "aws:PrincipalServiceNamesList", "aws:ResourceOrgPaths", "aws:SourceOrgPaths"],
    "aws:CalledVia",
  ],
  ARN: [
    ...["aws:PrincipalArn", "aws:SourceArn", "aws:SourceVpcArn", "aws:ChatbotSourceArn", "codebuild:BuildArn"],
    ...["codebuild:ProjectArn", "ec2:SourceInstanceArn", "lambda:SourceFunctionArn", "ssm:SourceInstanceArn"],
  ],
  Bool: ["aws:MultiFactorAuthPresent", "aws:PrincipalIsAWSService", "aws:SecureTransport", "aws:ViaAWSService"],
  IPAddress: ["aws:SourceIp", "aws:VpcSourceIp", "aws:Ec2InstanceSourcePrivateIPv4"],
  Date: ["aws:CurrentTime", "aws:TokenIssueTime"],
  Numeric: ["aws:EpochTime", "aws:MultiFactorAuthAge"],
};

/** The keys, in the form of the table's. */
export const GLOBAL_KEYS: readonly ConditionKeyInfo[] = Object.entries(NAMES).flatMap(([type, names]) =>
  names.map((name) => ({ name, type })),
);
