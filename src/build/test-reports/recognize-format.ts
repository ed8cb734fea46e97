/**
 * Which report format a file is in, told by its first bytes: what auto-discovery asks of every file it meets.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/discover-test-reports.html. How AWS tells them apart is
 * not published; here a file must begin as only that format does.
 */
import { decodeText } from "./decode-text.ts";
import type { ReportFormat } from "./report-format.ts";

/** How many bytes of a file {@link recognizeFormat} wants to see. */
export const HEAD_BYTES = 4096;

/** Names of files worth opening. */
export const isCandidateName = (path: string): boolean => /\.(xml|trx|json)$/i.test(path);

export function recognizeFormat(path: string, head: Uint8Array): ReportFormat | undefined {
  const text = decodeText(head);
  if (!text.ok) return undefined;
  const start = text.value.trimStart();
  if (start.startsWith("<")) return xmlFormat(start);
  return /\.json$/i.test(path) ? jsonFormat(path, start) : undefined;
}

function xmlFormat(text: string): ReportFormat | undefined {
  const doctype = /<!DOCTYPE\s+[^>[]*/.exec(text)?.[0] ?? "";
  const root = /<([A-Za-z_][\w.-]*)((?:\s[^>]*)?)\/?>([\s\S]*)$/.exec(withoutProlog(text));
  if (!root) return undefined;
  const [, name, attributes = "", rest = ""] = root;
  switch (name) {
    case "testsuites":
      return /^\s*(?:<properties\b[\s\S]*?<\/properties>\s*)?(<testsuite\b|<\/testsuites>|$)/.test(rest)
        ? "JUNITXML"
        : undefined;
    case "testsuite":
      return "JUNITXML";
    case "test-results":
      return "NUNITXML";
    case "test-run":
      return "NUNIT3XML";
    case "testng-results":
      return "TESTNGXML";
    case "TestRun":
      return attributes.includes("microsoft.com/schemas/VisualStudio/TeamTest") ? "VISUALSTUDIOTRX" : undefined;
    case "report":
      return /jacoco/i.test(doctype) || /^\s*<(sessioninfo|group|package)\s+(id|name)=/.test(rest)
        ? "JACOCOXML"
        : undefined;
    case "coverage":
      if (/cobertura/i.test(doctype) || /\bline-rate=/.test(attributes)) return "COBERTURAXML";
      return /<project\b/.test(rest) && /\b(clover|generated)=/.test(attributes) ? "CLOVERXML" : undefined;
    default:
      return undefined;
  }
}

/** Without declaration, comments, processing instructions and document type. */
function withoutProlog(text: string): string {
  let rest = text;
  for (;;) {
    const next = rest
      .trimStart()
      .replace(/^(?:<\?[\s\S]*?\?>|<!--[\s\S]*?-->|<!DOCTYPE[^>[]*(?:\[[\s\S]*?\]\s*)?>)/, "");
    if (next === rest) return rest;
    rest = next;
  }
}

function jsonFormat(path: string, text: string): ReportFormat | undefined {
  if (/(^|\/)\.(?:resultset|last_run)\.json$/i.test(path))
    return /"coverage"\s*:\s*\{/.test(text) ? "SIMPLECOV" : undefined;
  if (/^\{\s*"(?:meta)"\s*:\s*\{\s*"simplecov_version"/.test(text)) return "SIMPLECOV";
  // A feature has a keyword, a uri and elements, in any order.
  const isFeature = /^\[\s*\{/.test(text) && /"keyword"\s*:/.test(text) && /"(elements|uri)"\s*:/.test(text);
  return isFeature && /"(steps|elements)"\s*:\s*\[/.test(text) ? "CUCUMBERJSON" : undefined;
}
