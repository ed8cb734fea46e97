/** Policy documents, parsed once per text: every request asks for its caller's. */
import type { PolicyDocument } from "../core/aws.ts";

const documents = new Map<string, PolicyDocument>();
const MAX_DOCUMENTS = 2_000;

/** The parsed document of a text: the same object for the same text, so that it is compiled once. */
export function parsedDocument(text: string): PolicyDocument {
  let document = documents.get(text);
  if (!document) {
    document = JSON.parse(text) as PolicyDocument;
    if (documents.size >= MAX_DOCUMENTS) documents.delete(documents.keys().next().value as string);
    documents.set(text, document);
  }
  return document;
}
