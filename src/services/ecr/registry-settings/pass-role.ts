/** The permission to hand a role to ECR, which operations ask for that name one. */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";

export const passRole = (roleArn: string | undefined, service: string): readonly AuthorizationRequest[] =>
  roleArn === undefined
    ? []
    : [{ action: "iam:PassRole", resource: roleArn, context: { "iam:PassedToService": service } }];
