/** One Kiln in memory for a test file, as good as new for each test, and SDK clients of it that end with the file. */
import { afterAll, afterEach, beforeAll } from "vitest";
import { type Kiln, startKiln } from "../../src/app.ts";

interface SuiteKiln {
  /** There from `beforeAll` on. */
  readonly kiln: Kiln;
  client<C extends { destroy(): void }>(type: new (settings: object) => C, more?: object): C;
}

/** Call at the top of a test file. */
export function suiteKiln(): SuiteKiln {
  let kiln: Kiln;
  const opened: { destroy(): void }[] = [];
  beforeAll(async () => {
    kiln = await startKiln({ memory: true });
  });
  afterEach(() => kiln.reset());
  afterAll(async () => {
    for (const one of opened) one.destroy();
    await kiln.close();
  });
  return {
    get kiln() {
      return kiln;
    },
    client(type, more = {}) {
      const made = new type({ ...kiln.clientConfig(), maxAttempts: 1, ...more });
      opened.push(made);
      return made;
    },
  };
}
