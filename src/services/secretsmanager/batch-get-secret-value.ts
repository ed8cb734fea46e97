/** BatchGetSecretValue: GetSecretValue for each secret of a list or of a search; failures are items of the answer. */
import { AwsError } from "../../core/errors.ts";
import { type OperationContext, operation } from "../service.ts";
import { secretsSelectedBy } from "./describe-secrets.ts";
import { invalidNextToken, invalidParameter, reference } from "./errors.ts";
import { getSecretValue, valueAccess } from "./get-secret-value.ts";
import { pageOf } from "./pages.ts";
import { secretArn } from "./records.ts";
import { anySecret } from "./secret-access.ts";
import type {
  APIErrorType,
  BatchGetSecretValueRequest,
  BatchGetSecretValueResponse,
  GetSecretValueResponse,
} from "./shapes.gen.ts";

const PAGE_SIZE = 20;

export const batchGetSecretValue = operation<BatchGetSecretValueRequest, BatchGetSecretValueResponse>({
  name: "BatchGetSecretValue",
  support: "supported",
  source: reference("BatchGetSecretValue"),
  authorize: (input) => [
    anySecret("secretsmanager:BatchGetSecretValue"),
    ...(input.Filters ? [anySecret("secretsmanager:ListSecrets")] : []),
  ],
  errors: [invalidParameter, invalidNextToken],
  async run({ SecretIdList, Filters, MaxResults, NextToken }, context) {
    if ((SecretIdList === undefined) === (Filters === undefined)) {
      throw invalidParameter("You must provide either SecretIdList or Filters, but not both.");
    }
    if (SecretIdList && (MaxResults !== undefined || NextToken !== undefined)) {
      throw invalidParameter("You can use MaxResults and NextToken only with Filters.");
    }
    const page = SecretIdList
      ? { items: SecretIdList, token: {} }
      : pageOf(
          secretsSelectedBy(context, Filters, false).map(secretArn),
          (arn) => arn,
          { NextToken },
          MaxResults ?? PAGE_SIZE,
        );
    const SecretValues: GetSecretValueResponse[] = [];
    const Errors: APIErrorType[] = [];
    for (const SecretId of page.items) {
      try {
        SecretValues.push(await secretValueOf(context, SecretId));
      } catch (error) {
        if (!(error instanceof AwsError) || error.fault === "server") throw error;
        Errors.push({ SecretId, ErrorCode: error.code, Message: error.message });
      }
    }
    return { SecretValues, Errors, ...page.token };
  },
});

/** The caller needs GetSecretValue on each secret, as if it had asked for it alone. */
async function secretValueOf(context: OperationContext, SecretId: string): Promise<GetSecretValueResponse> {
  const refusal = context.refusalOf([valueAccess(context, { SecretId })]);
  if (refusal) throw refusal;
  return getSecretValue.run({ SecretId }, context);
}
