import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Tests that look at all processes, mounts or containers of this machine: one file at a time, after the others. */
const WITH_ENGINES = [
  "src/docker-api/*.test.ts",
  "src/engines/**/*.test.ts",
  "test/containers/**/*.test.ts",
  "test/engines/**/*.test.ts",
];

export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: "forks",
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/**/*.test.ts"] },
    projects: [
      {
        extends: true,
        test: {
          name: "kiln",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: WITH_ENGINES,
          // Much of the time goes to waiting for builds and clients; a machine of two cores would get one worker.
          maxWorkers: Math.max(2, availableParallelism() - 1),
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: "engines", include: WITH_ENGINES, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
