/**
 * NUNIT3XML: the result file of NUnit 3 and later (`test-run`).
 * Source: https://docs.nunit.org/articles/nunit/technical-notes/usage/Test-Result-XML-Format.html
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

export function parseNunit3Xml(root: XmlElement): Result<readonly ReportedTestCase[], string> {
  if (root.name === "test-results")
    return err("expected element type <test-run> but have <test-results>: NUNITXML reads it");
  if (root.name !== "test-run" && root.name !== "test-suite") return wrongRoot("test-run", root);
  const cases: ReportedTestCase[] = [];
  const read = (element: XmlElement, suiteName: string | undefined): void => {
    for (const child of element.children) {
      if (child.name === "test-case") cases.push(readCase(child, suiteName));
      if (child.name === "test-suite") read(child, attributeOf(child, "name") ?? suiteName);
    }
  };
  read(root, root.name === "test-suite" ? attributeOf(root, "name") : undefined);
  return ok(cases);
}

function readCase(element: XmlElement, suiteName: string | undefined): ReportedTestCase {
  const full = splitFullName(attributeOf(element, "fullname") ?? attributeOf(element, "name") ?? "unknown");
  const failure = childOf(element, "failure");
  const detail = failure ?? childOf(element, "reason");
  return testCase({
    name: attributeOf(element, "name") ?? full.name,
    prefix: attributeOf(element, "classname") || full.prefix || suiteName,
    testSuiteName: suiteName,
    status: statusOf(element),
    durationNs: nanosecondsOfSeconds(attributeOf(element, "duration") ?? attributeOf(element, "time")),
    message: messageOf(childOf(detail, "message")?.text, childOf(detail, "stack-trace")?.text),
  });
}

function statusOf(element: XmlElement): TestCaseStatus {
  switch (attributeOf(element, "result")) {
    case "Passed":
    case "Warning":
      return "SUCCEEDED";
    case "Failed":
      // `label`: "Error" an unexpected exception, "Invalid" a case that cannot be run.
      return /^(Error|Invalid)$/.test(attributeOf(element, "label") ?? "") ? "ERROR" : "FAILED";
    case "Skipped":
      return "SKIPPED";
    default:
      return "UNKNOWN";
  }
}
