/** For test files that share a process: none may leave it other than it was, or the next ones see what they should not. */
import { afterAll, expect } from "vitest";

const state = () => ({
  environment: { ...process.env },
  workingDirectory: process.cwd(),
  umask: process.umask(),
  exitCode: process.exitCode,
});

const before = state();
afterAll(() => expect(state()).toEqual(before));
