/** Runs one benchmark by name, or all of them. `--smoke` shortens each. */
const NAMES = [
  "cold-start",
  "requests",
  "build",
  "build-curve",
  "decisions",
  "registry",
  "images",
  "leak-guard",
  "check",
];

const smoke = process.argv.includes("--smoke");
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
for (const name of wanted.length > 0 ? wanted : NAMES) {
  process.stdout.write(`${name}\n`);
  const benchmark = await import(`./${name}.mjs`);
  await benchmark.run({ smoke });
}
