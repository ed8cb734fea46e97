import { CONTRACT_SCRIPTS, engineContract } from "./contract.ts";
import { createFakeEngine } from "./fake.ts";

engineContract(
  "fake",
  () =>
    createFakeEngine([
      { match: CONTRACT_SCRIPTS.outThenErr, output: ["one\n", "two\n", "three\n"] },
      { match: CONTRACT_SCRIPTS.hang, hangs: true },
      { match: CONTRACT_SCRIPTS.fail, outcome: { kind: "exited", exitCode: 7 } },
    ]),
  { isScripted: true },
);
