/**
 * JUNITXML: what Ant, Maven Surefire, Gradle, pytest, jest-junit, mocha, gotestsum, PHPUnit and GoogleTest write.
 * `testsuite` may stand alone, below `testsuites`, and inside one another. There is no one schema; the shapes here are
 * those of the writers named.
 */
import { ok, type Result } from "../../core/result.ts";
import { attributeOf, childOf, childrenOf, wrongRoot, type XmlElement } from "./read-xml.ts";
import { messageOf, nanosecondsOfSeconds, type ReportedTestCase, type TestCaseStatus, testCase } from "./test-case.ts";

export function parseJunitXml(root: XmlElement): Result<readonly ReportedTestCase[], string> {
  if (root.name !== "testsuites" && root.name !== "testsuite") return wrongRoot("testsuite", root);
  const cases: ReportedTestCase[] = [];
  readSuite(root, root.name === "testsuite" ? attributeOf(root, "name") : undefined, cases);
  return ok(cases);
}

function readSuite(suite: XmlElement, suiteName: string | undefined, cases: ReportedTestCase[]): void {
  for (const child of suite.children) {
    if (child.name === "testsuite") readSuite(child, attributeOf(child, "name") || suiteName, cases);
    if (child.name === "testcase") cases.push(readCase(child, suiteName));
  }
  // A suite that failed before its first case (a class that does not load) says so itself.
  const ownFailure = childOf(suite, "error") ?? childOf(suite, "failure");
  if (ownFailure && suite.name === "testsuite") {
    cases.push(
      testCase({
        name: suiteName ?? "testsuite",
        testSuiteName: suiteName,
        status: ownFailure.name === "error" ? "ERROR" : "FAILED",
        durationNs: 0,
        message: messageOf(attributeOf(ownFailure, "message"), ownFailure.text),
      }),
    );
  }
}

function readCase(element: XmlElement, suiteName: string | undefined): ReportedTestCase {
  const { status, cause } = statusOf(element);
  const causes =
    status === "FAILED" || status === "ERROR" ? childrenOf(element, "failure", "error") : cause ? [cause] : [];
  const messages = causes.flatMap((one) => messageOf(attributeOf(one, "message"), one.text) ?? []);
  return testCase({
    name: attributeOf(element, "name") || attributeOf(element, "classname") || suiteName || "unknown",
    prefix: attributeOf(element, "classname") || attributeOf(element, "class") || suiteName,
    testSuiteName: suiteName,
    status,
    durationNs: nanosecondsOfSeconds(attributeOf(element, "time")),
    message: messages.join("\n\n"),
  });
}

/** Surefire's `flakyFailure` and `rerunFailure` are attempts, not the end: `failure` says how the case ended. */
function statusOf(element: XmlElement): { readonly status: TestCaseStatus; readonly cause?: XmlElement } {
  for (const child of element.children) {
    if (child.name === "failure") return { status: "FAILED", cause: child };
    if (child.name === "error") return { status: "ERROR", cause: child };
  }
  const skipped = childOf(element, "skipped") ?? childOf(element, "disabled") ?? childOf(element, "ignored");
  if (skipped) return { status: "SKIPPED", cause: skipped };
  // PHPUnit before 10: a test that ended with a warning.
  const warning = childOf(element, "warning");
  if (warning) return { status: "UNKNOWN", cause: warning };
  const written = (attributeOf(element, "status") ?? attributeOf(element, "result") ?? "").toLowerCase();
  // GoogleTest: `status="notrun"`, and `result="suppressed"` or `"skipped"`.
  if (/^(notrun|skipped|suppressed|disabled)$/.test(written)) return { status: "SKIPPED" };
  return { status: "SUCCEEDED" };
}
