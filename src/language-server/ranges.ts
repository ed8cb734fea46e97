/** Spans and offsets → the protocol's ranges, in UTF-16 units from 0. */
import { pathToFileURL } from "node:url";
import type { Range } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import type { Span } from "../core/diagnostics.ts";
import type { Analysis } from "./buildspecs.ts";

export const rangeAt = (document: TextDocument, startOffset: number, endOffset: number): Range => ({
  start: document.positionAt(startOffset),
  end: document.positionAt(endOffset),
});

export const rangeOf = (document: TextDocument, { startOffset, endOffset }: Span): Range =>
  rangeAt(document, startOffset, endOffset);

/** Of a span in any file, whose text need not be open. */
export const rangeIn = ({ line, column, endLine, endColumn }: Span): Range => ({
  start: { line: line - 1, character: column - 1 },
  end: { line: endLine - 1, character: endColumn - 1 },
});

/** The URI of a file of the source; the buildspec's own is the editor's. */
export const uriOf = ({ root, file, document }: Pick<Analysis, "root" | "file" | "document">, path: string): string =>
  path === file ? document.uri : pathToFileURL(`${root}/${path}`).href;

/** A file of the source as a document; undefined when it cannot be read. */
export function documentOf({ workspace, file, document }: Analysis, path: string): TextDocument | undefined {
  if (path === file) return document;
  const text = workspace.readText(path);
  return text === undefined ? undefined : TextDocument.create(path, "", 0, text);
}

export const isIn = ({ startOffset, endOffset }: Span, offset: number): boolean =>
  offset >= startOffset && offset <= endOffset;
