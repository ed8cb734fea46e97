/** The context of a phase whose command failed. Text from published build logs. */
import type { PhaseContext } from "../events.ts";

export const commandFailure = (command: string, reason: string): PhaseContext => ({
  statusCode: "COMMAND_EXECUTION_ERROR",
  message: `Error while executing command: ${command}. Reason: ${reason}`,
});
