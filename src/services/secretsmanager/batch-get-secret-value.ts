/** BatchGetSecretValue: GetSecretValue for each secret of a list or of a search; failures are items of the answer. */
import { AwsError } from "../../core/errors.ts";
import { type OperationContext, operation } from "../service.ts";
import { invalidNextToken, invalidParameter, reference } from "./errors.ts";
import { selectedBy } from "./filters.ts";
import { getSecretValue, valueAccess } from "./get-secret-value.ts";
import { secretsInOrder } from "./listing.ts";
import { pageFrom } from "./pages.ts";
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
      throw invalidParameter("Either 'SecretIdList' or 'Filters' must be provided, but not both.");
    }
    if (SecretIdList && MaxResults !== undefined) throw invalidParameter(needsFilters("MaxResults"));
    if (SecretIdList && NextToken !== undefined) throw invalidParameter(needsFilters("NextToken"));
    const page = SecretIdList
      ? { items: SecretIdList, token: {} }
      : pageFrom("values", secretsSelected(context, Filters), { NextToken }, MaxResults ?? PAGE_SIZE);
    const SecretValues: GetSecretValueResponse[] = [];
    const Errors: APIErrorType[] = [];
    for (const item of page.items) {
      const SecretId = typeof item === "string" ? item : secretArn(item);
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

const needsFilters = (member: string): string =>
  `'Filters' not specified. 'Filters' must also be specified when '${member}' is provided.`;

function secretsSelected(context: OperationContext, Filters: BatchGetSecretValueRequest["Filters"]) {
  const isSelected = selectedBy(Filters);
  return secretsInOrder(context, {
    by: "created-date",
    isDescending: false,
    isSelected: (record) => record.deletionAtMs === undefined && isSelected(record),
  });
}

/** The caller needs GetSecretValue on each secret, as if it had asked for it alone. */
async function secretValueOf(context: OperationContext, SecretId: string): Promise<GetSecretValueResponse> {
  const refusal = context.refusalOf([valueAccess(context, { SecretId })]);
  if (refusal) throw refusal;
  return getSecretValue.run({ SecretId }, context);
}
