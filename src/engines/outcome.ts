/** How a command ended, as data. One place composes the words. */
export type Outcome =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signalled"; readonly signal: NodeJS.Signals }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed-to-start"; readonly message: string };

/** The exit status a shell would show: 128+n for signals, 127 when it could not start. */
export function exitStatus(outcome: Outcome): number {
  switch (outcome.kind) {
    case "exited":
      return outcome.exitCode;
    case "signalled":
      return outcome.signal === "SIGKILL" ? 137 : outcome.signal === "SIGTERM" ? 143 : 128;
    case "cancelled":
      return 130;
    case "failed-to-start":
      return 127;
  }
}
