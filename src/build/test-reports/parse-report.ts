/** One report file: bytes and format → its test cases or coverages, or why it cannot be read. Never throws. */
import { err, ok, type Result } from "../../core/result.ts";
import { parseCloverXml } from "./clover-xml.ts";
import { parseCoberturaXml } from "./cobertura-xml.ts";
import { parseCucumberJson } from "./cucumber-json.ts";
import { decodeText } from "./decode-text.ts";
import { parseJacocoXml } from "./jacoco-xml.ts";
import { parseJunitXml } from "./junit-xml.ts";
import { parseNunitXml } from "./nunit-xml.ts";
import { parseNunit3Xml } from "./nunit3-xml.ts";
import { readJson } from "./read-json.ts";
import { readXml, type XmlElement } from "./read-xml.ts";
import type { ReportFormat } from "./report-format.ts";
import { parseSimplecovJson } from "./simplecov-json.ts";
import type { ParsedReport, ReportedCoverage, ReportedTestCase } from "./test-case.ts";
import { parseTestngXml } from "./testng-xml.ts";
import { parseVisualStudioTrx } from "./visual-studio-trx.ts";

/** A file larger than this is refused: it is read into memory as a whole. */
export const MAX_REPORT_FILE_BYTES = 64 * 1024 * 1024;

type Cases = Result<readonly ReportedTestCase[], string>;
type Coverages = Result<readonly ReportedCoverage[], string>;

const tests = (cases: Cases): Result<ParsedReport, string> =>
  cases.ok ? ok({ type: "TEST", testCases: cases.value }) : cases;
const coverage = (coverages: Coverages): Result<ParsedReport, string> =>
  coverages.ok ? ok({ type: "CODE_COVERAGE", coverages: coverages.value }) : coverages;

const XML_PARSERS: Readonly<
  Record<Exclude<ReportFormat, "CUCUMBERJSON" | "SIMPLECOV">, (root: XmlElement) => Result<ParsedReport, string>>
> = {
  JUNITXML: (root) => tests(parseJunitXml(root)),
  NUNITXML: (root) => tests(parseNunitXml(root)),
  NUNIT3XML: (root) => tests(parseNunit3Xml(root)),
  TESTNGXML: (root) => tests(parseTestngXml(root)),
  VISUALSTUDIOTRX: (root) => tests(parseVisualStudioTrx(root)),
  CLOVERXML: (root) => coverage(parseCloverXml(root)),
  COBERTURAXML: (root) => coverage(parseCoberturaXml(root)),
  JACOCOXML: (root) => coverage(parseJacocoXml(root)),
};

export function parseReport(format: ReportFormat, bytes: Uint8Array): Result<ParsedReport, string> {
  if (bytes.length > MAX_REPORT_FILE_BYTES) return err(`larger than ${MAX_REPORT_FILE_BYTES / 1024 / 1024} MiB`);
  const text = decodeText(bytes);
  if (!text.ok) return text;
  if (text.value.trim() === "") return err("the file is empty");
  if (format === "CUCUMBERJSON" || format === "SIMPLECOV") {
    const json = readJson(text.value);
    if (!json.ok) return json;
    return format === "SIMPLECOV" ? coverage(parseSimplecovJson(json.value)) : tests(parseCucumberJson(json.value));
  }
  const root = readXml(text.value);
  return root.ok ? XML_PARSERS[format](root.value) : root;
}
