/**
 * DescribeTestCases and DescribeCodeCoverages: what stands in a report.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_DescribeTestCases.html, API_DescribeCodeCoverages.html
 * AWS: the second has no ResourceNotFoundException in its model; an unknown report is an InvalidInputException there.
 */
import { pageToken, partsOfToken } from "../../page-token.ts";
import { type OperationDefinition, operation } from "../../service.ts";
import { invalidInput } from "../errors.ts";
import { invalidNextToken, type PageInput } from "../pages.ts";
import type {
  CodeCoverage,
  DescribeCodeCoveragesInput,
  DescribeCodeCoveragesOutput,
  DescribeTestCasesInput,
  DescribeTestCasesOutput,
  TestCase,
} from "../shapes.gen.ts";
import { reportAccess } from "./report-access.ts";
import { reportNotFound } from "./report-errors.ts";
import { findReport, reportKeyOf, reportRecords } from "./report-records.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";
const PAGE_SIZE = 100;

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const reportContentOperations: readonly OperationDefinition<any, object>[] = [
  operation<DescribeTestCasesInput, DescribeTestCasesOutput>({
    name: "DescribeTestCases",
    support: "supported",
    source: `${API}API_DescribeTestCases.html`,
    authorize: (input, context) => [reportAccess(context, "DescribeTestCases", input.reportArn)],
    errors: [invalidInput, reportNotFound],
    run(input, { store, clock }) {
      const key = reportKeyOf(input.reportArn);
      if (!key) throw invalidInput(`Invalid report ARN: ${input.reportArn}`);
      if (!findReport(store, clock, input.reportArn)) throw reportNotFound(input.reportArn);
      const { status, keyword } = input.filter ?? {};
      const matches = (one: TestCase): boolean =>
        (status === undefined || one.status === status) &&
        (keyword === undefined || (one.name ?? "").includes(keyword) || (one.prefix ?? "").includes(keyword));
      const { items, ...more } = slice((reportRecords(store).testCases.get(key) ?? []).filter(matches), input);
      return { testCases: items, ...more };
    },
  }),

  operation<DescribeCodeCoveragesInput, DescribeCodeCoveragesOutput>({
    name: "DescribeCodeCoverages",
    support: "supported",
    source: `${API}API_DescribeCodeCoverages.html`,
    authorize: (input, context) => [reportAccess(context, "DescribeCodeCoverages", input.reportArn)],
    errors: [invalidInput],
    run(input, { store, clock }) {
      const key = reportKeyOf(input.reportArn);
      if (!key) throw invalidInput(`Invalid report ARN: ${input.reportArn}`);
      if (!findReport(store, clock, input.reportArn)) throw invalidInput(`Report cannot be found: ${input.reportArn}`);
      const { minLineCoveragePercentage: min = 0, maxLineCoveragePercentage: max = 100 } = input;
      if (min > max) throw invalidInput("minLineCoveragePercentage must not be greater than maxLineCoveragePercentage");
      const found = (reportRecords(store).coverages.get(key) ?? []).filter(
        ({ lineCoveragePercentage = 0 }) => lineCoveragePercentage >= min && lineCoveragePercentage <= max,
      );
      const { items, ...more } = slice(sorted(found, input), input);
      return { codeCoverages: items, ...more };
    },
  }),
];

/** In the order of the report's files, unless an order is asked for. */
function sorted(coverages: readonly CodeCoverage[], input: DescribeCodeCoveragesInput): readonly CodeCoverage[] {
  if (input.sortBy === undefined && input.sortOrder === undefined) return coverages;
  const byPath = (a: CodeCoverage, b: CodeCoverage): number => ((a.filePath ?? "") < (b.filePath ?? "") ? -1 : 1);
  const byLines = (a: CodeCoverage, b: CodeCoverage): number =>
    (a.lineCoveragePercentage ?? 0) - (b.lineCoveragePercentage ?? 0) || byPath(a, b);
  const ordered = [...coverages].sort(input.sortBy === "LINE_COVERAGE_PERCENTAGE" ? byLines : byPath);
  return input.sortOrder === "DESCENDING" ? ordered.reverse() : ordered;
}

/** The contents of a report do not change, so the token is a place in them. */
function slice<T>(all: readonly T[], input: PageInput): { readonly items: readonly T[]; readonly nextToken?: string } {
  const start = input.nextToken ? placeOf(input.nextToken) : 0;
  const end = start + (input.maxResults ?? PAGE_SIZE);
  return { items: all.slice(start, end), ...(end < all.length ? { nextToken: pageToken(end) } : {}) };
}

function placeOf(token: string): number {
  const [place] = partsOfToken(token) ?? [];
  if (!Number.isInteger(place) || (place as number) < 0) throw invalidNextToken();
  return place as number;
}
