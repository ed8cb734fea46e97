import { expect, test } from "vitest";
import {
  choiceOption,
  flagOption,
  functionOption,
  objectOption,
  requireOptions,
  textOption,
  wholeNumberOption,
} from "./option-kinds.ts";

const KINDS = {
  memory: flagOption,
  host: textOption,
  port: wholeNumberOption(0, 65_535),
  engine: choiceOption("auto", "host"),
  notice: functionOption,
  rootKey: { ...objectOption, isSecret: true },
} as const;

test.each([
  [{ acount: 1 }, "f has no option `acount`", ["its options: memory, host, port, engine, notice, rootKey"]],
  [{ prot: 1 }, "f has no option `prot`", ["did you mean `port`?"]],
  [{ memory: "yes" }, "`memory` must be true or false, not `yes`", []],
  [{ host: "" }, "`host` must be a text that is not empty, not an empty text", []],
  [{ port: "80" }, "`port` must be a whole number from 0 to 65535, not `80`", []],
  [{ port: 1.5 }, "`port` must be a whole number from 0 to 65535, not `1.5`", []],
  [{ engine: "dokcer" }, "`engine` must be one of auto, host, not `dokcer`", []],
  [{ notice: {} }, "`notice` must be a function, not an object", []],
  [{ rootKey: "id/s3cret" }, "`rootKey` must be an object", []],
  [null, "f takes an object of options, not null", []],
])("refuses %j", (given, message, fix) => {
  expect(() => requireOptions("f", given, KINDS)).toThrow(
    expect.objectContaining({ code: "KILN_E_OPTION", message, fix }),
  );
});

test("takes what is of its kind, and undefined for not given", () => {
  const given = { memory: true, host: "::1", port: undefined, engine: "host", notice: () => {}, rootKey: {} };
  expect(() => requireOptions("f", given, KINDS)).not.toThrow();
});
