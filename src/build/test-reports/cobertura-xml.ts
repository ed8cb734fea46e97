/**
 * COBERTURAXML: Cobertura, coverage.py, gcovr, coverlet, istanbul. A file is the sum of its classes: a line that several
 * of them name counts once, with its best hit count.
 * Source: https://cobertura.sourceforge.net/xml/coverage-04.dtd
 */
import { ok, type Result } from "../../core/result.ts";
import { attributeOf, childrenOf, countOf, elementsBelow, wrongRoot, type XmlElement } from "./read-xml.ts";
import type { ReportedCoverage } from "./test-case.ts";

interface Line {
  isHit: boolean;
  branchesCovered: number;
  branchesTotal: number;
}

export function parseCoberturaXml(root: XmlElement): Result<readonly ReportedCoverage[], string> {
  if (root.name !== "coverage") return wrongRoot("coverage", root);
  const files = new Map<string, Map<string, Line>>();
  for (const element of elementsBelow(root, "class")) {
    const filePath = attributeOf(element, "filename") || attributeOf(element, "name");
    if (!filePath) continue;
    const lines = files.get(filePath) ?? new Map<string, Line>();
    files.set(filePath, lines);
    // `methods` repeats the lines of `lines` where both are written.
    const own = childrenOf(element, "lines").flatMap((group) => childrenOf(group, "line"));
    for (const line of own.length > 0 ? own : elementsBelow(element, "line")) addLine(lines, line);
  }
  return ok([...files].map(([filePath, lines]) => coverageOf(filePath, [...lines.values()])));
}

function addLine(lines: Map<string, Line>, element: XmlElement): void {
  const number = attributeOf(element, "number");
  if (number === undefined) return;
  const line = lines.get(number) ?? { isHit: false, branchesCovered: 0, branchesTotal: 0 };
  line.isHit ||= countOf(element, "hits") > 0;
  // `condition-coverage="50% (1/2)"`
  const branches = /\((\d{1,9})\s*\/\s*(\d{1,9})\)/.exec(attributeOf(element, "condition-coverage") ?? "");
  if (branches) {
    const total = Number(branches[2]);
    line.branchesCovered = Math.max(line.branchesCovered, Math.min(Number(branches[1]), total));
    line.branchesTotal = Math.max(line.branchesTotal, total);
  }
  lines.set(number, line);
}

function coverageOf(filePath: string, lines: readonly Line[]): ReportedCoverage {
  const linesCovered = lines.filter(({ isHit }) => isHit).length;
  const branchesCovered = lines.reduce((sum, line) => sum + line.branchesCovered, 0);
  const branchesTotal = lines.reduce((sum, line) => sum + line.branchesTotal, 0);
  return {
    filePath,
    linesCovered,
    linesMissed: lines.length - linesCovered,
    branchesCovered,
    branchesMissed: branchesTotal - branchesCovered,
  };
}
