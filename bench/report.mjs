/** How figures are printed. */
export function row(what, figure, note = "") {
  process.stdout.write(`  ${what.padEnd(44)} ${figure.padStart(16)}  ${note}\n`);
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
