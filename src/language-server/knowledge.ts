/**
 * What the language server may know besides the open files, as a port: what Kiln's stores hold and what the service role
 * may read. The adapter is in cli/; values of parameters and secrets do not come through here.
 */
import type { Knowledge } from "../check/index.ts";

export interface KnowledgeSource {
  /**
   * For the sources in a folder; `texts` are the buildspecs that are open there. Asked before every check, so an answer
   * whose store did not change is kept. Rejects for nothing that a user could do: without a store little is known.
   */
  read(folder: string, texts: readonly string[]): Promise<Knowledge>;
  /** What was read may be out of date: the user saved something. */
  forget(): void;
  /** May the service role of the folder's project read it, and why? Undefined when no project is known. */
  access(folder: string, subject: AccessSubject): Promise<AccessFacts | undefined>;
}

export interface AccessSubject {
  readonly kind: "parameter" | "secret";
  /** Of a parameter its name, of a secret its name or ARN. */
  readonly name: string;
}

export interface AccessFacts {
  readonly project: string;
  readonly role: string;
  readonly isAllowed: boolean;
  /** One sentence: the statement that decides, or what is missing. */
  readonly because: string;
}
