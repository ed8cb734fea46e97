/** What a command of the small CLI is given. */
import type { ApiClient } from "./api-client.ts";

export interface CliStreams {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  readonly environment: NodeJS.ProcessEnv;
  readonly workingDirectory: string;
}

export interface CliCommand extends CliStreams {
  readonly args: readonly string[];
  readonly api: ApiClient;
}
