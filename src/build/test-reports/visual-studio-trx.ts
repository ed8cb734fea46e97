/**
 * VISUALSTUDIOTRX: the result file of `dotnet test --logger trx`, vstest and MSTest. Rows of a data-driven test
 * (`InnerResults`) count, the test around them does not.
 * Source: the schema http://microsoft.com/schemas/VisualStudio/TeamTest/2010 (vstst.xsd of Visual Studio)
 */
import { ok, type Result } from "../../core/result.ts";
import { attributeOf, childOf, childrenOf, wrongRoot, type XmlElement } from "./read-xml.ts";
import {
  messageOf,
  nanosecondsOfTimeSpan,
  type ReportedTestCase,
  splitFullName,
  type TestCaseStatus,
  testCase,
} from "./test-case.ts";

const STATUSES: ReadonlyMap<string, TestCaseStatus> = new Map(
  Object.entries({
    Passed: "SUCCEEDED",
    PassedButRunAborted: "SUCCEEDED",
    Warning: "SUCCEEDED",
    Failed: "FAILED",
    Error: "ERROR",
    Timeout: "ERROR",
    Aborted: "ERROR",
    NotExecuted: "SKIPPED",
    NotRunnable: "SKIPPED",
    Inconclusive: "UNKNOWN",
    Pending: "SKIPPED",
  }),
);
const RESULT_NAMES = ["UnitTestResult", "TestResult", "GenericTestResult", "ManualTestResult", "TestResultAggregation"];

export function parseVisualStudioTrx(root: XmlElement): Result<readonly ReportedTestCase[], string> {
  if (root.name !== "TestRun") return wrongRoot("TestRun", root);
  const classes = classNames(root);
  const cases: ReportedTestCase[] = [];
  const suiteName = attributeOf(root, "name");
  for (const results of childrenOf(root, "Results")) {
    for (const result of childrenOf(results, ...RESULT_NAMES)) readResult(result, classes, suiteName, cases);
  }
  return ok(cases);
}

/** Class of each test by its id. MSTest writes `Namespace.Class, Assembly, Version=…`. */
function classNames(root: XmlElement): ReadonlyMap<string, string> {
  const classes = new Map<string, string>();
  for (const definitions of childrenOf(root, "TestDefinitions")) {
    for (const definition of definitions.children) {
      const method = childOf(definition, "TestMethod");
      const name = method && attributeOf(method, "className")?.split(",")[0]?.trim();
      const id = attributeOf(definition, "id");
      if (id !== undefined && name) classes.set(id, name);
    }
  }
  return classes;
}

function readResult(
  result: XmlElement,
  classes: ReadonlyMap<string, string>,
  suiteName: string | undefined,
  cases: ReportedTestCase[],
): void {
  const inner = childrenOf(result, "InnerResults").flatMap((group) => childrenOf(group, ...RESULT_NAMES));
  if (inner.length > 0) {
    for (const one of inner) readResult(one, classes, suiteName, cases);
    return;
  }
  const fullName = attributeOf(result, "testName") ?? "unknown";
  const className = classes.get(attributeOf(result, "testId") ?? "");
  const split =
    className === undefined
      ? splitFullName(fullName)
      : {
          prefix: className,
          name: fullName.startsWith(`${className}.`) ? fullName.slice(className.length + 1) : fullName,
        };
  const output = childOf(result, "Output");
  const errorInfo = childOf(output, "ErrorInfo");
  cases.push(
    testCase({
      name: split.name || fullName,
      prefix: split.prefix,
      testSuiteName: suiteName,
      status: STATUSES.get(attributeOf(result, "outcome") ?? "") ?? "UNKNOWN",
      durationNs: nanosecondsOfTimeSpan(attributeOf(result, "duration")),
      message: messageOf(childOf(errorInfo, "Message")?.text, childOf(errorInfo, "StackTrace")?.text),
    }),
  );
}
