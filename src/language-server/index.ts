/** Public face of the language server. See README.md. */
export type { AccessFacts, AccessSubject, KnowledgeSource } from "./knowledge.ts";
export { type LanguageServerOptions, serveLanguage } from "./server.ts";
