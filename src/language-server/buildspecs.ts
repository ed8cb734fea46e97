/**
 * The open documents, which of them are buildspecs, and what was found out about each: parsed, checked, its commands read.
 * One analysis stands for one version of the text, of the files around it and of what Kiln's stores hold.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TextDocumentContentChangeEvent, TextDocumentItem } from "vscode-languageserver-protocol";
import { TextDocument } from "vscode-languageserver-textdocument";
import {
  type CheckContext,
  type CheckInput,
  checkBuildspec,
  contextOf,
  createMemoryWorkspace,
  isBuildspecLike,
  type Knowledge,
  type Workspace,
} from "../check/index.ts";
import type { Clock } from "../core/clock.ts";
import type { Diagnostic } from "../core/diagnostics.ts";
import { type SourceFile, sourceFileOf } from "./source-root.ts";
import { type Outline, outlineOf } from "./yaml-rows.ts";

/** A buildspec in the editor. */
export interface OpenBuildspec extends SourceFile {
  readonly document: TextDocument;
}

/** One version of a buildspec with all that is known of it. */
export interface Analysis extends OpenBuildspec {
  readonly text: string;
  readonly workspace: Workspace;
  readonly knowledge: Knowledge;
  /** As `kiln check` finds them. */
  readonly diagnostics: readonly Diagnostic[];
  /** What the rules are given. */
  readonly context: CheckContext;
  readonly outline: Outline;
  readonly input: CheckInput;
}

/** Files may change without a word from the editor; a listing is not believed for longer. */
const WORKSPACE_MAX_AGE_MS = 15_000;

export interface BuildspecsOptions {
  readonly clock: Clock;
  workspaceOf(root: string): Workspace;
}

export class Buildspecs {
  /** Absolute paths of the editor's workspace folders. */
  folders: string[] = [];
  strict = false;
  readonly #options: BuildspecsOptions;
  readonly #documents = new Map<string, TextDocument>();
  /** Once a text was a buildspec, it stays one while it is edited. */
  readonly #recognised = new Set<string>();
  readonly #workspaces = new Map<string, { readonly workspace: Workspace; readonly readAtMs: number }>();
  readonly #analyses = new Map<string, Analysis>();

  constructor(options: BuildspecsOptions) {
    this.#options = options;
  }

  open({ uri, languageId, version, text }: TextDocumentItem): void {
    this.#documents.set(uri, TextDocument.create(uri, languageId, version, text));
    this.#recognised.delete(uri);
  }

  change(uri: string, version: number, changes: TextDocumentContentChangeEvent[]): void {
    const document = this.#documents.get(uri);
    if (!document) return;
    // The library changes a document in place; an analysis goes on with the version it was made of.
    const copy = TextDocument.create(uri, document.languageId, document.version, document.getText());
    this.#documents.set(uri, TextDocument.update(copy, changes, version));
  }

  close(uri: string): void {
    this.#documents.delete(uri);
    this.#recognised.delete(uri);
    this.#analyses.delete(uri);
  }

  /** Files on disk changed: listings and analyses are made anew. */
  forgetFiles(): void {
    this.#workspaces.clear();
    this.#analyses.clear();
  }

  all(): OpenBuildspec[] {
    return [...this.#documents.keys()].flatMap((uri) => this.find(uri) ?? []);
  }

  /** The open buildspec at `uri`; undefined when nothing is open there, or something else. */
  find(uri: string): OpenBuildspec | undefined {
    const document = this.#documents.get(uri);
    if (!document) return undefined;
    const path = pathOfUri(uri);
    const source =
      path === undefined
        ? { root: this.folders[0] ?? "", file: uri.replace(/^[^:]*:(?:.*\/)?/, "") || "buildspec.yml" }
        : sourceFileOf(path, this.folders);
    if (!this.#recognised.has(uri)) {
      if (!isBuildspecLike(source.file, document.getText())) return undefined;
      this.#recognised.add(uri);
    }
    return { document, ...source };
  }

  /** Throws what a rule throws: a mistake of ours. */
  analyse(open: OpenBuildspec, knowledge: Knowledge): Analysis {
    const { document, root, file } = open;
    const workspace = this.#workspace(root);
    const known = this.#analyses.get(document.uri);
    if (known?.document === document && known.workspace === workspace && known.knowledge === knowledge) return known;
    const text = document.getText();
    const input: CheckInput = { ...knowledge, workspace, buildspecPath: file, text, strict: this.strict };
    const { diagnostics } = checkBuildspec(input);
    let context: CheckContext | undefined;
    let outline: Outline | undefined;
    const analysis: Analysis = {
      document,
      root,
      file,
      text,
      workspace,
      knowledge,
      diagnostics,
      input,
      get context() {
        context ??= contextOf(input);
        if (!context) throw new Error("a text was given, so there is a context");
        return context;
      },
      get outline() {
        outline ??= outlineOf(text);
        return outline;
      },
    };
    this.#analyses.set(document.uri, analysis);
    return analysis;
  }

  #workspace(root: string): Workspace {
    const nowMs = this.#options.clock.nowMs();
    const known = this.#workspaces.get(root);
    if (known && nowMs - known.readAtMs < WORKSPACE_MAX_AGE_MS) return known.workspace;
    // A document that is not saved yet may stand for a file in a folder that is not there.
    const made = existsSync(root)
      ? this.#withOpenTexts(root, this.#options.workspaceOf(root))
      : createMemoryWorkspace({});
    this.#workspaces.set(root, { workspace: made, readAtMs: nowMs });
    return made;
  }

  /** What is open and not saved counts as the file's text. */
  #withOpenTexts(root: string, workspace: Workspace): Workspace {
    return {
      ...workspace,
      readText: (path, maxBytes) => {
        for (const [uri, document] of this.#documents) {
          if (pathOfUri(uri) === `${root}/${path}`) return document.getText();
        }
        return workspace.readText(path, maxBytes);
      },
    };
  }
}

/** Absolute path of a `file:` URI; undefined for an editor's own schemes. */
export function pathOfUri(uri: string): string | undefined {
  if (!uri.startsWith("file:")) return undefined;
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined; // another machine's path
  }
}
