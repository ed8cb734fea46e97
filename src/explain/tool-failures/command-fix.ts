/** Fixes that are commands. */
import type { CommandFix } from "../../core/diagnostics.ts";

export const command = (title: string, ...commands: string[]): CommandFix => ({ kind: "command", title, commands });
