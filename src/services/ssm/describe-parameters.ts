/** DescribeParameters: metadata without values. */
import { operation } from "../service.ts";
import {
  invalidFilterKey,
  invalidFilterOption,
  invalidFilterValue,
  invalidNextToken,
  validationFailure,
} from "./errors.ts";
import { filtersFromOldForm, parseFilters, selectedBy } from "./filters.ts";
import { isLive } from "./find-parameter.ts";
import { pageOf } from "./pages.ts";
import { anyResource } from "./parameter-access.ts";
import { parameterArn } from "./parameter-name.ts";
import { policiesAnswer } from "./parameter-policies.ts";
import { parametersIn } from "./records.ts";
import type { DescribeParametersRequest, DescribeParametersResult } from "./shapes.gen.ts";
import { versionMetadata } from "./version-metadata.ts";

const PAGE_SIZE = 10;

export const describeParameters = operation<DescribeParametersRequest, DescribeParametersResult>({
  name: "DescribeParameters",
  support: "partial",
  gaps: ["`Shared` finds none: AWS lists what Resource Access Manager shares, and Kiln has only resource policies"],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html",
  authorize: (_input, context) => [anyResource(context.scope, "ssm:DescribeParameters")],
  errors: [validationFailure, invalidFilterKey, invalidFilterOption, invalidFilterValue, invalidNextToken],
  run(input, context) {
    const { Filters: oldFilters = [], ParameterFilters: newFilters = [] } = input;
    if (oldFilters.length > 0 && newFilters.length > 0) {
      throw validationFailure("You can use either Filters or ParameterFilters in a single request.");
    }
    const filters =
      oldFilters.length > 0 ? filtersFromOldForm(oldFilters) : parseFilters(newFilters, "DescribeParameters");
    const { accountId, region } = context.scope;
    const records = input.Shared
      ? []
      : parametersIn(context.store)
          .list([accountId, region])
          .map((entry) => entry.value)
          .filter((record) => isLive(context, record) && selectedBy(filters, record));
    const page = pageOf(records, (record) => record.name, input, input.MaxResults ?? PAGE_SIZE);
    const parameters = page.items.map((record) => ({
      Name: record.name,
      ARN: parameterArn(context.scope, record.name),
      ...versionMetadata(record.latest),
      // AWS: an empty list here, no member at all in GetParameter.
      Policies: policiesAnswer(record.latest).Policies ?? [],
    }));
    return { Parameters: parameters, ...page.token };
  },
});
