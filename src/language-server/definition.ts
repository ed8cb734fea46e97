/** "Go to definition" and links: from a use to its declaration, from a name to the file. */
import type { DocumentLink, Location, LocationLink } from "vscode-languageserver-protocol";
import type { Span } from "../core/diagnostics.ts";
import type { Analysis } from "./buildspecs.ts";
import { fileTargets } from "./file-targets.ts";
import { placeAt } from "./place.ts";
import { isIn, rangeAt, rangeOf, uriOf } from "./ranges.ts";
import { variableNamed, variableUseAt } from "./variables.ts";

const START = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

export function definitionAt(analysis: Analysis, offset: number): LocationLink[] {
  const { document, text } = analysis;
  const use = variableUseAt(text, offset);
  if (use) {
    const declared = variableNamed(analysis, use.name)?.span;
    if (declared) return [linkTo(analysis, rangeAt(document, use.startOffset, use.endOffset), declared)];
  }
  const named = declarationNamedAt(analysis, offset);
  if (named) return [linkTo(analysis, rangeOf(document, named.from), named.to)];
  return fileTargets(analysis)
    .filter(({ span }) => isIn(span, offset))
    .slice(0, 1)
    .map(({ span, path }) => ({
      originSelectionRange: rangeOf(document, span),
      targetUri: uriOf(analysis, path),
      targetRange: START,
      targetSelectionRange: START,
    }));
}

/** For clients that know locations only. */
export const asLocation = ({ targetUri, targetSelectionRange }: LocationLink): Location => ({
  uri: targetUri,
  range: targetSelectionRange,
});

const linkTo = ({ document }: Analysis, from: LocationLink["originSelectionRange"], to: Span): LocationLink => ({
  ...(from && { originSelectionRange: from }),
  targetUri: document.uri,
  targetRange: rangeOf(document, to),
  targetSelectionRange: rangeOf(document, to),
});

/** A name in `exported-variables` → its declaration, an identifier in `depend-on` → its build. */
function declarationNamedAt(analysis: Analysis, offset: number): { from: Span; to: Span } | undefined {
  const { env, batch } = analysis.context.buildspec;
  const exported = env.exportedVariables.find(({ span }) => isIn(span, offset));
  const to = exported && variableNamed(analysis, exported.value)?.span;
  if (exported && to) return { from: exported.span, to };
  const dependency = (batch?.graph ?? []).flatMap(({ dependsOn }) => dependsOn).find(({ span }) => isIn(span, offset));
  const task = dependency && batch?.graph?.find(({ identifier }) => identifier?.value === dependency.value);
  return dependency && task?.identifier ? { from: dependency.span, to: task.identifier.span } : undefined;
}

export const documentLinks = (analysis: Analysis): DocumentLink[] =>
  fileTargets(analysis).map(({ span, path }) => ({
    range: rangeOf(analysis.document, span),
    target: uriOf(analysis, path),
    tooltip: path,
  }));

/** Every place of the variable under the cursor: its declaration and its uses. */
export function referencesAt(analysis: Analysis, offset: number, includeDeclaration: boolean): Location[] {
  const { document, text } = analysis;
  const name = variableUseAt(text, offset)?.name ?? declaredNameAt(analysis, offset);
  if (name === undefined) return [];
  const declared = includeDeclaration ? variableNamed(analysis, name)?.span : undefined;
  const uses = [...text.matchAll(new RegExp(`\\$\\{?#?(${name})(?![A-Za-z0-9_])`, "g"))].map((match) =>
    rangeAt(document, match.index + match[0].length - name.length, match.index + match[0].length),
  );
  const exported = analysis.context.buildspec.env.exportedVariables.filter(({ value }) => value === name);
  return [...(declared ? [declared] : []), ...exported.map(({ span }) => span)]
    .map((span) => rangeOf(document, span))
    .concat(uses)
    .map((range) => ({ uri: document.uri, range }));
}

function declaredNameAt({ text, outline }: Analysis, offset: number): string | undefined {
  const place = placeAt(text, offset, outline);
  const parent = place?.path.at(-1);
  if (
    place?.position !== "inside" ||
    !["variables", "parameter-store", "secrets-manager", "plaintext"].includes(parent ?? "")
  )
    return undefined;
  const name = text.slice(place.startOffset, place.endOffset).replace(/^["']|["']$/g, "");
  return /^[A-Za-z_]\w*$/.test(name) ? name : undefined;
}
