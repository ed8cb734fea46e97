/**
 * JACOCOXML: `jacoco.xml`, with modules as nested `group`s. The counters of a `sourcefile` are what counts; a report
 * made without debug information has only classes.
 * Source: https://www.jacoco.org/jacoco/trunk/coverage/report.dtd
 */
import { ok, type Result } from "../../core/result.ts";
import { attributeOf, childrenOf, countOf, elementsBelow, wrongRoot, type XmlElement } from "./read-xml.ts";
import type { ReportedCoverage } from "./test-case.ts";

export function parseJacocoXml(root: XmlElement): Result<readonly ReportedCoverage[], string> {
  if (root.name !== "report") return wrongRoot("report", root);
  return ok([...elementsBelow(root, "package")].flatMap(readPackage));
}

function readPackage(element: XmlElement): ReportedCoverage[] {
  const folder = attributeOf(element, "name") ?? "";
  const pathOf = (name: string): string => (folder === "" ? name : `${folder}/${name}`);
  const sourceFiles = childrenOf(element, "sourcefile").flatMap((file) => {
    const name = attributeOf(file, "name");
    return name ? [coverageOf(pathOf(name), [file])] : [];
  });
  if (sourceFiles.length > 0) return sourceFiles;
  const classes = new Map<string, XmlElement[]>();
  for (const one of childrenOf(element, "class")) {
    const sourceFile = attributeOf(one, "sourcefilename");
    const filePath = sourceFile ? pathOf(sourceFile) : attributeOf(one, "name");
    if (filePath) classes.set(filePath, [...(classes.get(filePath) ?? []), one]);
  }
  return [...classes].map(([filePath, elements]) => coverageOf(filePath, elements));
}

function coverageOf(filePath: string, elements: readonly XmlElement[]): ReportedCoverage {
  const sum = (type: string, side: "covered" | "missed"): number =>
    elements
      .flatMap((element) => childrenOf(element, "counter").filter((counter) => attributeOf(counter, "type") === type))
      .reduce((total, counter) => total + countOf(counter, side), 0);
  return {
    filePath,
    linesCovered: sum("LINE", "covered"),
    linesMissed: sum("LINE", "missed"),
    branchesCovered: sum("BRANCH", "covered"),
    branchesMissed: sum("BRANCH", "missed"),
  };
}
