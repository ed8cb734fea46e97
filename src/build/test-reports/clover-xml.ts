/**
 * CLOVERXML: what OpenClover, PHPUnit, istanbul (jest, nyc, vitest) and others write. Lines are counted from `line`
 * elements where a file has them, else from its `metrics`.
 * Source: https://openclover.org/doc/manual/latest/ (clover.xsd)
 */
import { ok, type Result } from "../../core/result.ts";
import { attributeOf, childOf, childrenOf, countOf, elementsBelow, wrongRoot, type XmlElement } from "./read-xml.ts";
import type { ReportedCoverage } from "./test-case.ts";

export function parseCloverXml(root: XmlElement): Result<readonly ReportedCoverage[], string> {
  const projects = childrenOf(root, "project");
  if (root.name !== "coverage") return wrongRoot("coverage", root);
  // `testproject` holds the tests themselves.
  return ok(projects.flatMap((project) => [...elementsBelow(project, "file")].flatMap(readFile)));
}

function readFile(file: XmlElement): ReportedCoverage[] {
  const filePath = attributeOf(file, "path") || attributeOf(file, "name");
  if (!filePath) return [];
  const metrics = childOf(file, "metrics");
  const hits = new Map<string, number>();
  let branchesCovered = 0;
  let branchesMissed = 0;
  for (const line of childrenOf(file, "line")) {
    const type = attributeOf(line, "type");
    const number = attributeOf(line, "num");
    if (number === undefined || type === "method") continue;
    if (type === "cond") {
      const taken = [countOf(line, "truecount"), countOf(line, "falsecount")];
      branchesCovered += taken.filter((count) => count > 0).length;
      branchesMissed += taken.filter((count) => count === 0).length;
    }
    const count = Math.max(countOf(line, "count"), countOf(line, "truecount"), countOf(line, "falsecount"));
    hits.set(number, Math.max(hits.get(number) ?? 0, count));
  }
  const covered = [...hits.values()].filter((count) => count > 0).length;
  const hasConditionals = metrics !== undefined && attributeOf(metrics, "conditionals") !== undefined;
  const ofMetrics = (total: string, done: string): { covered: number; missed: number } => {
    const sum = countOf(metrics, total);
    const part = Math.min(countOf(metrics, done), sum);
    return { covered: part, missed: sum - part };
  };
  const lines = hits.size > 0 ? { covered, missed: hits.size - covered } : ofMetrics("statements", "coveredstatements");
  const branches = hasConditionals
    ? ofMetrics("conditionals", "coveredconditionals")
    : { covered: branchesCovered, missed: branchesMissed };
  return [
    {
      filePath,
      linesCovered: lines.covered,
      linesMissed: lines.missed,
      branchesCovered: branches.covered,
      branchesMissed: branches.missed,
    },
  ];
}
