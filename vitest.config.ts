import { availableParallelism } from "node:os";
import { relative } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Tests that look at all processes, mounts or containers of this machine: one file at a time, after the others. */
const WITH_ENGINES = [
  "src/docker-api/*.test.ts",
  "src/engines/**/*.test.ts",
  "test/containers/**/*.test.ts",
  "test/engines/**/*.test.ts",
];

/**
 * Tests that leave their process as it was (test/support/leave-process-as-it-was.ts looks): they share processes and loaded
 * modules, which saves a third of a second of a core for each file. Two measure their process: its open files, its memory.
 */
const SHARING = [
  "src/{access,authorize,check,cli,control,core,dockerfile,endpoint,explain,identity,leak-guard,least-privilege}/**/!(held-path).test.ts",
  "src/build/{batch,buildspec,plan,report,test-reports}/**/*.test.ts",
  "src/services/**/!(robustness).test.ts",
  "test/authorization/**/*.test.ts",
];

/** What takes more than ten seconds, longest first: begun last, it would run on when all others are done. */
const LONGEST = [
  "test/durability/killed-endpoint.test.ts",
  "src/images/base-image.test.ts",
  "test/docs/console-blocks.test.ts",
  "test/wire/two-accounts.test.ts",
  "test/wire/hostile-connections.test.ts",
  "test/cli/interruption.test.ts",
  "test/corpus/runs.test.ts",
  "test/wire/iam.test.ts",
  "test/wire/s3-cli.test.ts",
  "test/cli/batch.test.ts",
  "src/services/codebuild/builds/robustness.test.ts",
  "test/wire/aws-cli.test.ts",
  "test/package.test.ts",
  "test/cli/builds.test.ts",
  "test/wire/codebuild.test.ts",
  "test/golden/build.test.ts",
  "src/registry/durability.test.ts",
  "src/docker-api/embedded/docker-commands.test.ts",
  "test/acceptance/real-rows.test.ts",
  "test/durability/two-processes.test.ts",
  "test/wire/secretsmanager.test.ts",
  "src/images/python-toolchain.test.ts",
  "test/docs/examples.test.ts",
  "src/store/snapshots.test.ts",
];

/** The longest files first, then Vitest's order (what failed, what took long, what is large); many small ones end it. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const ranks = (file: TestSpecification): readonly number[] => {
      const place = LONGEST.indexOf(relative(this.ctx.config.root, file.moduleId));
      const { sequence, isolate } = file.project.config;
      return [sequence.groupOrder, place === -1 ? LONGEST.length : place, isolate ? 0 : 1];
    };
    return (await super.sort(files)).toSorted((a, b) => {
      const [ofA, ofB] = [ranks(a), ranks(b)];
      return ofA.map((rank, index) => rank - (ofB[index] ?? 0)).find((difference) => difference !== 0) ?? 0;
    });
  }
}

// Much of the time goes to waiting for builds and clients; a machine of two cores would get one worker.
const maxWorkers = Math.max(2, availableParallelism() - 1);

export default defineConfig({
  test: {
    // Limits are for what never comes, not for what a busy machine is slow at.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 60_000 } },
    pool: "forks",
    setupFiles: ["test/support/property-seed.ts"],
    sequence: { sequencer: LongestFirst },
    coverage: { provider: "v8", include: ["src/**/*.ts"], exclude: ["src/**/*.test.ts"] },
    projects: [
      {
        extends: true,
        test: {
          name: "kiln",
          include: ["src/**/*.test.ts", "test/**/*.test.ts"],
          exclude: [...WITH_ENGINES, ...SHARING],
          maxWorkers,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: "sharing",
          include: SHARING,
          isolate: false,
          setupFiles: ["test/support/leave-process-as-it-was.ts"],
          maxWorkers,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: "engines", include: WITH_ENGINES, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
});
