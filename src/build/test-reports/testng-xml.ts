/**
 * TESTNGXML: `testng-results.xml`. Configuration methods (`is-config`) are no test cases.
 * Source: https://testng.org/#_xml_reports
 */
import { ok, type Result } from "../../core/result.ts";
import { attributeOf, childOf, childrenOf, wrongRoot, type XmlElement } from "./read-xml.ts";
import {
  messageOf,
  nanosecondsOfMilliseconds,
  type ReportedTestCase,
  type TestCaseStatus,
  testCase,
} from "./test-case.ts";

const STATUSES: ReadonlyMap<string, TestCaseStatus> = new Map(
  Object.entries({ PASS: "SUCCEEDED", FAIL: "FAILED", SKIP: "SKIPPED" }),
);

export function parseTestngXml(root: XmlElement): Result<readonly ReportedTestCase[], string> {
  if (root.name !== "testng-results") return wrongRoot("testng-results", root);
  const cases: ReportedTestCase[] = [];
  for (const suite of childrenOf(root, "suite")) {
    for (const test of childrenOf(suite, "test")) {
      for (const testClass of childrenOf(test, "class")) {
        for (const method of childrenOf(testClass, "test-method")) {
          if (attributeOf(method, "is-config")?.toLowerCase() === "true") continue;
          cases.push(readMethod(method, attributeOf(testClass, "name"), suiteNameOf(suite, test)));
        }
      }
    }
  }
  return ok(cases);
}

const suiteNameOf = (suite: XmlElement, test: XmlElement): string | undefined =>
  attributeOf(test, "name") || attributeOf(suite, "name");

function readMethod(
  method: XmlElement,
  className: string | undefined,
  suiteName: string | undefined,
): ReportedTestCase {
  const exception = childOf(method, "exception");
  return testCase({
    name: attributeOf(method, "name") ?? attributeOf(method, "signature") ?? "unknown",
    prefix: className ?? suiteName,
    testSuiteName: suiteName,
    status: STATUSES.get(attributeOf(method, "status") ?? "") ?? "UNKNOWN",
    durationNs: nanosecondsOfMilliseconds(attributeOf(method, "duration-ms")),
    message:
      exception &&
      (messageOf(childOf(exception, "message")?.text, childOf(exception, "full-stacktrace")?.text) ??
        messageOf(attributeOf(exception, "class"), childOf(exception, "short-stacktrace")?.text)),
  });
}
