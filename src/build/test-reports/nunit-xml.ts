/**
 * NUNITXML: the result file of NUnit 2 (`test-results`). `result` came with 2.5; before it, `executed` and `success` say
 * how a case ended. Source: https://nunit.org/nunitv2/docs/2.6.4/files/Results.xsd
 */
import { err, ok, type Result } from "../../core/result.ts";
import { attributeOf, childOf, wrongRoot, type XmlElement } from "./read-xml.ts";
import {
  messageOf,
  nanosecondsOfSeconds,
  type ReportedTestCase,
  splitFullName,
  type TestCaseStatus,
  testCase,
} from "./test-case.ts";

const STATUSES: ReadonlyMap<string, TestCaseStatus> = new Map(
  Object.entries({
    Success: "SUCCEEDED",
    Failure: "FAILED",
    Error: "ERROR",
    NotRunnable: "ERROR",
    Ignored: "SKIPPED",
    Skipped: "SKIPPED",
  }),
);

export function parseNunitXml(root: XmlElement): Result<readonly ReportedTestCase[], string> {
  if (root.name === "test-run")
    return err("expected element type <test-results> but have <test-run>: NUNIT3XML reads it");
  if (root.name !== "test-results") return wrongRoot("test-results", root);
  const cases: ReportedTestCase[] = [];
  const read = (element: XmlElement, suiteName: string | undefined): void => {
    for (const child of element.children) {
      if (child.name === "test-case") cases.push(readCase(child, suiteName));
      else read(child, child.name === "test-suite" ? (attributeOf(child, "name") ?? suiteName) : suiteName);
    }
  };
  read(root, undefined);
  return ok(cases);
}

function readCase(element: XmlElement, suiteName: string | undefined): ReportedTestCase {
  const { prefix, name } = splitFullName(attributeOf(element, "name") ?? "unknown");
  const failure = childOf(element, "failure");
  const detail = failure ?? childOf(element, "reason");
  return testCase({
    name,
    prefix: prefix || suiteName,
    testSuiteName: suiteName,
    status: statusOf(element),
    durationNs: nanosecondsOfSeconds(attributeOf(element, "time")),
    message: messageOf(childOf(detail, "message")?.text, childOf(detail, "stack-trace")?.text),
  });
}

function statusOf(element: XmlElement): TestCaseStatus {
  const result = attributeOf(element, "result");
  if (result !== undefined) return STATUSES.get(result) ?? "UNKNOWN";
  if (attributeOf(element, "executed")?.toLowerCase() === "false") return "SKIPPED";
  const success = attributeOf(element, "success")?.toLowerCase();
  return success === "true" ? "SUCCEEDED" : success === "false" ? "FAILED" : "UNKNOWN";
}
