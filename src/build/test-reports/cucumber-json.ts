/**
 * CUCUMBERJSON: features with their scenarios, as cucumber-jvm, cucumber-js, cucumber-ruby, behave and others write them.
 * A case is a scenario; it takes the worst of its steps, hooks and background. Durations are nanoseconds.
 * Source: https://github.com/cucumber/cucumber-json-schema
 */
import { err, ok, type Result } from "../../core/result.ts";
import { type JsonObject, numberIn, objectsIn, textIn } from "./read-json.ts";
import { type ReportedTestCase, type TestCaseStatus, testCase, toNanoseconds } from "./test-case.ts";

interface StepResult {
  readonly status: string;
  readonly durationNs: number;
  readonly message?: string | undefined;
}

export function parseCucumberJson(json: unknown): Result<readonly ReportedTestCase[], string> {
  if (!Array.isArray(json)) return err("expected a list of features");
  const cases: ReportedTestCase[] = [];
  for (const feature of objectsIn({ features: json }, "features")) {
    const featureName = textIn(feature, "name") ?? textIn(feature, "uri");
    let background: readonly StepResult[] = [];
    for (const element of objectsIn(feature, "elements")) {
      const results = resultsOf(element);
      if (textIn(element, "type") === "background") {
        background = results;
        continue;
      }
      cases.push(scenarioCase(element, featureName, [...background, ...results]));
      background = [];
    }
  }
  return ok(cases);
}

function scenarioCase(
  scenario: JsonObject,
  featureName: string | undefined,
  results: readonly StepResult[],
): ReportedTestCase {
  return testCase({
    name: textIn(scenario, "name") || textIn(scenario, "id") || textIn(scenario, "keyword") || "unknown",
    prefix: featureName,
    testSuiteName: featureName,
    status: statusOf(results.map(({ status }) => status)),
    durationNs: toNanoseconds(
      results.reduce((sum, { durationNs }) => sum + durationNs, 0),
      1,
    ),
    message: results.find(({ message }) => message !== undefined)?.message,
  });
}

/** Results of the hooks and steps in the order they ran. cucumber-ruby keeps step hooks inside the step. */
function resultsOf(element: JsonObject): StepResult[] {
  const ran = [...objectsIn(element, "before"), ...objectsIn(element, "steps"), ...objectsIn(element, "after")];
  return ran.flatMap((step) =>
    [...objectsIn(step, "before"), step, ...objectsIn(step, "after")].flatMap((part) => {
      const [result] = objectsIn({ result: [part["result"]] }, "result");
      if (!result) return [];
      return [
        {
          status: (textIn(result, "status") ?? "").toLowerCase(),
          durationNs: numberIn(result, "duration"),
          message: textIn(result, "error_message"),
        },
      ];
    }),
  );
}

/** `undefined`, `pending` and `ambiguous` steps are none of AWS's statuses: such a case is UNKNOWN. */
function statusOf(statuses: readonly string[]): TestCaseStatus {
  if (statuses.includes("failed")) return "FAILED";
  if (statuses.some((status) => status !== "passed" && status !== "skipped")) return "UNKNOWN";
  if (statuses.includes("skipped")) return "SKIPPED";
  return "SUCCEEDED";
}
