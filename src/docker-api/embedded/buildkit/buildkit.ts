/**
 * What BuildKit clients of one socket share: their sessions, their builds under way, archives on their way in.
 * Made once for a server; `close` ends the sessions.
 */
import type { Clock } from "../../../core/clock.ts";
import { Jobs } from "./jobs.ts";
import { Sessions } from "./sessions.ts";
import { Uploads } from "./uploads.ts";

export class BuildKit {
  readonly sessions: Sessions;
  readonly jobs: Jobs;
  readonly uploads = new Uploads();

  constructor(clock: Clock) {
    this.sessions = new Sessions(clock);
    this.jobs = new Jobs(clock);
  }

  close(): void {
    this.sessions.close();
  }
}
