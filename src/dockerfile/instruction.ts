/** One Dockerfile instruction as written, and the error that what is written cannot be built. Pure. */

export const KEYWORDS = [
  ...(["ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"] as const),
  ...(["LABEL", "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"] as const),
] as const;

export type Keyword = (typeof KEYWORDS)[number];

export interface Heredoc {
  readonly name: string;
  readonly content: string;
  /** False when the delimiter was quoted: variables stay as they are. */
  readonly isExpanded: boolean;
}

export interface Instruction {
  readonly keyword: Keyword;
  readonly flags: readonly Flag[];
  /** Everything after the flags, continuations joined. */
  readonly text: string;
  /** The array of the JSON form, when the text is one. */
  readonly json: readonly string[] | undefined;
  readonly heredocs: readonly Heredoc[];
  readonly line: number;
  readonly endLine: number;
  /** The whole instruction as written, continuations joined, without the contents of heredocs. */
  readonly original: string;
}

export interface Flag {
  readonly name: string;
  readonly value: string;
}

export type EscapeChar = "\\" | "`";

/** Lines from 1, both inclusive. */
export interface Lines {
  readonly line: number;
  readonly endLine: number;
}

/** A Dockerfile that cannot be built as it is written. */
export class DockerfileError extends Error {
  override readonly name = "DockerfileError";
  readonly at: Lines | undefined;
  /** True where the classic builder says `failed to parse Dockerfile: …`: lines that are no instructions at all. */
  readonly isUnreadable: boolean;

  constructor(message: string, at?: Lines, isUnreadable = false) {
    super(message);
    this.at = at;
    this.isUnreadable = isUnreadable;
  }
}

/** Prefixed with the line, as docker says what it finds while it reads instructions. */
export const parseError = (at: Lines, message: string): DockerfileError =>
  new DockerfileError(`dockerfile parse error on line ${at.line}: ${message}`, at);
