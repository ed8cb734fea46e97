/** DescribeParameters: metadata without values. */
import type { Entry, Key } from "../../store/store.ts";
import { type OperationContext, operation } from "../service.ts";
import { invalidNextToken, validationFailure } from "./errors.ts";
import { livePageOf } from "./expiration.ts";
import { type Filter, filterErrors, filtersFromOldForm, narrowed, parseFilters, selectedBy } from "./filters.ts";
import { findStored } from "./find-parameter.ts";
import { type EntrySource, rangeOf, sourceOf } from "./pages.ts";
import { anyResource } from "./parameter-access.ts";
import { parameterArn, parseReference } from "./parameter-name.ts";
import { policiesAnswer } from "./parameter-policies.ts";
import { publicEntries } from "./public-parameters.ts";
import { type ParameterRecord, parameterKey, parametersIn } from "./records.ts";
import type { DescribeParametersRequest, DescribeParametersResult } from "./shapes.gen.ts";
import { versionMetadata } from "./version-metadata.ts";

const PAGE_SIZE = 10;

export const describeParameters = operation<DescribeParametersRequest, DescribeParametersResult>({
  name: "DescribeParameters",
  support: "partial",
  gaps: ["`Shared` finds none: AWS lists what Resource Access Manager shares, and Kiln has only resource policies"],
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeParameters.html",
  authorize: (_input, context) => [anyResource(context.scope, "ssm:DescribeParameters")],
  errors: [validationFailure, ...filterErrors, invalidNextToken],
  async run(input, context) {
    const { Filters: oldFilters = [], ParameterFilters: newFilters = [] } = input;
    if (oldFilters.length > 0 && newFilters.length > 0) {
      throw validationFailure("You can use either Filters or ParameterFilters in a single request.");
    }
    const filters =
      oldFilters.length > 0 ? filtersFromOldForm(oldFilters) : parseFilters(newFilters, "DescribeParameters");
    const scope: Key = [context.scope.accountId, context.scope.region];
    const page = await livePageOf(context, context.scope, {
      mark: "describe",
      scope,
      source: input.Shared ? sourceOf([]) : sourceFor(context, scope, filters),
      pick: ({ value: record }) => selectedBy(filters, record),
      nextToken: input.NextToken,
      pageSize: input.MaxResults ?? PAGE_SIZE,
    });
    const parameters = page.items.map(({ value: { name, latest } }) => ({
      Name: name,
      ARN: parameterArn(parseReference(context.scope, name).scope, name),
      ...versionMetadata(latest),
      // AWS: an empty list here, no member at all in GetParameter.
      Policies: policiesAnswer(latest, context.clock.nowMs()),
    }));
    return { Parameters: parameters, ...page.token };
  },
});

/** The smallest part of the account's parameters that has all that pass the filters. */
function sourceFor(context: OperationContext, scope: Key, filters: readonly Filter[]): EntrySource<ParameterRecord> {
  const parameters = parametersIn(context.store);
  const { names, segments } = narrowed(filters);
  if (!names) {
    const isPublicAsked = segments[0] === "aws" && segments[1] === "service";
    return isPublicAsked ? sourceOf(publicEntries(context)) : rangeOf(parameters, [...scope, ...segments]);
  }
  const found = names.flatMap((bare): Entry<ParameterRecord>[] => {
    const name = `/${bare}`;
    const value = findStored(context, parseReference(context.scope, name).scope, name);
    return value ? [{ key: parameterKey(context.scope, name), value }] : [];
  });
  return sourceOf(found);
}
