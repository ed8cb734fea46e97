/** docs/control-api.md names every endpoint of the control API, and no other, and calls each one by curl. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { ENDPOINTS } from "../../src/control/route.ts";

const text = readFileSync(fileURLToPath(new URL("../../docs/control-api.md", import.meta.url)), "utf8");

const endpoints = Object.entries(ENDPOINTS)
  .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method} /${path}`))
  .sort();

test("the table lists the endpoints", () => {
  const rows = [...text.matchAll(/^\| (`[A-Z]+ \/.*?`) \|/gm)].flatMap(([, cell = ""]) => [
    ...cell.matchAll(/`([A-Z]+ \/[^`]*)`/g),
  ]);
  expect(rows.map(([, name = ""]) => name.replace(/<\w+>/, "*")).sort()).toEqual(endpoints);
});

test("the examples, which test/docs/console-blocks.test.ts runs, call each of them", () => {
  const called = [...text.matchAll(/^\$ curl (.*)$/gm)].map(([, words = ""]) => {
    const method = /-X (\w+)/.exec(words)?.[1] ?? (words.includes(" -d ") ? "POST" : "GET");
    const [area = "", name, more] = (/\$api(?:\/(\S*))?/.exec(words)?.[1] ?? "").split("/");
    return `${method} /${[area, ...(name === undefined ? [] : ["*"]), ...(more === undefined ? [] : [more])].join("/")}`;
  });
  expect([...new Set(called)].sort()).toEqual(endpoints);
});
